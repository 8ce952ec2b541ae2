"""What is not public in MLflow, one test per name: each says by name what MLflow has changed."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any, Literal

import pytest
from running_aws import REPOSITORY, run_script

from processing.mlflow_record import internals
from processing.mlflow_record.trace_writer import TraceWriter

PUBLIC = {
    "mlflow",
    "mlflow.entities",
    "mlflow.exceptions",
    "mlflow.genai",
    "mlflow.genai.scorers",
    "mlflow.artifacts",
}
"""Modules of MLflow's API reference that processing uses."""


def found(path: str) -> Any:
    """`package.module:name.attribute`; fails with that name if MLflow no longer has it."""
    module, _, names = path.partition(":")
    try:
        value: Any = importlib.import_module(module)
        for name in names.split(".") if names else ():
            value = getattr(value, name)
    except (ImportError, AttributeError) as error:
        pytest.fail(
            f"MLflow has changed {path}: {error}; see processing/mlflow_record/internals.py"
        )
    return value


def parameters(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("mlflow.tracing.constant:TraceTagKey.LINKED_PROMPTS", internals.LINKED_PROMPTS_TAG),
        ("mlflow.tracing.constant:TraceTagKey.SPANS_LOCATION", internals.SPANS_LOCATION_TAG),
        (
            "mlflow.tracing.constant:SpansLocation.TRACKING_STORE.value",
            internals.SPANS_IN_TRACKING_STORE,
        ),
        ("mlflow.tracing.constant:SpanAttributeKey.CHAT_USAGE", internals.TOKEN_USAGE_ATTRIBUTE),
        ("mlflow.tracing.constant:SpanAttributeKey.MODEL", internals.MODEL_ATTRIBUTE),
        ("mlflow.tracing.constant:SpanAttributeKey.REQUEST_ID", internals.TRACE_ID_ATTRIBUTE),
        ("mlflow.tracing.constant:SpanAttributeKey.SPAN_TYPE", internals.SPAN_TYPE_ATTRIBUTE),
        ("mlflow.tracing.constant:SpanAttributeKey.INPUTS", internals.SPAN_INPUTS_ATTRIBUTE),
        ("mlflow.tracing.constant:SpanAttributeKey.OUTPUTS", internals.SPAN_OUTPUTS_ATTRIBUTE),
        (
            "mlflow.tracing.constant:AssessmentMetadataKey.JUDGE_INPUT_TOKENS",
            internals.JUDGE_INPUT_TOKENS,
        ),
        (
            "mlflow.tracing.constant:AssessmentMetadataKey.JUDGE_OUTPUT_TOKENS",
            internals.JUDGE_OUTPUT_TOKENS,
        ),
        ("mlflow.prompt.constants:IS_PROMPT_TAG_KEY", internals.IS_PROMPT_TAG),
        ("mlflow.prompt.constants:PROMPT_TEXT_TAG_KEY", internals.PROMPT_TEXT_TAG),
        ("mlflow.utils.mlflow_tags:MLFLOW_DATASET_CONTEXT", internals.DATASET_CONTEXT_TAG),
    ],
)
def test_a_key_is_still_mlflows(path: str, ours: str) -> None:
    assert found(path) == ours, f"MLflow has changed {path}"


@pytest.mark.parametrize(
    ("path", "takes"),
    [
        ("mlflow.tracking._tracking_service.utils:_get_store", []),
        ("mlflow.utils.rest_utils:http_request", ["host_creds", "endpoint", "method"]),
        (
            "mlflow.tracing.client:TracingClient._upload_trace_data",
            ["trace_info", "trace_data"],
        ),
        (
            "mlflow.genai.judges.adapters.rate_limit_retry_adapters:register_retry_adapter",
            ["adapter"],
        ),
        ("mlflow.genai.judges.adapters.rate_limit_retry_adapters:get_retry_adapters", []),
    ],
)
def test_a_function_takes_what_it_is_given(path: str, takes: list[str]) -> None:
    assert parameters(found(path))[: len(takes)] == takes, f"MLflow has changed {path}"


