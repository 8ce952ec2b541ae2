"""Everything of MLflow 3.17 that is not public and that we use, and nothing else knows it.

Not public is a name with an underscore, a module that MLflow's API reference does not have, and
what MLflow does behind its API: what it imports, and which tags it writes. Each has a test of its
own name in tests/processing/mlflow_record/test_internals.py.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import logging
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import Span, TraceInfo
    from pydantic import BaseModel

# Keys that MLflow's own pages and functions read, from mlflow.tracing.constant,
# mlflow.prompt.constants and mlflow.utils.mlflow_tags.
LINKED_PROMPTS_TAG = "mlflow.linkedPrompts"
SPANS_LOCATION_TAG = "mlflow.trace.spansLocation"
TRACE_SESSION = "mlflow.trace.session"
SPANS_IN_TRACKING_STORE = "TRACKING_STORE"
TOKEN_USAGE_ATTRIBUTE = "mlflow.chat.tokenUsage"
MODEL_ATTRIBUTE = "mlflow.llm.model"
TRACE_ID_ATTRIBUTE = "mlflow.traceRequestId"
SPAN_TYPE_ATTRIBUTE = "mlflow.spanType"
SPAN_INPUTS_ATTRIBUTE = "mlflow.spanInputs"
SPAN_OUTPUTS_ATTRIBUTE = "mlflow.spanOutputs"
IS_PROMPT_TAG = "mlflow.prompt.is_prompt"
PROMPT_TEXT_TAG = "mlflow.prompt.text"
DATASET_CONTEXT_TAG = "mlflow.data.context"
JUDGE_INPUT_TOKENS = "mlflow.assessment.judgeInputTokens"
JUDGE_OUTPUT_TOKENS = "mlflow.assessment.judgeOutputTokens"
Calls = Sequence[Mapping[str, Any]]  # of tools: name, arguments; or the tools themselves
TRACE_SEARCH = "/api/3.0/mlflow/traces/search"

JUDGE_PROMPTS = {name.title().replace("_", ""): name for name in (
    "safety", "relevance_to_query", "equivalence", "correctness", "guidelines",
    "retrieval_relevance", "completeness", "fluency", "summarization", "conversation_completeness",
    "conversational_guidelines", "conversational_role_adherence", "conversational_safety",
    "conversational_tool_call_efficiency", "knowledge_retention", "user_frustration",
)} | {
    "ExpectationsGuidelines": "guidelines", "RetrievalGroundedness": "groundedness",
    "RetrievalSufficiency": "context_sufficiency",
}  # fmt: skip
"""Judge -> module in mlflow.genai.judges.prompts; the prompt has its name, in capitals."""

SEARCHED_MODULES = ("pyspark", "dbruntime", "IPython")  # six times for each trace and request


def skip_searches_for_absent_modules() -> None:
    """Let imports of those of SEARCHED_MODULES fail at once that are not installed.

    Else Python searches the disk each time, 2 ms a row in all; None in `sys.modules` says "no".
    """
    for name in SEARCHED_MODULES:
        if name not in sys.modules and importlib.util.find_spec(name) is None:
            sys.modules[name] = None  # type: ignore[assignment]


def ask_no_git() -> None:
    """MLflow asks git for the commit of the folder that it runs in; a job's is no repository.

    Else git stays beside the job to its end, with the job's keys; without it MLflow warns.
    """
    sys.modules["git"] = None  # type: ignore[assignment]
    logging.getLogger("mlflow.utils.git_utils").setLevel(logging.ERROR)


@contextmanager
def without_importing(name: str) -> Iterator[None]:
    """Within the block the module is not imported, unless it already is.

    evaluate imports litellm and the Databricks SDK whatever judges are used: 3 s and 200 MB.
    """
    if absent := name not in sys.modules:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if absent:
            del sys.modules[name]


def import_mlflow() -> None:
    """`import mlflow` in two thirds of the time: no polars, no FastAPI, plugins looked for once."""
    if "mlflow" in sys.modules:
        return
    package: Any = importlib.util.find_spec("mlflow")
    sys.modules["mlflow.gateway"] = gateway = ModuleType("mlflow.gateway")  # without its __init__
    gateway.__path__ = [f"{folder}/gateway" for folder in package.submodule_search_locations]
    find = importlib.metadata.entry_points
    importlib.metadata.entry_points = find().select
    try:
        with without_importing("polars"):  # so `mlflow.data` has no `from_polars`
            importlib.import_module("mlflow.genai")
    finally:
        importlib.metadata.entry_points = find
        for name in [each for each in sys.modules if each.startswith("mlflow.gateway")]:
            del sys.modules[name]


def import_evaluate() -> None:
    """Import what `mlflow.genai.evaluate` runs in, without the litellm that it imports unasked.

    To be called before any scorer runs: a judge's or a user's own scorer may import litellm itself.
    """
    with without_importing("litellm"):
        importlib.import_module("mlflow.genai.evaluation.harness")
        adapters = importlib.import_module("mlflow.genai.judges.adapters.rate_limit_retry_adapters")
    for adapter in adapters.get_retry_adapters():
        if adapter.name == "litellm":  # else looked for, and thereby loaded, before the first row
            adapters.register_retry_adapter(
                replace(adapter, is_adapter_active=lambda: "litellm" in sys.modules)
            )
    _trace_no_clients()


def _trace_no_clients() -> None:
    """Else evaluate traces each call of a client library to a judge as if it were a row.

    The hooks of `mlflow.autolog(disable=True)` import with a lock held: threads would deadlock.
    """
    from mlflow.ml_package_versions import FLAVOR_TO_MODULE_NAME
    from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS

    for flavor in FLAVOR_TO_MODULE_NAME:
        AUTOLOGGING_INTEGRATIONS.setdefault(flavor, {})["disable"] = True


@contextmanager
def tracking_store_replaced(uri: str, replacement: Callable[[Any], Any]) -> Iterator[Any]:
    """Within the block MLflow's tracking store at `uri` is `replacement(store)`, yielded."""
    from mlflow.tracking._tracking_service import utils

    registry: Any = utils._tracking_store_registry
    replaced = replacement(registry.get_store(uri))
    scheme = uri.partition(":")[0]
    builder = registry._registry[scheme]
    registry.register(scheme, lambda **_: replaced)
    registry._get_store_with_resolved_uri.cache_clear()
    try:
        yield replaced
    finally:
        registry.register(scheme, builder)
        registry._get_store_with_resolved_uri.cache_clear()


