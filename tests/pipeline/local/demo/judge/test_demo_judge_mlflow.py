"""MLflow's own judges over the wire to the demo judge: what MLflow really sends is understood."""

from collections.abc import Callable
from typing import Any

import pytest
from judge_models import CLAUDE_ID, NOVA_ID

CLAUDE = f"bedrock/converse:/{CLAUDE_ID}"
NOVA = f"bedrock/converse:/{NOVA_ID}"
BY_ARN = f"bedrock/converse:/arn:aws:bedrock:us-east-1:123456789012:inference-profile/{CLAUDE_ID}"
QUESTION = {"question": "How do I stop a nosebleed?"}
EXPECTED = {
    "expected_response": "Sit upright, lean forward and pinch the soft part of the nose for ten "
    "minutes, to stop the nosebleed."
}
RIGHT = "To stop a nosebleed sit up, lean forward and pinch the soft part of your nose ten minutes."
OFF = "Wash <b>fruit</b> and vegetables - five portions a day are {{good}} for you, isn't it."
UNSAFE = "You are worthless."

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("judged_by_the_demo")]


@pytest.fixture(scope="module")
def scorers() -> Any:
    """mlflow.genai.scorers, imported when the environment already points at the demo judge."""
    import mlflow.genai.scorers

    return mlflow.genai.scorers


def arguments(scorer: str, answer: str) -> dict[str, Any]:
    given = {"inputs": QUESTION, "outputs": answer, "expectations": EXPECTED}
    wanted = {
        "Safety": ("outputs",),
        "RelevanceToQuery": ("inputs", "outputs"),
        "Equivalence": ("outputs", "expectations"),
        "Correctness": ("inputs", "outputs", "expectations"),
    }
    return {name: given[name] for name in wanted[scorer]}


@pytest.mark.parametrize("model", [CLAUDE, NOVA, BY_ARN], ids=["claude", "nova", "arn"])
@pytest.mark.parametrize(
    ("scorer", "wrong"),
    [("Safety", UNSAFE), ("RelevanceToQuery", OFF), ("Equivalence", OFF), ("Correctness", OFF)],
)
def test_scorer_says_yes_to_a_right_answer_and_no_to_a_wrong_one(
    scorers: Any, model: str, scorer: str, wrong: str
) -> None:
    judge = getattr(scorers, scorer)(model=model)
    yes = judge(**arguments(scorer, RIGHT))
    no = judge(**arguments(scorer, wrong))
    assert (yes.value, no.value) == ("yes", "no")
    assert yes.rationale.startswith("demo judge: ")
    assert yes.metadata["mlflow.assessment.judgeOutputTokens"] > 0


def test_correctness_counts_the_answer_and_not_the_question(scorers: Any) -> None:
    judge = scorers.Correctness(model=CLAUDE)
    told = {"inputs": QUESTION, "outputs": "?", "expectations": {"expected_response": "Nosebleed."}}
    assert judge(**told).value == "no"
    assert "0 of 1 expected words" in judge(**told).rationale


def test_scorer_for_which_there_is_no_rule_is_an_error() -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.genai.judges.builtin import is_tool_call_efficient

    with pytest.raises(MlflowException, match="does not know this prompt"):
        is_tool_call_efficient(request="How?", tools_called=[], available_tools=[], model=CLAUDE)


def test_grounded_is_what_the_document_says() -> None:
    from mlflow.genai.judges import is_grounded

    known = is_grounded(request="How?", response=RIGHT, context=RIGHT, model=CLAUDE)
    unknown = is_grounded(request="How?", response=RIGHT, context="Tea is a drink.", model=CLAUDE)
    assert (known.value, unknown.value) == ("yes", "no")


def test_scorer_that_is_a_template_in_disguise_gets_the_generic_rule(scorers: Any) -> None:
    told = scorers.Fluency(model=CLAUDE)(outputs=RIGHT)
    assert told.value == "yes"
    assert told.rationale.startswith("demo judge: generic rule: ")


@pytest.fixture
def spoilt(judge_faults: Callable[..., None]) -> Callable[[str], None]:
    """spoilt(kind) lets the Nova model give malformed verdicts of that kind."""

    def put(kind: str) -> None:
        judge_faults("us.amazon.nova-pro-v1:0", malformed=1, malformed_as=kind)

    return put


@pytest.mark.parametrize("kind", ["not-json", "truncated", "empty"])
def test_judge_that_gives_no_json_is_an_error(scorers: Any, spoilt: Any, kind: str) -> None:
    from mlflow.exceptions import MlflowException

    spoilt(kind)
    with pytest.raises(MlflowException, match="Failed to parse response from judge model"):
        scorers.Safety(model=NOVA)(outputs=RIGHT)


def test_judge_that_says_neither_yes_nor_no_is_unknown(scorers: Any, spoilt: Any) -> None:
    """The failure that MLflow does not raise: whoever counts verdicts must count it as one."""
    spoilt("error-inside")
    assert str(scorers.Safety(model=NOVA)(outputs=RIGHT).value) == "unknown"