@pytest.mark.parametrize(
    ("judge", "placeholders"),
    [
        ("Safety", {"content"}),
        ("RelevanceToQuery", {"input", "output"}),
        ("Equivalence", {"output", "expected_output"}),
        ("Correctness", {"input", "output", "ground_truth"}),
        ("Guidelines", {"guidelines", "guidelines_context"}),
    ],
)
def test_a_judges_prompt_has_the_placeholders_that_are_filled(
    judge: str, placeholders: set[str]
) -> None:
    module = internals.JUDGE_PROMPTS[judge]
    name = f"{module.upper()}_PROMPT"
    text = found(f"mlflow.genai.judges.prompts.{module}:{name}")
    assert set(re.findall(r"\{\{\s*(\w+)\s*\}\}", text)) == placeholders, (
        f"MLflow has changed {name}"
    )
    assert internals.judge_prompt(judge) == text


def test_the_judge_of_tool_calls_is_told_of_both_and_the_answer_puts_nothing_in() -> None:
    prompt = internals.tool_call_prompt(
        "Weather?",
        [{"name": "look", "arguments": {"at": "{{request}} {{expected_section}}"}}],
        [],
        [{"name": "look", "arguments": {"at": "Rome"}}],
        check_order=False,
    )
    assert prompt.count("Weather?") == 1
    assert prompt.count("Rome") == 1
    assert "{{request}} {{expected_section}}" in prompt
    assert "should not penalize the agent for calling tools in a different order" in prompt


def test_the_registry_of_stores_holds_builders_by_scheme() -> None:
    registry = found("mlflow.tracking._tracking_service.utils:_tracking_store_registry")
    assert callable(registry._registry["http"]), "MLflow has changed StoreRegistry._registry"
    assert hasattr(registry._get_store_with_resolved_uri, "cache_clear"), (
        "MLflow has changed TrackingStoreRegistry._get_store_with_resolved_uri"
    )


def test_the_place_of_a_runs_artifacts_is_looked_up_once() -> None:
    cache = found("mlflow.tracking._tracking_service.utils:_artifact_repos_cache")
    cache["a run"] = object()
    internals.forget_artifact_repository("a run")
    assert "a run" not in cache, "MLflow has changed _artifact_repos_cache"


def test_a_place_of_artifacts_can_be_emptied(tmp_path: Path) -> None:
    (tmp_path / "artifacts" / "evaluation").mkdir(parents=True)
    internals.delete_artifacts((tmp_path / "artifacts").as_uri(), "http://127.0.0.1:9")
    assert not (tmp_path / "artifacts").exists()


@pytest.mark.slow
def test_a_store_is_replaced_within_the_block_and_no_longer(tmp_path: Path) -> None:
    import mlflow

    store_at = found("mlflow.tracking._tracking_service.utils:_get_store")
    before, uri = mlflow.get_tracking_uri(), f"sqlite:///{tmp_path / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    try:
        with internals.tracking_store_replaced(uri, lambda store: ("instead of", store)) as ours:
            assert store_at() is ours
        assert store_at() is not ours
    finally:
        mlflow.set_tracking_uri(before)


@pytest.mark.parametrize(
    "name",
    [
        "log_spans",
        "start_trace",
        "create_assessment",
        "get_trace_info",
        "get_trace",
        "link_traces_to_run",
    ],
)
def test_the_trace_writer_stands_where_a_tracking_store_does(name: str) -> None:
    theirs = found(f"mlflow.store.tracking.abstract_store:AbstractStore.{name}")
    ours = getattr(TraceWriter, name)
    assert parameters(ours) == parameters(theirs), f"MLflow has changed AbstractStore.{name}"


def test_searching_traces_is_still_the_stores() -> None:
    found("mlflow.store.tracking.abstract_store:AbstractStore.search_traces")


@pytest.mark.parametrize(
    ("name", "takes"),
    [
        ("_create_response_format_model", []),
        ("_build_system_message", ["is_trace_based"]),
        ("_build_user_message", ["inputs", "outputs", "expectations", "conversation"]),
    ],
)
def test_a_made_judge_says_what_it_would_ask(name: str, takes: list[str]) -> None:
    method = found(f"mlflow.genai.judges.instructions_judge:InstructionsJudge.{name}")
    assert parameters(method) == takes, f"MLflow has changed InstructionsJudge.{name}"


@pytest.mark.slow
def test_a_made_judges_prompt_and_form_can_be_had() -> None:
    from mlflow.genai import make_judge

    judge = make_judge(
        name="tone",
        instructions="Is {{ outputs }} an answer to {{ inputs }}, as {{ expectations }} is?",
        model="openai:/x",
        feedback_value_type=Literal["good", "bad"],
    )
    assert set(internals.reply_schema(judge).model_fields) == {"result", "rationale"}
    assert "an answer to" in internals.system_message(judge)
    told = internals.user_message(judge, {"question": "Q?"}, "A.", {"expected_response": "B."})
    assert all(text in told for text in ("Q?", "A.", "B."))


