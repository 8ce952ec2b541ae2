"""MLflow's judges of a whole conversation: ConversationCompleteness, UserFrustration and others.

Their prompts and their verdicts' words are MLflow's (mlflow/genai/judges/prompts, 3.17); a row is
one conversation, which the model's answer ends. KnowledgeRetention is asked once, about that
answer: MLflow asks about each turn, and the turns before are the dataset's and not the model's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from processing.base.template import fill_double_curly
from processing.config.guideline_options import FRUSTRATION, ConversationGuidelinesOptions
from processing.config.judge import mlflow_model_uri
from processing.dataset.turns import Turn
from processing.judges.conversation import Conversation, judge_source
from processing.judges.verdict import OffScale, Question, Score, malformed
from processing.mlflow_record.internals import (
    conversation_message,
    judge_prompt,
    reply_schema,
    system_message,
)

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine

WITH_TOOLS = "ConversationalToolCallEfficiency"


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    from mlflow.entities import Feedback
    from mlflow.genai import make_judge

    assert line is not None, "the configuration has checked that there is a judge"
    words = tuple(FRUSTRATION) if spec.kind == "UserFrustration" else ("yes", "no")
    # The verdict's form and the messages are make_judge's; calling it would ask on MLflow's own
    # route, with ten retries, and about a session of traces that are not written yet.
    made: Any = make_judge(
        name=spec.name,
        instructions=instructions_of(spec),
        model=mlflow_model_uri(line.judge.model),
        feedback_value_type=Literal[words],
    )
    form, system = reply_schema(made), system_message(made)
    rules = _rules(spec)

    def verdict(question: Question) -> Feedback:
        talk = conversation_of(question, with_tools=spec.kind == WITH_TOOLS)
        conversation = Conversation(line, question)
        told = conversation.ask_for_object(
            [
                {"role": "system", "content": system},
                {"role": "user", "content": conversation_message(made, talk)},
            ],
            form,
        )
        result = told.get("result")  # a null is no "none"
        said = result.strip().casefold() if isinstance(result, str) else ""
        if said not in words:
            raise malformed(OffScale(f"none of {', '.join(words)}"), str(result))
        return Feedback(
            name=spec.name,
            value=said,
            rationale=str(told.get("rationale", "")),
            source=judge_source(line.judge),
            metadata=conversation.metadata() | ({"guideline": "\n".join(rules)} if rules else {}),
        )

    return verdict


def instructions_of(spec: ScorerSpec) -> str:
    """MLflow's prompt, with the guidelines where it has a place for them."""
    rules = "\n".join(f"<guideline>{rule}</guideline>" for rule in _rules(spec))
    prompt = judge_prompt(spec.kind)
    return fill_double_curly(prompt, {"guidelines": rules}) if rules else prompt


def _rules(spec: ScorerSpec) -> Sequence[str]:
    options = spec.options
    return options.guidelines if isinstance(options, ConversationGuidelinesOptions) else ()


def conversation_of(question: Question, *, with_tools: bool = False) -> list[dict[str, str]]:
    """As MLflow puts a session to its judges: role and content, calls to tools only `with_tools`.

    The system message is there too: ConversationalRoleAdherence goes by it.
    """
    turns = (*question.turns, Turn("assistant", question.answer))
    return [
        {"role": turn.role, "content": "\n".join(_said(turn, with_tools=with_tools))}
        for turn in turns
        if with_tools or turn.content.strip()
        if with_tools or turn.role != "tool"
    ]


def _said(turn: Turn, *, with_tools: bool) -> list[str]:
    said = [turn.content] if turn.content.strip() else []
    if with_tools:
        said += [f"Tool: {call.name}\nInputs: {call.arguments}" for call in turn.tool_calls]
    return said
