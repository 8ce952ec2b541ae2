"""RAGAS's metrics, through MLflow, over the wire to the demo judge."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from judge_models import CLAUDE_ID, MODELS, NOVA_ID

FRAMEWORK = "ragas"
QUESTION = {"question": "How do I stop a nosebleed?"}
CONTEXT = ('Don\'t lie down: sit up and pinch the "soft" nose for 10 minutes.', "It's common.")
EXPECTED = {"expected_output": "Sit up, don't lie down. Pinch the soft nose for 10 minutes."}
RIGHT = 'Don\'t lie down but sit up.\n\nOutput: {pinch} the "soft" nose for 10 minutes.'
OFF = 'Wash "fruit" and {{vegetables}}. Five portions are good.'

pytestmark = [
    pytest.mark.integration,
    pytest.mark.usefixtures("judged_by_the_demo", "without_faults"),
]


@MODELS
def test_faithfulness(
    metric: Callable[..., Any],
    model_id: str,
    retrieved: Any,
    judge_calls: Callable[[], dict[str, Any]],
) -> None:
    scorer = metric("Faithfulness", model_id)
    answers = (RIGHT, OFF, f"{RIGHT} {OFF}")
    told = [scorer(inputs=QUESTION, outputs=text, trace=retrieved) for text in answers]
    assert [each.value for each in told] == [1.0, 0.0, 0.5]
    assert judge_calls()["by_kind"] == {
        "RAGAS.Faithfulness statements": 3,
        "RAGAS.Faithfulness verdicts": 3,
    }


@MODELS
def test_factual_correctness(
    metric: Callable[..., Any], model_id: str, judge_calls: Callable[[], dict[str, Any]]
) -> None:
    scorer = metric("FactualCorrectness", model_id)
    told = [
        scorer(inputs=QUESTION, outputs=text, expectations=EXPECTED).value
        for text in (RIGHT, OFF, f"{RIGHT} {OFF}")
    ]
    assert told == [1.0, 0.0, 0.67]
    assert judge_calls()["by_kind"] == {
        "RAGAS.FactualCorrectness claims": 6,
        "RAGAS.FactualCorrectness verdicts": 6,
    }


@pytest.mark.parametrize("name", ["ChrfScore", "BleuScore"])
def test_overlap_metrics_ask_no_judge(name: str, judge_calls: Callable[[], dict[str, Any]]) -> None:
    from mlflow.genai.scorers.ragas import get_scorer

    scorer = get_scorer(name)
    good, bad = (
        scorer(inputs=QUESTION, outputs=text, expectations=EXPECTED).value for text in (RIGHT, OFF)
    )
    assert good > bad
    assert judge_calls()["total"] == 0


def test_metric_for_which_there_is_no_rule_gets_no_verdict(
    metric: Callable[..., Any], judge_calls: Callable[[], dict[str, Any]]
) -> None:
    """AnswerAccuracy hides the judge's errors: whoever counts verdicts must count NaN as one."""
    told = metric("AnswerAccuracy")(inputs=QUESTION, outputs=RIGHT, expectations=EXPECTED)
    assert math.isnan(told.value)
    assert told.error is None
    assert set(judge_calls()["by_name"][CLAUDE_ID]) == {"ValidationException"}


@pytest.mark.parametrize("kind", ["not-json", "truncated", "empty", "error-inside"])
def test_malformed_verdict_is_an_error_and_never_a_score(
    metric: Callable[..., Any], judge_faults: Callable[..., None], kind: str
) -> None:
    judge_faults(NOVA_ID, malformed=1, malformed_as=kind)
    scorer = metric("FactualCorrectness", NOVA_ID)
    told = scorer(inputs=QUESTION, outputs=RIGHT, expectations=EXPECTED)
    assert told.value is None
    assert told.error is not None


def test_throttled_judge_is_an_error(
    metric: Callable[..., Any], judge_faults: Callable[..., None]
) -> None:
    judge_faults(NOVA_ID, throttle=1)
    scorer = metric("FactualCorrectness", NOVA_ID)
    told = scorer(inputs=QUESTION, outputs=RIGHT, expectations=EXPECTED)
    assert told.value is None
    assert "Too many requests" in told.error.error_message
