"""MLflow's ToolCallCorrectness: the tools that the model wants called against those expected.

The prompt is MLflow's (mlflow/genai/judges/prompts/tool_call_correctness.py), and so is the rule of
an exact match, but that calls are counted: MLflow compares sets, to which twice is once. No tool is
called, so that none has an output.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processing.config.scorer_numbers import NOT_APPLICABLE
from processing.config.text_check_options import ToolCallOptions
from processing.dataset.tool_calls import ANY_ARGUMENTS, arguments_of, entry_of
from processing.dataset.turns import ToolCall
from processing.judges.conversation import Conversation, judge_source
from processing.judges.verdict import Question, Score
from processing.mlflow_record.internals import tool_call_prompt
from processing.scorers.mlflow_judges import YesNo, yes_or_no

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    from mlflow.entities import Feedback

    options = spec.options
    assert isinstance(options, ToolCallOptions)

    def verdict(question: Question) -> Feedback:
        expected = question.further.expected_tool_calls
        if expected is None:
            why = "nobody says which tools it should call"
            return Feedback(name=spec.name, value=NOT_APPLICABLE, rationale=why)
        if (wrong := _beyond_doubt(question.tool_calls, expected)) is not None:
            return Feedback(name=spec.name, value=wrong[0], rationale=wrong[1])
        if line is None:
            value, why = _exactly(question.tool_calls, expected, options.should_consider_ordering)
            return Feedback(name=spec.name, value=value, rationale=why)
        conversation = Conversation(line, question)
        prompt = tool_call_prompt(
            question.question,
            [{"name": c.name, "arguments": arguments_of(c)} for c in question.tool_calls],
            list(_offered(question.tools)),
            list(map(entry_of, expected)),
            check_order=options.should_consider_ordering,
        )
        told = conversation.ask_for([{"role": "user", "content": prompt}], YesNo)
        return Feedback(
            name=spec.name,
            value=yes_or_no(told),
            rationale=told.rationale,
            source=judge_source(line.judge),
            metadata=conversation.metadata(),
        )

    return verdict


def _beyond_doubt(
    called: Sequence[ToolCall], expected: Sequence[ToolCall]
) -> tuple[str, str] | None:
    """What needs no judge: arguments that nothing could be called with, and no calls at all."""
    for call in called:
        try:
            arguments_of(call)
        except ValueError as error:
            return "no", f"the arguments of {call.name} are no JSON object: {error}"
    if not called and not expected:
        return "yes", "it calls no tool, and should call none"
    if not called or not expected:
        names = ", ".join(call.name for call in called or expected)
        which = "calls no tool, and should call" if not called else "should call no tool, and calls"
        return "no", f"it {which} {names}"
    return None


def _exactly(
    called: Sequence[ToolCall], expected: Sequence[ToolCall], ordered: bool
) -> tuple[str, str]:
    """Arguments count where every expected call says some, as MLflow has it."""
    with_arguments = all(call.arguments != ANY_ARGUMENTS for call in expected)
    theirs, ours = (
        [_signature(call, with_arguments) for call in calls] for calls in (called, expected)
    )
    if theirs == ours or (not ordered and Counter(theirs) == Counter(ours)):
        return "yes", f"it calls {', '.join(theirs)}, as expected"
    missing = Counter(ours) - Counter(theirs)
    more = Counter(theirs) - Counter(ours)
    found = (("misses", missing), ("has", more))
    said = [f"{word} {', '.join(calls)}" for word, calls in found if calls]
    return "no", "; ".join(said) or f"the order is {', '.join(theirs)}, not {', '.join(ours)}"


def _signature(call: ToolCall, with_arguments: bool) -> str:
    if not with_arguments:
        return call.name
    return f"{call.name}({json.dumps(arguments_of(call), sort_keys=True, ensure_ascii=False)})"


_TYPES = frozenset({"string", "number", "integer", "object", "array", "boolean", "null"})


def _offered(tools: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """What MLflow shows its judge of the tools: name, description, and what each parameter is."""
    for tool in tools:
        function = tool.get("function") or tool.get("toolSpec") or tool
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            continue
        schema = function.get("parameters") or function.get("input_schema")
        described = function.get("description")
        yield {
            "name": function["name"],
            "description": described if isinstance(described, str) else None,
            "parameters": _parameters(schema) if isinstance(schema, Mapping) else None,
        }


def _parameters(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema's properties, as far as MLflow reads them."""
    properties, required = schema.get("properties"), schema.get("required")
    found = {}
    for name, about in properties.items() if isinstance(properties, Mapping) else ():
        told = about if isinstance(about, Mapping) else {}
        kind, described = told.get("type"), told.get("description")
        found[str(name)] = {
            "type": kind if isinstance(kind, str) and kind in _TYPES else None,
            "description": described if isinstance(described, str) else None,
        }
    needed = required if isinstance(required, list) else []
    return {"properties": found, "required": [str(name) for name in needed]}
