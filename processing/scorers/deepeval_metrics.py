"""DeepEval's metrics by name. The value is the metric's score in [0, 1], never its pass or fail.

MLflow's own DeepEval scorer keeps one metric object and reads the score from it afterwards, so that
a row can get its neighbour's verdict. Here each verdict has a metric of its own.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from processing.base.clean_text import has_text
from processing.base.errors import ConfigError
from processing.config.scorer_frameworks import DEEPEVAL_OF_CONVERSATIONS
from processing.config.scorer_options import DeepEvalOptions
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
from processing.scorers import deepeval_checks as checks
from processing.scorers.metric_arguments import OptionError, metric_arguments

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine

_GIVEN = ("input", "actual_output", "expected_output", "context", "retrieval_context")
_G_EVALS = {"GEval": _GIVEN, "ConversationalGEval": ("role", "content")}
_OURS = ("name", "model", "async_mode", "verbose_mode", "eval_mode", "system_one_model")


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    metric_class = _metric_class(spec)
    arguments = _arguments(spec, metric_class)
    required = _required(spec, _new_metric(spec, metric_class, arguments, _conversation(line)))

    def verdict(question: Question) -> Feedback:
        if "expected_output" in required:
            require_expected(question, spec.name)
        if "retrieval_context" in required:
            require_context(question, spec.name)
        if "context" in required:
            require_gold(question, spec.name)
        conversation = _conversation(line, question)
        metric = _new_metric(spec, metric_class, arguments, conversation)
        _measure(metric, question, conversation)
        if conversation is not None:
            conversation.forget()
        if metric.score is None:
            raise malformed("nothing that gives a score", "")
        if spec.options.needs_conversation() and (failure := checks.no_verdicts(metric)):
            raise failure
        return framework_feedback(
            "deepeval", spec.name, float(metric.score), metric.reason, conversation
        )

    return verdict


def _conversation(line: JudgeLine | None, row: Question | None = None) -> Conversation | None:
    return Conversation(line, row, keeps=True) if line else None


def _measure(metric: Any, question: Question, conversation: Conversation | None) -> None:
    """Raises JudgeError where the judge gave no verdict, or the metric cannot judge this row."""
    from deepeval.metrics import BaseConversationalMetric

    case = _talk(question) if isinstance(metric, BaseConversationalMetric) else _case(question)
    if conversation is not None:
        metric.model.case, metric.model.metric = case, metric
    try:
        metric.measure(case, _show_indicator=False)
    except Exception as error:
        if conversation is None or conversation.failure is None:
            raise JudgeError(f"{type(error).__name__}: {error}", retryable=False) from error
    if conversation is not None and conversation.failure is not None:
        raise conversation.failure


def _case(question: Question) -> Any:
    """The row as DeepEval takes it, and as text alone. Its `context` is what should be retrieved.

    DeepEval looks for `[DEEPEVAL:IMAGE:path]` in the texts, by a regular expression that backtracks
    over the whole of them, and takes what it finds for a picture to be read from that path.
    """
    from deepeval.test_case import LLMTestCase

    case = LLMTestCase(
        input=question.question,
        actual_output=question.answer,
        expected_output=question.expected_response,
        context=list(question.gold_context) or None,
        retrieval_context=list(question.judged_context) or None,
        multimodal=True,  # else it looks for pictures
    )
    case.multimodal = False
    return case


def _talk(question: Question) -> Any:
    """The conversation that the answer ends, as DeepEval takes it: what user and assistant said."""
    from deepeval.test_case import ConversationalTestCase, Turn

    said = [(turn.role, turn.content) for turn in question.turns]
    turns: list[Any] = [
        Turn(role=role, content=content)
        for role, content in [*said, ("assistant", question.answer)]
        if role in ("user", "assistant") and has_text(content)
    ]
    case = ConversationalTestCase(turns=turns, multimodal=True)  # see _case
    case.multimodal = False
    return case


def _metric_class(spec: ScorerSpec) -> Any:
    """Raises ConfigError if DeepEval has no such metric."""
    import deepeval.metrics

    assert isinstance(spec.options, DeepEvalOptions)
    name = spec.options.metric
    found = getattr(deepeval.metrics, name if name in _G_EVALS else f"{name}Metric", None)
    if found is None or name.startswith("Image"):
        raise ConfigError(f"scorers: {spec.name}: DeepEval has no metric {name!r} of texts")
    return found


def _required(spec: ScorerSpec, metric: Any) -> list[str]:
    """The names of the test case's fields that the metric reads.

    Raises ConfigError if our rows do not have one of them.
    """
    from deepeval.metrics import BaseMetric

    if spec.options.needs_conversation():
        return []
    params = getattr(metric, "_required_params", [])
    if not isinstance(params, list):  # a type: GEval's fields are the instance's own
        params = getattr(metric, "evaluation_params", None) or []
    names = [str(param.value) for param in params]
    missing = [name for name in names if name not in _GIVEN]
    about_one_answer = isinstance(metric, BaseMetric) and metric.requires_trace is not True
    if missing or not names or not about_one_answer:
        wants = ", ".join(missing) or "a conversation or a trace"
        known = ", ".join(sorted(DEEPEVAL_OF_CONVERSATIONS))
        raise ConfigError(
            f"scorers: {spec.name}: DeepEval's metric needs {wants}, not one answer; of "
            f"conversations there are {known}, and MLflow's judges"
        )
    assert isinstance(spec.options, DeepEvalOptions)
    if spec.uses_judge and spec.options.metric not in checks.METRICS:
        raise ConfigError(
            f"scorers: {spec.name}: the replies to DeepEval's {spec.options.metric} cannot be "
            f"checked, so that a missing verdict could pass; there are "
            f"{', '.join(sorted(checks.METRICS))}"
        )
    return names


def _arguments(spec: ScorerSpec, metric_class: Any) -> dict[str, Any]:
    """The entry's options as the metric takes them. Raises ConfigError."""
    assert isinstance(spec.options, DeepEvalOptions)
    given = spec.options.arguments
    if spec.options.metric == "ConversationalGEval":
        given = {"evaluation_params": list(_G_EVALS["ConversationalGEval"]), **given}
    if (known := _G_EVALS.get(spec.options.metric)) is not None:
        put = given.get("evaluation_params")
        if not put:
            raise OptionError(
                spec.name, "evaluation_params", f"is missing: a list out of {', '.join(known)}"
            )
        named = set(map(str, put)) if isinstance(put, list) else {str(put)}
        if known != _GIVEN and (others := sorted(named - set(known))):
            raise OptionError(
                spec.name, "evaluation_params", f"{others[0]} is none of {', '.join(known)}"
            )
        if not (given.get("criteria") or given.get("evaluation_steps")):
            raise OptionError(spec.name, "criteria", "is missing, and so is evaluation_steps")
    return metric_arguments(spec.name, metric_class, given, _OURS)


