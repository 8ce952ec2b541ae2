"""MLflow's retrieval judges: asked in MLflow's words about the row's passages."""

from __future__ import annotations

from typing import Any

import pytest
from mlflow.genai.judges.prompts import context_sufficiency, groundedness, retrieval_relevance
from running_aws import ConfigWriter
from typed_command import the_line, typed

from pipeline.local.demo.judge.server import serve_judge
from processing.calls.spend import Spend
from processing.config.judge import Judge
from processing.config.scorer_numbers import number_of
from processing.config.scorers import parse_scorer
from processing.judges.verdict import JudgeError, Question
from processing.scorers.build import build_scorers
from processing.scorers.kept_verdict import numbered
from processing.scorers.mlflow_judges import prompt_of

ROW = Question(
    "How do I stop a nosebleed?",
    "Lean forward and pinch the soft part of the nose.",
    "Pinch the soft part of the nose and lean forward.",
    ("To stop a nosebleed, lean forward and pinch the soft part of the nose.", "Tea is a drink."),
)
DOCUMENTS = [{"content": passage} for passage in ROW.context or ()]


def test_the_prompts_are_mlflows() -> None:
    assert prompt_of(parse_scorer("RetrievalGroundedness"))(ROW) == groundedness.get_prompt(
        ROW.question, ROW.answer, DOCUMENTS
    )
    assert prompt_of(parse_scorer("RetrievalSufficiency"))(ROW) == context_sufficiency.get_prompt(
        ROW.question, DOCUMENTS, expected_response=ROW.expected_response
    )


def judged(entry: Any, row: Question) -> tuple[float, str, int]:
    """The number, the rationale and how many calls it took, by the demo judge."""
    server, spend = serve_judge(), Spend({})
    try:
        judge = Judge(model="openai:/demo", base_url=f"{server.url}/v1")
        [built] = build_scorers([parse_scorer(entry)], judge, spend=spend)
        feedback = numbered(built, built.score(row))
    finally:
        server.stop()
    calls = sum(account.calls for account in spend.accounts.values())
    number = number_of(built.spec, feedback.value)
    assert number is not None
    return number, str(feedback.rationale), calls


@pytest.mark.integration
def test_relevance_is_the_share_of_passages_and_each_is_asked_about_alone() -> None:
    value, rationale, calls = judged("RetrievalRelevance", ROW)
    assert (value, calls) == (0.5, 2)
    assert rationale.startswith("1 of 2 passages are relevant; passage 1: yes")
    assert retrieval_relevance.get_prompt("q", "d")  # MLflow's, by whose words it is asked


@pytest.mark.integration
@pytest.mark.parametrize(
    ("entry", "answer", "expected"),
    [
        ("RetrievalGroundedness", ROW.answer, 1.0),
        ("RetrievalGroundedness", "Fly to the moon by rocket tomorrow morning.", 0.0),
        ("RetrievalSufficiency", "whatever", 1.0),
        ("Completeness", "A nosebleed: stop it by leaning forward.", 1.0),
        ("Completeness", "Bananas are yellow.", 0.0),
        ("Fluency", "It is well written.", 1.0),
        ("Summarization", "Bananas.", 0.0),
    ],
)
def test_yes_is_one_and_no_is_zero(entry: str, answer: str, expected: float) -> None:
    row = Question(ROW.question, answer, ROW.expected_response, ROW.context)
    value, _, calls = judged(entry, row)
    assert (value, calls) == (expected, 1)


@pytest.mark.parametrize("entry", ["RetrievalGroundedness", "RetrievalSufficiency",
                                   "RetrievalRelevance"])  # fmt: skip
def test_a_row_without_passages_has_no_verdict_and_a_file_without_them_is_refused(
    entry: str, write_config: ConfigWriter
) -> None:
    judge = Judge(model="bedrock:/judge")
    [built] = build_scorers([parse_scorer(entry)], judge)
    with pytest.raises(JudgeError, match="judges against a context and this row has none"):
        built.score(Question("q", "an answer", "e", None))
    columns = {"question": "question", "expected_response": "answer"}
    config = write_config(
        dataset={"columns": columns}, scorers=[entry], thresholds={entry: {"min": 0.5}}
    )
    assert "dataset.columns.context" in the_line(typed("check", "--config", str(config)))