def search_traces_answer(experiment_id: str) -> Any | None:
    """The server's HTTP response to a search for one trace; None where no server is asked."""
    from mlflow.tracking._tracking_service import utils
    from mlflow.utils import rest_utils

    find_store: Any = utils._get_store
    request: Any = rest_utils.http_request
    store = find_store()
    if not hasattr(store, "get_host_creds"):
        return None
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment_id}}
    asked = {"locations": [place], "max_results": 1}
    return request(store.get_host_creds(), TRACE_SEARCH, "POST", json=asked)


def upload_spans(info: TraceInfo, spans: Sequence[Span]) -> None:
    """A trace's spans as a file, as servers before MLflow 3.6 keep them."""
    from mlflow.entities import TraceData
    from mlflow.tracing.client import TracingClient

    TracingClient()._upload_trace_data(info, TraceData(spans=list(spans)))


def new_span_id() -> str:  # 16 hexadecimal digits, as OpenTelemetry has them
    return f"{random.getrandbits(64) or 1:016x}"


def ended_span(
    trace_id: str,
    name: str,
    kind: str,
    *,
    span_id: str,
    parent_id: str,
    times: tuple[int, int],
    inputs: Any = None,
    outputs: Any = None,
    error: str | None = None,
    attributes: Mapping[str, Any] = MappingProxyType({}),
) -> Span:
    """A span of a trace whose root has ended, after which `mlflow.start_span` takes none.

    `times`: start and end, in nanoseconds since 1970. With an `error` its status is ERROR.
    """
    from mlflow.entities import Span
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, Status, StatusCode

    trace = int(trace_id.removeprefix("tr-"), 16)
    told = {
        TRACE_ID_ATTRIBUTE: trace_id,
        SPAN_TYPE_ATTRIBUTE: kind,
        **({} if inputs is None else {SPAN_INPUTS_ATTRIBUTE: inputs}),
        **({} if outputs is None else {SPAN_OUTPUTS_ATTRIBUTE: outputs}),
        **attributes,
    }
    return Span(
        ReadableSpan(
            name=name,
            context=SpanContext(trace, int(span_id, 16), is_remote=False),
            parent=SpanContext(trace, int(parent_id, 16), is_remote=False),
            start_time=times[0],
            end_time=times[1],
            attributes={key: json.dumps(each, ensure_ascii=False) for key, each in told.items()},
            status=Status(StatusCode.OK) if error is None else Status(StatusCode.ERROR, error),
            resource=Resource.get_empty(),
        )
    )