@pytest.mark.parametrize(
    "name",
    [
        "MLFLOW_GENAI_EVAL_MAX_WORKERS",
        "MLFLOW_GENAI_EVAL_MAX_SCORER_WORKERS",
        "MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT",
        "MLFLOW_GENAI_EVAL_SKIP_TRACE_VALIDATION",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
        "MLFLOW_HTTP_POOL_MAXSIZE",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT",
        "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING",
        "MLFLOW_MODEL_CATALOG_URI",
    ],
)
def test_a_variable_of_the_environment_is_still_read(name: str) -> None:
    assert found(f"mlflow.environment_variables:{name}").name == name


@pytest.mark.integration
def test_evaluate_is_imported_without_litellm_and_traces_no_client_library() -> None:
    """In a process of its own, since this one may have imported anything."""
    script = (
        "import sys\n"
        "from processing.config.judge import silence_libraries\n"
        "from processing.mlflow_record import internals\n"
        "silence_libraries()\n"
        "internals.skip_searches_for_absent_modules()\n"
        "internals.import_evaluate()\n"
        "from mlflow.genai.judges.adapters import rate_limit_retry_adapters as adapters\n"
        "active = {a.name: a.is_adapter_active() for a in adapters.get_retry_adapters()}\n"
        "assert active['litellm'] is False, active\n"
        "from mlflow.utils.autologging_utils import autologging_is_disabled\n"
        "assert autologging_is_disabled('openai')\n"
        "assert 'litellm' not in sys.modules, 'MLflow imports litellm in another place'\n"
    )
    done = run_script(script)
    assert done.returncode == 0, done.stderr


@pytest.mark.integration
def test_mlflow_is_imported_without_what_it_does_not_need_here(tmp_path: Path) -> None:
    """In a process of its own; what was left out can be imported afterwards, by anybody."""
    (tmp_path / "polars.py").touch()  # which a user's machine may have
    script = (
        "import sys, importlib.metadata\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "from processing.mlflow_record import internals\n"
        "find = importlib.metadata.entry_points\n"
        "internals.import_mlflow()\n"
        "internals.import_evaluate()\n"
        "import mlflow\n"
        "for name in ('polars', 'fastapi'):\n"
        "    assert name not in sys.modules, f'MLflow imports {name} in another place'\n"
        "assert importlib.metadata.entry_points is find\n"
        "import polars\n"
        "import mlflow.gateway, mlflow.gateway.constants\n"
        "from fastapi import HTTPException\n"
        "assert mlflow.gateway.utils.HTTPException is HTTPException\n"
        "assert mlflow.gateway.constants.__name__ == 'mlflow.gateway.constants'\n"
        "assert mlflow.genai.evaluate\n"
        "from mlflow.store.artifact.artifact_repository_registry import (\n"
        "    _artifact_repository_registry as places,\n"
        ")\n"
        "assert 's3' in places._registry\n"
        "from mlflow.tracking._tracking_service.utils import _tracking_store_registry as stores\n"
        "assert 'arn' in stores._registry, 'a plugin is not found: sagemaker-mlflow'\n"
    )
    done = run_script(script)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_git_is_not_asked_and_not_missed() -> None:
    """In a process of its own, in this repository."""
    script = (
        "from processing.mlflow_record import internals\n"
        "internals.ask_no_git()\n"
        "from mlflow.utils.git_utils import get_git_commit\n"
        "assert get_git_commit('.') is None\n"
        "from mlflow.tracing.utils.environment import resolve_env_metadata\n"
        "assert not [key for key in resolve_env_metadata() if '.git.' in key]\n"
    )
    done = run_script(script)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_no_other_room_knows_what_is_not_public() -> None:
    """Every import of MLflow's in processing is of its API reference, but for internals.py."""
    strangers = [
        f"{file.relative_to(REPOSITORY)}: {name}"
        for file in sorted((REPOSITORY / "processing").rglob("*.py"))
        if file != Path(internals.__file__)
        for name in imported(ast.parse(file.read_text(encoding="utf-8")))
        if name.partition(".")[0] == "mlflow" and name not in PUBLIC
    ]
    assert strangers == []


def imported(tree: ast.AST) -> list[str]:
    return [
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
