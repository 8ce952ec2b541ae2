"""MLflow's own judges that have a prompt each: Safety, Correctness, Guidelines and others.

The prompts are MLflow's (mlflow/genai/judges/prompts), and so are the verdicts' form and their
rule: yes or no. The calls are ours, see `processing.judges.conversation`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from processing.base.template import fill_double_curly
from processing.config.guideline_options import GuidelinesOptions
from processing.config.scorer_kinds import SCORERS
from processing.config.scorer_numbers import NOT_APPLICABLE
from processing.judges.conversation import Conversation, judge_source
from processing.judges.reply_form import plain_word
from processing.judges.verdict import (
    OffScale,
    Question,
    Score,
    malformed,
    require_context,
    require_expected,
)
from processing.mlflow_record.internals import facts_in_correctness, judge_prompt

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine


JUDGES = tuple(kind for kind, takes in SCORERS.items() if takes.module == "mlflow_judges")
BY_FACTS = ("Correctness", "RetrievalSufficiency")
"""They compare with the row's expected facts, where it has some."""
COMPARING = ("Equivalence", "Correctness", "RetrievalSufficiency")
ON_CONTEXT = ("RetrievalGroundedness", "RetrievalSufficiency")
BY_ROW = "ExpectationsGuidelines"


class YesNo(BaseModel):
    """The verdict's form that MLflow asks for (`mlflow.genai.judges.base.Judge`)."""

    result: str = Field(description="The evaluation rating/result")
    rationale: str = Field(default="", description="The rationale for the evaluation")


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    from mlflow.entities import Feedback

    assert line is not None, "the configuration has checked that there is a judge"
    prompt = prompt_of(spec)

    def verdict(question: Question) -> Feedback:
        if spec.kind in COMPARING:
            require_expected(question, spec.name)
        if spec.kind in ON_CONTEXT:
            require_context(question, spec.name)
        if spec.kind == BY_ROW and not question.further.guidelines:
            return Feedback(name=spec.name, value=NOT_APPLICABLE, rationale="it has no guidelines")
        if spec.kind == "Equivalence" and question.answer == question.expected_response:
            return Feedback(name=spec.name, value="yes", rationale="Exact string match")
        conversation = Conversation(line, question)
        told = conversation.ask_for([{"role": "user", "content": prompt(question)}], YesNo)
        return Feedback(
            name=spec.name,
            value=yes_or_no(told),
            rationale=told.rationale,
            source=judge_source(line.judge),
            metadata=conversation.metadata() | _criterion(spec, question),
        )

    return verdict


def yes_or_no(told: YesNo) -> Literal["yes", "no"]:
    match plain_word(told.result, ("yes", "no")):
        case "yes":
            return "yes"
        case "no":
            return "no"
    raise malformed(OffScale("neither yes nor no"), told.result)


def _criterion(spec: ScorerSpec, question: Question) -> dict[str, str]:
    rules = _rules(spec, question)
    return {"guideline": "\n".join(rules)} if rules else {}


def _rules(spec: ScorerSpec, question: Question) -> Sequence[str]:
    if isinstance(spec.options, GuidelinesOptions):
        return spec.options.guidelines
    return question.further.guidelines if spec.kind == BY_ROW else ()


def prompt_of(spec: ScorerSpec) -> Callable[[Question], str]:
    """What a judge is told about a row: MLflow's prompt, filled in one pass.

    MLflow's own `format_prompt` puts in one value after the other, and so fills the placeholders
    that stand in a value: an answer `{{ground_truth}}` would be the expected one.
    """
    prompt = judge_prompt(spec.kind)

    def filled(row: Question) -> str:
        facts = row.further.expected_facts if spec.kind in BY_FACTS else ()
        by_facts = facts_in_correctness() if facts and spec.kind == "Correctness" else ""
        return fill_double_curly(
            prompt + by_facts,
            {
                "content": row.answer,
                "input": row.question,
                "output": row.answer,
                "expected_output": row.expected_response,
                "ground_truth": _listed(spec.kind, facts) if facts else row.expected_response,
                # as MLflow has it: the list of documents, as Python prints it
                "retrieval_context": str([{"content": text} for text in row.judged_context]),
                "guidelines": "\n".join(
                    f"<guideline>{rule}</guideline>" for rule in _rules(spec, row)
                ),
                "guidelines_context": f"<request>{row.question}</request>\n"
                f"<response>{row.answer}</response>",
            },
        )

    return filled


def _listed(kind: str, facts: Sequence[str]) -> str:
    """The facts as MLflow lists them to that judge."""
    if kind == "Correctness":
        return "\n- ".join(["", *facts])
    return "  " + "\n    - ".join(["", *facts]).strip()
