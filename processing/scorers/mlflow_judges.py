"""MLflow's own judges that have a prompt each: Safety, Correctness, Guidelines and others.

The prompts are MLflow's (mlflow/genai/judges/prompts), and so are the verdicts' form and their
rule: yes or no. The calls are ours, see `processing.judges.conversation`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from processing.base.template import fill_double_curly
from processing.config.guideline_options import GuidelinesOptions
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
from processing.mlflow_record.internals import judge_prompt

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine


COMPARING = ("Equivalence", "Correctness", "RetrievalSufficiency")
ON_CONTEXT = ("RetrievalGroundedness", "RetrievalSufficiency")
JUDGES = ("Safety", "RelevanceToQuery", "Equivalence", "Correctness", "Guidelines", *ON_CONTEXT)


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
        if spec.kind == "Equivalence" and question.answer == question.expected_response:
            return Feedback(name=spec.name, value="yes", rationale="Exact string match")
        conversation = Conversation(line, question)
        told = conversation.ask_for([{"role": "user", "content": prompt(question)}], YesNo)
        return Feedback(
            name=spec.name,
            value=yes_or_no(told),
            rationale=told.rationale,
            source=judge_source(line.judge),
            metadata=conversation.metadata() | _criterion(spec),
        )

    return verdict


def yes_or_no(told: YesNo) -> Literal["yes", "no"]:
    match plain_word(told.result, ("yes", "no")):
        case "yes":
            return "yes"
        case "no":
            return "no"
    raise malformed(OffScale("neither yes nor no"), told.result)


def _criterion(spec: ScorerSpec) -> dict[str, str]:
    if isinstance(spec.options, GuidelinesOptions):
        return {"guideline": "\n".join(spec.options.guidelines)}
    return {}


def prompt_of(spec: ScorerSpec) -> Callable[[Question], str]:
    """What one of JUDGES is told about a row: MLflow's prompt, filled in one pass.

    MLflow's own `format_prompt` puts in one value after the other, and so fills the placeholders
    that stand in a value: an answer `{{ground_truth}}` would be the expected one.
    """
    prompt, options = judge_prompt(spec.kind), spec.options
    if isinstance(options, GuidelinesOptions):
        rules = "\n".join(f"<guideline>{rule}</guideline>" for rule in options.guidelines)
        return lambda row: fill_double_curly(
            prompt,
            {
                "guidelines": rules,
                "guidelines_context": f"<request>{row.question}</request>\n"
                f"<response>{row.answer}</response>",
            },
        )
    return lambda row: fill_double_curly(
        prompt,
        {
            "content": row.answer,
            "input": row.question,
            "output": row.answer,
            "expected_output": row.expected_response,
            "ground_truth": row.expected_response,
            # as MLflow has it: the list of documents, as Python prints it
            "retrieval_context": str([{"content": passage} for passage in row.context or ()]),
        },
    )
