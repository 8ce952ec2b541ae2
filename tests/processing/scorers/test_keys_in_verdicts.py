"""A key of the job's that a judge or a scorer file repeats is in no verdict that is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stub_wire import StubWire, says

from processing.base.secrets import DECLARED, MASK
from processing.calls.paid_store import Shelf
from processing.config.judge import Judge
from processing.config.scorers import parse_scorer
from processing.judges.kept_replies import KeptReplies
from processing.judges.verdict import Question
from processing.scorers.build import BuiltScorer, build_scorers

KEY = "planted.0123456789+abcdef/"
ROW = Question("Q", "A", "E", ("passage",))
SCORER = """
import os
from mlflow.entities import Feedback
from mlflow.genai.scorers import scorer

@scorer
def mine(outputs):
    key = os.environ["GATEWAY"]
    return Feedback(value=1, rationale="asked with " + key, metadata={"key": key})
"""


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the job has it, in a variable of no telling name."""
    monkeypatch.setenv("GATEWAY", KEY)
    monkeypatch.setenv(DECLARED, "GATEWAY")


def test_a_judge_that_repeats_its_key_gives_a_verdict_without_it(
    wire: StubWire, tmp_path: Path
) -> None:
    wire.say = says(rationale=f"asked with {KEY}", result="yes")
    replies = KeptReplies(Shelf(tmp_path / "replies.jsonl"))
    [built] = build_scorers(
        [parse_scorer("Safety")], Judge(model="bedrock:/m"), replies_of=lambda _: replies
    )
    told = built.score(ROW)
    assert (told.value, told.rationale) == ("yes", f"asked with {MASK}")
    kept = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert KEY not in json.dumps(kept) + str(told.to_dictionary())


def test_a_scorer_file_that_tells_the_key_is_recorded_without_it(
    build: Callable[..., BuiltScorer], tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(SCORER)
    told: dict[str, Any] = build({"mine": {"file": "mine.py"}}).score(ROW).to_dictionary()
    assert KEY not in json.dumps(told)
    assert MASK in json.dumps(told)