def _new_metric(
    spec: ScorerSpec, metric_class: Any, given: Mapping[str, Any], conversation: Conversation | None
) -> Any:
    assert isinstance(spec.options, DeepEvalOptions)
    arguments = copy.deepcopy(dict(given))  # metrics sort and change what they are handed
    parameters = inspect.signature(metric_class).parameters
    if conversation is not None:
        model = _judge_class()(conversation, spec.options.metric)
        arguments |= {"model": model, "async_mode": False, "verbose_mode": False}
        if "eval_mode" in parameters:
            arguments["eval_mode"] = "llm"  # else DEEPEVAL_EVAL_MODE decides who judges
    if "name" in parameters:
        arguments["name"] = spec.name
    try:
        metric = metric_class(**arguments)
    except Exception as error:  # whatever a library makes of an option
        raise ConfigError(f"scorers: {spec.name}: {type(error).__name__}: {error}") from error
    if getattr(metric, "score_range_span", None) == 0:
        said = "has one score alone, and DeepEval divides by how far they reach: name two at least"
        raise OptionError(spec.name, "rubric", said)
    return metric


@functools.cache
def _judge_class() -> Any:
    """DeepEval's interface of a model, in front of a Conversation."""
    from deepeval.models import DeepEvalBaseLLM

    class DeepEvalJudge(DeepEvalBaseLLM):  # type: ignore[no-untyped-call]
        metric: Any
        case: Any

        def __init__(self, conversation: Conversation, metric_name: str) -> None:
            self._conversation = conversation
            self._metric_name = metric_name
            super().__init__(conversation.line.judge.model)

        def load_model(self) -> DeepEvalJudge:
            return self

        def generate(self, prompt: str, schema: type[BaseModel] | None = None) -> Any:
            if schema is None:
                raise JudgeError("DeepEval asked for a text in no form, which is no verdict", False)
            if schema.__name__.endswith("ScoreReason") and self._metric_name in checks.OF_TURNS:
                self._conversation.failure = checks.no_verdicts(self.metric)
                if self._conversation.failure is not None:
                    self._conversation.forget()
            wrong = functools.partial(checks.complaint, self._metric_name, self.metric, self.case)
            reply = self._conversation.ask_for([{"role": "user", "content": prompt}], schema, wrong)
            checks.with_the_whole_answer(self._metric_name, self.case, reply)
            return reply

        async def a_generate(self, prompt: str, schema: type[BaseModel] | None = None) -> Any:
            return self.generate(prompt, schema)

        def get_model_name(self) -> str:
            return self._conversation.line.judge.model

    return DeepEvalJudge
