"""What MLflow holds of a panel: each judge's verdict, also where the panel has come to none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from processing.calls.paid_store import Record
from processing.config.judge import Judge
from processing.config.scorers import parse_scorer
from processing.dataset.rows import make_row
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.evaluation.scoring import score_rows
from processing.mlflow_record.run import tracked_run
from processing.mlflow_record.scores import read_scores
from processing.mlflow_record.trace_writer import FULL_SUPPORT, traces_written_behind
from processing.scorers.build import BuiltScorer
from processing.scorers.panel import panel_record

pytestmark = pytest.mark.integration

MODELS = ["bedrock:/one", "openai:/two", "bedrock:/three"]
SPEC = parse_scorer("Correctness")
START = 1_700_000_000_000_000_000


def panel() -> BuiltScorer:
    members = [
        BuiltScorer(SPEC, Judge(model=model), model, lambda _: pytest.fail("asked"))
        for model in MODELS
    ]
    judge = Judge.model_validate({"panel": MODELS})
    return replace(members[0], judge=judge, panel=tuple(members))


def said(word: str | None) -> Record:
    if word is None:
        return {"error": "the judge failed (no access)"}
    source = {"source_type": "LLM_JUDGE", "source_id": "x"}
    used = {"judge_calls": "2", "judge_left_out": "temperature"}
    return {"name": "Correctness", "value": word, "rationale": "so", "metadata": used,
            "source": source}  # fmt: skip


def test_what_each_judge_said_is_held_whether_the_panel_settles_or_not(server: str) -> None:
    verdicts = {"settled": ["yes", None, "yes"], "open": ["yes", None, "no"]}
    rows = {name: make_row(f"{name}?", "Yes.") for name in verdicts}
    call = Call(Reply("Yes.", 1, 1), None, 1, 12.5, START, START + 10**7)
    given = {row.row_id: Answer(row, {}, call) for row in rows.values()}
    built = panel()
    records = {
        rows[name].row_id: panel_record(built, [said(word) for word in words])
        for name, words in verdicts.items()
    }
    with tracked_run(server, "panel", "run", {}, {}) as run:
        with traces_written_behind(run, FULL_SUPPORT) as traces:
            score_rows(
                [built], list(rows.values()), traces, given.__getitem__,
                lambda row_id, _: records[row_id],
            )  # fmt: skip
            traces.finish()
        scores, _ = read_scores(run, [SPEC], list(given.values()))
    for name, words in verdicts.items():
        score = scores[rows[name].row_id]["Correctness"]
        assert [each.judge for each in score.panel] == MODELS
        assert [each.shown for each in score.panel] == words
        assert [each.error is None for each in score.panel] == [True, False, True]
        assert [each.used.calls for each in score.panel] == [2, 0, 2]
        assert [each.left_out for each in score.panel] == ["temperature", None, "temperature"]
    settled, open_ = (scores[rows[name].row_id]["Correctness"] for name in verdicts)
    assert (settled.value, settled.judged.calls, settled.left_out) == (1.0, 4, None)
    assert open_.value is None
    assert open_.error is not None
    assert "settle no majority" in open_.error
    assert "two failed: the judge failed (no access)" in open_.error
