"""What judges of retrieval are told: what was retrieved, or else the gold, and never both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stub_wire import StubWire

from processing.calls.paid_store import Shelf
from processing.calls.spend import Spend
from processing.config.judge import Judge
from processing.config.scorers import parse_scorer
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.retrieved import Passage, Retrieved
from processing.dataset.rows import make_row
from processing.judges.verdict import JudgeError, question_of
from processing.scorers.asked_once import PaidVerdicts
from processing.scorers.build import build_scorers
from processing.scorers.swapped_answers import planned_controls

GOLD, FOUND = "The golden passage.", "The retrieved passage."
pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning"),
]

ROW = make_row("Where is it?", "It is here.", [GOLD])
ANSWER = JudgedAnswer("It is here.", Retrieved((Passage(FOUND),)))
NOTHING = JudgedAnswer("It is here.", Retrieved(problem="response.context has no passages"))
JUDGE = Judge.model_validate({"model": "bedrock:/a-model", "retry_seconds": 0})
ON_RETRIEVED: list[Any] = [
    "RetrievalGroundedness",
    "RetrievalSufficiency",
    "RetrievalRelevance",
    "Faithfulness",
    {"ContextualPrecision": {"kind": "DeepEval"}},
    {"ContextualRecall": {"kind": "DeepEval"}},
    {"ContextualRelevancy": {"kind": "DeepEval"}},
    {"Faithful": {"kind": "RAGAS", "metric": "Faithfulness"}},
    {"ContextRecall": {"kind": "RAGAS"}},
    {"ContextPrecision": {"kind": "RAGAS"}},
    {"ResponseGroundedness": {"kind": "RAGAS"}},
]
ON_GOLD: list[Any] = [
    {"Hallucination": {"kind": "DeepEval"}},
    {"SummaryScore": {"kind": "RAGAS"}},
]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> StubWire:
    made = StubWire()
    monkeypatch.setattr("processing.judges.service._wire", lambda _: made)
    return made


def verdict(entry: Any, answer: JudgedAnswer, folder: Path) -> dict[str, Any]:
    """As the evaluation asks for it: kept in `folder`, and an error where there is none."""
    [built] = build_scorers([parse_scorer(entry)], JUDGE)
    paid = PaidVerdicts({built.definition: Shelf(folder / "verdicts.jsonl")}, Spend({}))
    return paid.record(built, ROW, answer)


@pytest.mark.parametrize("entry", ON_RETRIEVED, ids=str)
def test_retrieval_is_judged_by_what_was_retrieved(
    entry: Any, wire: StubWire, tmp_path: Path
) -> None:
    verdict(entry, ANSWER, tmp_path)
    assert any(FOUND in prompt for prompt in wire.prompts)
    assert not any(GOLD in prompt for prompt in wire.prompts)


@pytest.mark.parametrize("entry", ON_GOLD, ids=str)
def test_what_asks_for_the_right_context_gets_the_dataset_s(
    entry: Any, wire: StubWire, tmp_path: Path
) -> None:
    verdict(entry, ANSWER, tmp_path)
    assert any(GOLD in prompt for prompt in wire.prompts)
    assert not any(FOUND in prompt for prompt in wire.prompts)


@pytest.mark.parametrize("entry", ON_RETRIEVED, ids=str)
def test_without_passages_there_is_no_verdict_and_the_gold_takes_no_place(
    entry: Any, wire: StubWire, tmp_path: Path
) -> None:
    error = verdict(entry, NOTHING, tmp_path)["error"]
    assert "judges against the passages that were retrieved: response.context has no" in error
    assert wire.prompts == []


def test_other_passages_are_another_verdict_and_the_same_are_paid_for_once(
    wire: StubWire, tmp_path: Path
) -> None:
    [built] = build_scorers([parse_scorer("RetrievalGroundedness")], JUDGE)
    wire.say = lambda *_: '{"result": "yes", "rationale": "why"}'
    paid = PaidVerdicts({built.definition: Shelf(tmp_path / "verdicts.jsonl")}, Spend({}))
    other = JudgedAnswer(ANSWER.text, Retrieved((Passage("Another."),)))
    for answer in (ANSWER, ANSWER, other, JudgedAnswer(ANSWER.text)):
        assert "error" not in paid.record(built, ROW, answer)
    assert len(wire.prompts) == 3


def test_a_user_s_function_gets_both_and_can_hold_one_against_the_other(tmp_path: Path) -> None:
    (tmp_path / "scorers.py").write_text(
        "from mlflow.genai.scorers import scorer\n"
        "@scorer\n"
        "def told(inputs):\n"
        "    return str([inputs['context'], inputs['retrieved_context']])\n"
    )
    entry = {"told": {"file": "scorers.py", "levels": {f"{[[GOLD], [FOUND]]}": 1}}}
    [built] = build_scorers([parse_scorer(entry)], None, tmp_path)
    assert built.score(question_of(ROW, ANSWER)).value == str([[GOLD], [FOUND]])
    with pytest.raises(JudgeError, match="KeyError"):
        built.score(question_of(ROW, NOTHING))


def test_a_judge_is_tested_on_the_gold_and_without_any_by_another_scorer() -> None:
    asked = [(parse_scorer("RetrievalGroundedness"), JUDGE)]
    [by_gold], [other] = (planned_controls(asked, gold=gold) for gold in (True, False))
    assert by_gold.spec.kind == "RetrievalGroundedness"
    assert (other.spec.kind, other.stands_for) == ("Correctness", ("RetrievalGroundedness",))