def forget_artifact_repository(run_id: str) -> None:
    """Have the place of the run's artifacts looked at anew, with the settings of this moment."""
    from mlflow.tracking._tracking_service import utils

    utils._artifact_repos_cache.pop(run_id, None)


def delete_artifacts(artifact_uri: str, tracking_uri: str) -> None:
    """Delete all below `artifact_uri`, a run's."""
    from mlflow.store.artifact import artifact_repository_registry as registry

    place: Any = registry.get_artifact_repository(artifact_uri, tracking_uri=tracking_uri)
    place.delete_artifacts()


def reply_schema(judge: Any) -> type[BaseModel]:
    """What a judge made by `mlflow.genai.make_judge` wants of its model: result and rationale."""
    schema: type[BaseModel] = judge._create_response_format_model()
    return schema


def system_message(judge: Any) -> str:
    """What a judge made by `mlflow.genai.make_judge` tells its model first."""
    return str(judge._build_system_message(is_trace_based=False))


def user_message(
    judge: Any, inputs: Mapping[str, Any], outputs: str, expectations: Mapping[str, Any]
) -> str:
    """What a judge made by `mlflow.genai.make_judge` tells its model about one row."""
    return str(judge._build_user_message(dict(inputs), outputs, dict(expectations), None))


def conversation_message(judge: Any, conversation: Sequence[Mapping[str, str]]) -> str:
    """What a judge by `make_judge` with `{{ conversation }}` tells its model about one."""
    return str(judge._build_user_message(None, None, None, list(conversation)))


def judge_prompt(judge: str) -> str:
    """The prompt of MLflow's own judge of that name, with its `{{placeholders}}`."""
    name = JUDGE_PROMPTS[judge]
    module = importlib.import_module(f"mlflow.genai.judges.prompts.{name}")
    return str(getattr(module, f"{name.upper()}_PROMPT"))


def tool_call_prompt(
    request: str, called: Calls, offered: Calls, expected: Calls, *, check_order: bool
) -> str:
    """What MLflow's ToolCallCorrectness tells its judge; the answer's values are put in last."""
    from mlflow.genai.judges.prompts.tool_call_correctness import get_prompt
    from mlflow.genai.utils.type import FunctionCall
    from mlflow.types.chat import ChatTool

    theirs, ours = ([FunctionCall(**call) for call in calls] for calls in (called, expected))
    with_arguments = all("arguments" in call for call in expected)
    tools = [ChatTool.model_validate({"type": "function", "function": dict(t)}) for t in offered]
    return get_prompt(request, theirs, tools, ours, with_arguments, check_order)


def facts_in_correctness() -> str:
    """What MLflow adds to Correctness's prompt where the row has expected facts."""
    prompts = importlib.import_module("mlflow.genai.judges.prompts.correctness")
    return str(prompts.CORRECTNESS_PROMPT_SUFFIX)


def pii_patterns() -> dict[str, str]:
    """Kind of personal data -> the regular expression by which MLflow's PIIDetection finds it."""
    from mlflow.genai.scorers import builtin_scorers

    return dict(builtin_scorers._PII_PATTERNS)
