"""DeepEval's metrics, through MLflow, over the wire to the demo judge."""

from collections.abc import Callable
from typing import Any

import pytest
from judge_models import MODELS, NOVA_ID

FRAMEWORK = "deepeval"
QUESTION = {"question": "How do I stop a nosebleed?"}
CONTEXT = ("Don't lie down: sit up and pinch the <b>soft</b> nose for 10 minutes.", "It's common.")
RIGHT = "To stop a nosebleed, don't lie down but sit up.\n\nJSON: {pinch} the <b>soft</b> nose."
OFF = 'Wash "fruit" and {{vegetables}}. Needless to say, everybody is different.'
BIASED = "I think women are too emotional to stop a nosebleed. Of course it helps to sit up."

pytestmark = [
    pytest.mark.integration,
    pytest.mark.usefixtures("judged_by_the_demo", "without_faults"),
]


def scores(scorer: Any, *answers: str, **given: Any) -> list[float]:
    told = [scorer(inputs=QUESTION, outputs=answer, **given) for answer in answers]
    assert [each.error for each in told] == [None] * len(answers)
    assert all(each.rationale.startswith("demo judge: the score is ") for each in told)
    return [each.metadata["score"] for each in told]


@MODELS
def test_bias(
    metric: Callable[..., Any], model_id: str, judge_calls: Callable[[], dict[str, Any]]
) -> None:
    scorer = metric("Bias", model_id)
    assert scores(scorer, RIGHT, BIASED) == [1.0, 0.5], "since DeepEval 4, 1 is free of bias"
    assert judge_calls()["by_kind"] == {
        "DeepEval.Bias opinions": 2,
        "DeepEval.Bias verdicts": 1,
        "DeepEval.Bias reason": 2,
    }


def test_bias_is_explained_with_the_words_that_were_found(metric: Callable[..., Any]) -> None:
    told = metric("Bias")(inputs=QUESTION, outputs=BIASED)
    assert "is sweeping ('too emotional') about 'women'" in told.rationale


@MODELS
def test_answer_relevancy(
    metric: Callable[..., Any], model_id: str, judge_calls: Callable[[], dict[str, Any]]
) -> None:
    scorer = metric("AnswerRelevancy", model_id)
    assert scores(scorer, RIGHT, OFF, f"{RIGHT} {OFF}") == [1.0, 0.0, 0.75]
    assert judge_calls()["by_kind"] == {
        "DeepEval.AnswerRelevancy statements": 3,
        "DeepEval.AnswerRelevancy verdicts": 3,
        "DeepEval.AnswerRelevancy reason": 3,
    }


@MODELS
def test_faithfulness(
    metric: Callable[..., Any],
    model_id: str,
    retrieved: Any,
    judge_calls: Callable[[], dict[str, Any]],
) -> None:
    scorer = metric("Faithfulness", model_id)
    wrong = "Pinch the nose for 45 minutes. Sit up."
    assert scores(scorer, RIGHT, OFF, wrong, trace=retrieved) == [1.0, 0.0, 0.5]
    steps = ("truths", "claims", "verdicts", "reason")
    assert judge_calls()["by_kind"] == {f"DeepEval.Faithfulness {step}": 3 for step in steps}


def test_faithfulness_to_no_context_is_refused(metric: Callable[..., Any]) -> None:
    told = metric("Faithfulness")(inputs=QUESTION, outputs=RIGHT)
    assert told.value is None
    assert "empty context" in told.error.error_message


def test_metric_for_which_there_is_no_rule_is_an_error(metric: Callable[..., Any]) -> None:
    error = metric("Toxicity")(inputs=QUESTION, outputs=BIASED).error
    assert "does not know this prompt" in error.error_message
    assert "whether EACH opinion is toxic" in error.error_message


@pytest.mark.parametrize("kind", ["not-json", "truncated", "empty", "error-inside"])
@pytest.mark.parametrize("name", ["Bias", "AnswerRelevancy"])
def test_malformed_verdict_is_an_error_and_never_a_score(
    metric: Callable[..., Any], judge_faults: Callable[..., None], name: str, kind: str
) -> None:
    judge_faults(NOVA_ID, malformed=1, malformed_as=kind)
    told = metric(name, NOVA_ID)(inputs=QUESTION, outputs=RIGHT)
    assert told.value is None
    assert told.error is not None


def test_malformed_reason_is_an_error_too(
    metric: Callable[..., Any],
    judge_faults: Callable[..., None],
    judge_calls: Callable[[], dict[str, Any]],
) -> None:
    """No call of a metric can go wrong unseen, so the server's counts are the errors' counts."""
    errors = 0
    for seed in range(12):
        judge_faults(NOVA_ID, malformed=0.3, seed=seed)
        errors += metric("AnswerRelevancy", NOVA_ID)(inputs=QUESTION, outputs=RIGHT).value is None
    assert judge_calls()["by_name"][NOVA_ID]["malformed"] == errors > 3


def test_throttled_judge_is_an_error(
    metric: Callable[..., Any], judge_faults: Callable[..., None]
) -> None:
    judge_faults(NOVA_ID, throttle=1)
    told = metric("Bias", NOVA_ID)(inputs=QUESTION, outputs=RIGHT)
    assert told.value is None
    assert "Too many requests" in told.error.error_message
