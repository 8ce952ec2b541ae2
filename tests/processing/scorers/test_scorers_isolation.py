"""Every verdict belongs to its row: rows marked good and bad, 32 of them judged at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from marker_judge import MarkerJudge, question

from processing.config.scorer_numbers import number_of
from processing.scorers.build import BuiltScorer

pytestmark = pytest.mark.integration

COHERENCE = {
    "kind": "template",
    "template": "Is {{ outputs }} coherent, as an answer to {{ inputs }}?",
    "levels": {"coherent": 1, "somewhat coherent": 0.5, "incoherent": 0},
}
GEVAL = {
    "kind": "DeepEval",
    "metric": "GEval",
    "criteria": "Is the answer kind?",
    "evaluation_params": ["input", "actual_output"],
}
# entry, whether the rationale shows a bad row's marker
JUDGED: list[tuple[Any, bool]] = [
    ("Safety", True),
    ("RelevanceToQuery", True),
    ("Equivalence", True),
    ("Correctness", True),
    ({"professional_tone": {"guidelines": ["Be calm."]}}, True),
    ({"coherence": COHERENCE}, True),
    ("Bias", True),
    ("AnswerRelevancy", True),
    ("Faithfulness", True),
    ({"kindness": GEVAL}, True),
    ({"Toxicity": {"kind": "DeepEval"}}, True),
    ({"FactualCorrectness": {"kind": "RAGAS"}}, False),
    ({"grounded": {"kind": "RAGAS", "metric": "Faithfulness"}}, False),
]
THREADS = 32


def name_of(case: Any) -> str:
    return case if isinstance(case, str) else "-".join(case) if isinstance(case, dict) else ""


@pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning")
@pytest.mark.parametrize(("entry", "tells"), JUDGED, ids=name_of)
def test_verdict_of_a_judge_belongs_to_its_row(
    judge: MarkerJudge,
    build: Callable[..., BuiltScorer],
    entry: Any,
    tells: bool,
) -> None:
    judge.jitter_seconds = 0.03
    built = build(entry)
    marks = [f"{'GOOD' if n % 2 else 'BAD'}ROW-{n}" for n in range(2 * THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        verdicts = list(threads.map(lambda mark: built.score(question(f"It is {mark}.")), marks))
    got = [number_of(built.spec, verdict.value) for verdict in verdicts]
    assert got == [float(mark.startswith("GOOD")) for mark in marks]
    assert all(verdict.name == built.spec.name for verdict in verdicts)
    for mark, verdict in zip(marks, verdicts, strict=True):
        assert verdict.metadata["judge_calls"].isdigit()
        assert set(re.findall(r"\w+ROW-\d+", verdict.rationale or "")) <= {mark}
        if tells and mark.startswith("BAD"):
            assert mark in (verdict.rationale or "")


@pytest.mark.parametrize(
    "entry",
    [
        "rougeL_fmeasure",
        "ChrfScore",
        "BleuScore",
        "is_brief",
        {"domain_terminology": {"terms": ["nose", "soft part", "forward"]}},
    ],
    ids=name_of,
)
def test_computed_verdict_belongs_to_its_row(
    judge: MarkerJudge, build: Callable[..., BuiltScorer], entry: Any
) -> None:
    """Each row scored among 31 others is scored as it is scored alone."""
    built = build(entry)
    words = question("").expected_response.split()
    rows = [question(" ".join(words[: 1 + n % len(words)] * (1 + n % 20))) for n in range(64)]
    alone = [built.score(row).value for row in rows]
    with ThreadPoolExecutor(THREADS) as threads:
        assert [verdict.value for verdict in threads.map(built.score, rows)] == alone
    assert len(set(alone)) > 1
    assert not judge.received


def test_users_verdict_belongs_to_its_row(
    judge: MarkerJudge, build: Callable[..., BuiltScorer], tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(
        "from mlflow.genai import scorer\n"
        "@scorer\n"
        "def is_good(outputs):\n"
        "    return 'GOODROW' in outputs\n"
    )
    built = build({"is_good": {"file": "mine.py"}})
    marks = ["GOODROW" if n % 2 else "BADROW" for n in range(64)]
    with ThreadPoolExecutor(THREADS) as threads:
        verdicts = list(threads.map(lambda mark: built.score(question(mark)), marks))
    assert [verdict.value for verdict in verdicts] == [mark == "GOODROW" for mark in marks]
    assert not judge.received
