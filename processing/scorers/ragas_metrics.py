"""RAGAS's metrics by name (`ragas.metrics.collections`), in the range that each documents.

ChrfScore asks no judge; sacrebleu computes it (Popovic, "chrF", 2015).
"""

from __future__ import annotations

import copy
import functools
import inspect
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from processing.base.errors import ConfigError
from processing.config.scorer_options import RagasOptions
from processing.judges.conversation import Conversation, framework_feedback
from processing.judges.verdict import (
    JudgeError,
    Question,
    Score,
    malformed,
    require_context,
    require_expected,
    require_gold,
)
from processing.scorers.metric_arguments import metric_arguments
from processing.scorers.ragas_checks import complaint, unreadable

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine

_CLASS_NAMES = {"ChrfScore": "CHRFScore", "SummarizationScore": "SummaryScore"}
_CONTEXT = ("retrieved_contexts", "reference_contexts")
_OF_OTHER_THINGS = ("AgentGoal", "BaseMetric", "MultiModal")  # tools, nothing at all, pictures
_NOTHING_JUDGED = "No quoted spans found in response"  # QuotedSpansAlignment, and a score of 1
_OURS = ("llm", "name")
_GIVEN = ("user_input", "response", "reference", *_CONTEXT)


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    metric_class = _metric_class(spec)
    wanted = _parameters(metric_class.ascore)
    assert isinstance(spec.options, RagasOptions)
    arguments = metric_arguments(spec.name, metric_class, spec.options.arguments, _OURS)
    new_metric = functools.partial(_new_metric, spec, metric_class, arguments)
    new_metric(Conversation(line) if line else None, "")

    def verdict(question: Question) -> Feedback:
        if why := unreadable(metric_class.__name__, question.expected_response):
            raise JudgeError(why, retryable=False)
        if "reference" in wanted:
            require_expected(question, spec.name)
        if wanted.get("retrieved_contexts"):
            require_context(question, spec.name)
        if wanted.get("reference_contexts"):
            require_gold(question, spec.name)
        conversation = Conversation(line, question, keeps=True) if line else None
        metric = new_metric(conversation, question.expected_response)
        given = _given(question)
        result = _score(metric, {name: given[name] for name in wanted}, conversation)
        if conversation is not None:
            conversation.forget()
        if result.reason == _NOTHING_JUDGED:
            why = "the answer quotes nothing of min_span_words words or more (by their spaces)"
            raise JudgeError(f"{why}, so that there is nothing to judge", False)
        return framework_feedback(
            "ragas", spec.name, _number(result.value), result.reason, conversation
        )

    return verdict


def _given(question: Question) -> dict[str, Any]:
    return {
        "user_input": question.question,
        "response": question.answer,
        "reference": question.expected_response,
        "retrieved_contexts": list(question.judged_context) or None,
        "reference_contexts": list(question.gold_context) or None,
    }


def _score(metric: Any, given: dict[str, Any], conversation: Conversation | None) -> Any:
    """RAGAS's MetricResult. `metric.score` runs an event loop of its own in this thread."""
    result = None
    try:
        result = metric.score(**given)
    except Exception as error:
        if conversation is None or conversation.failure is None:
            raise JudgeError(f"{type(error).__name__}: {error}", retryable=False) from error
    if conversation is not None and conversation.failure is not None:
        raise conversation.failure  # some metrics swallow it and give NaN
    return result


def _number(value: object) -> float:
    if not isinstance(value, bool | int | float) or not math.isfinite(value):
        raise malformed("nothing that gives a score", str(value))
    return float(value)


def _metric_class(spec: ScorerSpec) -> Any:
    """Raises ConfigError if RAGAS has no such metric, or it judges what our rows do not have."""
    from ragas.metrics import collections

    assert isinstance(spec.options, RagasOptions)
    name = spec.options.metric
    found: Any = getattr(collections, _CLASS_NAMES.get(name, name), None)
    if not hasattr(found, "ascore") or name.startswith(_OF_OTHER_THINGS):
        raise ConfigError(f"scorers: {spec.name}: RAGAS has no metric {name!r} of texts")
    missing = [
        parameter
        for parameter, required in _parameters(found.ascore).items()
        if parameter not in _GIVEN and required
    ]
    if "embeddings" in _parameters(found.__init__):
        missing.append("a model of embeddings")
    if missing:
        raise ConfigError(f"scorers: {spec.name}: RAGAS's {name} needs {', '.join(missing)}")
    return found


def _parameters(function: Any) -> dict[str, bool]:
    """Parameter -> whether it must be given, without self and catch-alls."""
    return {
        name: parameter.default is parameter.empty
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    }


def _new_metric(
    spec: ScorerSpec,
    metric_class: Any,
    given: Mapping[str, Any],
    conversation: Conversation | None,
    reference: str,
) -> Any:
    arguments = copy.deepcopy(dict(given))
    if conversation is not None:
        arguments["llm"] = _judge_class()(conversation)
    try:
        metric = metric_class(**arguments)
    except Exception as error:  # whatever a library makes of an option
        raise ConfigError(f"scorers: {spec.name}: {type(error).__name__}: {error}") from error
    if conversation is not None:
        arguments["llm"].complaint = functools.partial(complaint, metric, reference)
    return metric


@functools.cache
def _judge_class() -> Any:
    """RAGAS's interface of a model, in front of a Conversation."""
    from ragas.llms import InstructorBaseRagasLLM

    class RagasJudge(InstructorBaseRagasLLM):  # type: ignore[misc]
        is_async = True

        complaint: Callable[[str, BaseModel], str | None]

        def __init__(self, conversation: Conversation) -> None:
            self._conversation = conversation

        def generate(self, prompt: str, response_model: type[BaseModel]) -> BaseModel:
            return self._conversation.ask_for(
                [{"role": "user", "content": prompt}],
                response_model,
                functools.partial(self.complaint, prompt),
            )

        async def agenerate(self, prompt: str, response_model: type[BaseModel]) -> BaseModel:
            return self.generate(prompt, response_model)

    return RagasJudge
