"""MLflow's Guidelines and make_judge over the wire to the demo judge."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from judge_models import BY_SCHEMA_ID, CLAUDE_ID, NOVA_ID

from pipeline.local.demo.judge.rules import tag

CLAUDE, NOVA = f"bedrock/converse:/{CLAUDE_ID}", f"bedrock/converse:/{NOVA_ID}"
BY_SCHEMA = f"bedrock/converse:/{BY_SCHEMA_ID}"
# litellm 1.83 forces a tool on the first, asks the second by JSON schema, offers the third a tool
MODELS = pytest.mark.parametrize(
    "model", [CLAUDE, BY_SCHEMA, NOVA], ids=["tool", "schema", "offered-tool"]
)
QUESTION = {"question": "How do I stop a nosebleed?"}
GOOD = "To stop a nosebleed, sit up, don't lie down, and pinch the <b>soft</b> part of your nose."
OFF = "Wash {{fruit}} and vegetables; five portions a day are good."
FILLER = (
    "Needless to say, everybody is different. It is all a matter of the whole picture, and it "
    "comes up again and again."
)
LONG = " ".join(["Pinch the nose and lean forward for a while."] * 8)

CASES = {
    "follows_objective": ("The answer addresses the question that was asked.", OFF),
    "concise_communication": ("The answer is short and to the point.", LONG),
    "concise_by_its_own_limit": ("At most 20 words.", f"{GOOD} Keep calm, breathe and wait."),
    "sentences": ("Two sentences at most.", "Pinch the nose. Sit. Wait."),
    "padding": ("No filler and no repetition.", f"{GOOD} {FILLER}"),
    "professional_tone": ("Calm, polite tone without slang.", f"{GOOD} You're gonna be fine!"),
    "no_harmful_advice": ("Names no doses and does not diagnose.", f"{GOOD} Take 500 mg of it."),
    "diagnosis": ("Nothing that could do harm.", f"{GOOD} You probably have a tumour."),
    "empathy": ("Shows empathy and blames nobody.", f"{GOOD} It is your own fault."),
    "next_step": ("Names a next step.", "Nosebleeds are common."),
    "clarity": ("Plain words that a layperson understands.", f"{GOOD} {'and so on ' * 20}."),
    "generic": ("Mentions what a nurse would.", OFF),
}

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("judged_by_the_demo")]


@pytest.fixture(scope="module")
def mlflow_judges() -> Any:
    import mlflow.genai.judges
    import mlflow.genai.scorers

    return mlflow.genai


@pytest.fixture(autouse=True)
def quick(judge_faults: Callable[..., None]) -> None:
    for model_id in (CLAUDE_ID, BY_SCHEMA_ID, NOVA_ID):
        judge_faults(model_id)


@MODELS
@pytest.mark.parametrize("case", CASES)
def test_guideline_is_met_by_a_good_answer_and_not_by_a_bad_one(
    mlflow_judges: Any, model: str, case: str
) -> None:
    text, bad = CASES[case]
    scorer = mlflow_judges.scorers.Guidelines(name=case, guidelines=[text], model=model)
    yes, no = (scorer(inputs=QUESTION, outputs=answer) for answer in (GOOD, bad))
    assert (yes.value, no.value) == ("yes", "no"), (yes.rationale, no.rationale)
    assert yes.rationale.startswith("demo judge: guideline 1, ")
    assert "not satisfied" in no.rationale


def test_every_guideline_of_a_set_must_be_met(mlflow_judges: Any) -> None:
    texts = ["Names no doses.", "Is at most 3 words long."]
    scorer = mlflow_judges.scorers.Guidelines(name="both", guidelines=texts, model=CLAUDE)
    told = scorer(inputs=QUESTION, outputs=GOOD)
    assert told.value == "no"
    assert "guideline 1, no harm: doses []" in told.rationale
    assert "guideline 2, concise: 17 words, at most 3: not satisfied" in told.rationale


def test_guideline_without_a_rule_of_its_own_is_judged_by_the_generic_one(
    mlflow_judges: Any,
) -> None:
    texts = ["Is written as a pirate would."]
    scorer = mlflow_judges.scorers.Guidelines(name="own", guidelines=texts, model=CLAUDE)
    told = scorer(inputs=QUESTION, outputs=GOOD)
    assert "guideline 1, generic rule: 2 of 2 words of the question" in told.rationale


def test_calls_are_counted_by_guideline(
    mlflow_judges: Any, judge_calls: Callable[[], dict[str, Any]]
) -> None:
    sets = [["Be short.", "No slang."], ["Be kind."], ["Be kind!"]]
    for texts in sets:
        scorer = mlflow_judges.scorers.Guidelines(name="same", guidelines=texts, model=CLAUDE)
        scorer(inputs=QUESTION, outputs=GOOD)
    kinds = judge_calls()["by_kind"]
    assert kinds == {f"Guidelines {tag(chr(10).join(texts))}": 1 for texts in sets}
    assert len(kinds) == 3


def template(mlflow_judges: Any, model: str, instructions: str, wanted: Any) -> Any:
    return mlflow_judges.judges.make_judge(
        name="own", instructions=instructions, model=model, feedback_value_type=wanted
    )


@MODELS
def test_coherence_has_three_levels(mlflow_judges: Any, model: str) -> None:
    levels = Literal["coherent", "somewhat coherent", "incoherent"]
    text = "Judge how coherent {{ outputs }} is as an answer to {{ inputs }}."
    judge = template(mlflow_judges, model, text, levels)
    answers = (GOOD, f"{GOOD}\n{GOOD}", f"{GOOD} {FILLER}", "Yes.")
    told = [judge(inputs=QUESTION, outputs=answer) for answer in answers]
    assert [each.value for each in told] == [
        "coherent",
        "somewhat coherent",
        "incoherent",
        "incoherent",
    ]
    assert told[2].rationale.startswith("demo judge: coherence rule: 3 sentences, 2 of them filler")


@pytest.mark.parametrize(
    ("wanted", "good", "bad"),
    [
        (Literal["helpful", "so-so", "useless"], "helpful", "useless"),
        (Literal["poor", "fair", "fine"], "fine", "poor"),
        (Literal["no", "yes"], "yes", "no"),
        (Literal[1, 2, 3, 4], 4, 1),
        (bool, True, False),
        (str, "yes", "no"),
        (int, 5, 1),
        (float, 1.0, 0.0),
    ],
)
def test_any_other_template_is_judged_by_the_generic_rule(
    mlflow_judges: Any, wanted: Any, good: Any, bad: Any
) -> None:
    text = "How much does {{ outputs }} help someone who asks {{ inputs }}?"
    judge = template(mlflow_judges, CLAUDE, text, wanted)
    told = [judge(inputs=QUESTION, outputs=answer) for answer in (GOOD, OFF)]
    assert [each.value for each in told] == [good, bad]
    assert told[0].rationale.startswith("demo judge: generic rule: 2 of 2 words of the question")


def test_generic_rule_without_inputs_goes_by_expectations_and_then_by_filler(
    mlflow_judges: Any,
) -> None:
    by_expectations = template(mlflow_judges, CLAUDE, "{{ outputs }} or {{ expectations }}?", bool)
    expected = {"expected_response": "Pinch the soft part."}
    assert by_expectations(outputs=GOOD, expectations=expected).value is True
    assert by_expectations(outputs=OFF, expectations=expected).value is False
    alone = template(mlflow_judges, CLAUDE, "Is {{ outputs }} good?", bool)
    assert [alone(outputs=text).value for text in (OFF, FILLER)] == [True, False]


def test_result_that_no_rule_can_give_is_refused(mlflow_judges: Any) -> None:
    from mlflow.exceptions import MlflowException

    judge = template(mlflow_judges, CLAUDE, "List what is wrong in {{ outputs }}.", list[str])
    with pytest.raises(MlflowException, match="no rule for a make_judge result"):
        judge(outputs=GOOD)


def test_template_without_a_schema_is_answered_by_the_type_that_its_prompt_names(
    bedrock: Any,
) -> None:
    system = (
        "You are an expert judge tasked with evaluating the performance of an AI\nagent.\n\n"
        "Your task: Rate {{ outputs }}.\n\nYou *must* format your evaluation rating as JSON.\n\n"
        "- result (Literal['fine', 'poor']): The rating\n- rationale (str): Why"
    )
    response = bedrock.converse(
        modelId=CLAUDE_ID,
        system=[{"text": system}],
        messages=[{"role": "user", "content": [{"text": 'outputs: "One could say so."'}]}],
    )
    assert '"result": "poor"' in response["output"]["message"]["content"][0]["text"]


def test_template_calls_are_counted_by_their_instructions(
    mlflow_judges: Any, judge_calls: Callable[[], dict[str, Any]]
) -> None:
    texts = ("Is {{ outputs }} good?", "Is {{ outputs }} bad?")
    for text in texts:
        template(mlflow_judges, CLAUDE, text, bool)(outputs=GOOD)
    assert judge_calls()["by_kind"] == {f"make_judge {tag(text)}": 1 for text in texts}
