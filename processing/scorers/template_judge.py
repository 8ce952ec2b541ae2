"""A judge by an instruction of your own (`mlflow.genai.make_judge`), whose verdict is a level."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from processing.config.judge import mlflow_model_uri
from processing.config.scorer_options import TemplateOptions
from processing.dataset.turns import messages_of
from processing.judges.conversation import Conversation, judge_source
from processing.judges.verdict import OffScale, Question, Score, malformed, require_expected
from processing.mlflow_record.internals import reply_schema, system_message, user_message

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    assert line is not None, "the configuration has checked that there is a judge"
    options = spec.options
    assert isinstance(options, TemplateOptions)
    score = judge_by_template(spec.name, options.template, tuple(options.levels), line)
    if "expectations" not in options.variables():
        return score

    def compared(question: Question) -> Feedback:
        require_expected(question, spec.name)
        return score(question)

    return compared


def judge_by_template(name: str, template: str, words: Sequence[str], line: JudgeLine) -> Score:
    """A judge by MLflow's `make_judge`, whose verdict is one of `words`."""
    from mlflow.entities import Feedback
    from mlflow.genai import make_judge

    levels = {level.strip().casefold(): level for level in words}
    # The verdict's form and the prompts are make_judge's; calling it would ask on MLflow's own
    # route, with ten retries.
    made: Any = make_judge(
        name=name,
        instructions=template,
        model=mlflow_model_uri(line.judge.model),
        feedback_value_type=Literal[tuple(levels.values())],
    )
    form = reply_schema(made)
    system = system_message(made)

    def verdict(question: Question) -> Feedback:
        inputs: dict[str, Any] = {"question": question.question}
        if question.history:
            inputs = {"messages": messages_of(question.turns)}
        expectations = {"expected_response": question.expected_response}
        asked = user_message(made, inputs, question.answer, expectations)
        conversation = Conversation(line, question)
        told = conversation.ask_for_object(
            [{"role": "system", "content": system}, {"role": "user", "content": asked}], form
        )
        level = levels.get(str(told.get("result", "")).strip().casefold())
        if level is None:
            raise malformed(
                OffScale(f"none of {', '.join(levels.values())}"), str(told.get("result"))
            )
        return Feedback(
            name=name,
            value=level,
            rationale=str(told.get("rationale", "")),
            source=judge_source(line.judge),
            metadata=conversation.metadata() | {"guideline": template},
        )

    return verdict
