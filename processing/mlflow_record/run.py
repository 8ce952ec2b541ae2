"""MLflow, which owns the record: traces, assessments, parameters, metrics, tags.

What is written here is read back from the server before anything is judged by it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processing.base.errors import TrackingError
from processing.base.secrets import masked
from processing.base.sigterm import Stopped
from processing.base.visible_text import visible
from processing.dataset.rows import Manifest
from processing.endpoint.answers import Answer
from processing.gate.metric import Metric
from processing.mlflow_record.errors import (
    require_verdicts_can_be_kept,
    short_reason,
    told_by_mlflow,
)
from processing.mlflow_record.experiment import experiment_id
from processing.mlflow_record.internals import (
    DATASET_CONTEXT_TAG,
    TOKEN_USAGE_ATTRIBUTE,
    tracking_store_replaced,
)
from processing.mlflow_record.outage import Outage, PatientStore, outage_seconds
from processing.mlflow_record.signing import share_credentials

if TYPE_CHECKING:
    from mlflow.entities import Trace

ROW_TAG = "row_id"
TRACES_A_PAGE = 500  # as many as MLflow gives


@dataclass(frozen=True)
class TrackedRun:
    """Where the record is: the ids that MLflow gave, and the address of the run's page."""

    run_id: str
    experiment_id: str
    tracking_uri: str
    outage: Outage = field(default_factory=lambda: Outage(""), compare=False, repr=False)

    @property
    def url(self) -> str | None:
        """The run's page; None for an ARN, whose pages are opened through Studio."""
        if not self.tracking_uri.startswith("http"):
            return None
        root = self.tracking_uri.rstrip("/")
        return f"{root}/#/experiments/{self.experiment_id}/runs/{self.run_id}"


@contextmanager
def tracked_run(
    uri: str, experiment: str, name: str, params: Mapping[str, object], tags: Mapping[str, str]
) -> Iterator[TrackedRun]:
    """An active MLflow run, in which an outage of the server is survived.

    FAILED if the block raises, KILLED if the job is stopped; the block's error is the one that is
    told, whatever MLflow says to that. Raises TrackingError if the server cannot be reached, is too
    old for the record, or is lost.
    """
    import mlflow

    _quiet(uri)
    mlflow.set_tracking_uri(uri)
    share_credentials()
    outage = Outage(uri, outage_seconds())
    with told_by_mlflow(uri), tracking_store_replaced(uri, lambda s: PatientStore(s, outage)):
        experiment_in = mlflow.set_experiment(experiment_id=experiment_id(experiment)).experiment_id
        begun = mlflow.start_run(run_name=name, tags=_masked(tags), experiment_id=experiment_in)
        outage.reached()
        try:
            mlflow.log_params(_masked(params))
            require_verdicts_can_be_kept(uri, experiment_in)
            yield TrackedRun(begun.info.run_id, experiment_in, uri, outage)
        except BaseException as error:
            outage.end()
            _end_failed(begun.info.run_id, "KILLED" if isinstance(error, Stopped) else "FAILED")
            raise
        mlflow.end_run()


def _masked(values: Mapping[str, object]) -> dict[str, object]:
    return {name: masked(v) if isinstance(v, str) else v for name, v in values.items()}


def _end_failed(run_id: str, status: str) -> None:
    """End the active run without an error of its own, which would take the place of the first."""
    import mlflow

    try:
        mlflow.end_run(status)
    except Exception as error:  # noqa: BLE001 another error is on its way
        print(
            f"MLflow run {run_id} goes on showing as running: {short_reason(str(error))}; the next "
            "job of this pipeline ends it",
            file=sys.stderr,
            flush=True,
        )


def log_dataset(run: TrackedRun, manifest: Manifest, prepared: str) -> None:
    """The rows that are evaluated, as the run's dataset: what is known of them, and no copy.

    `prepared`: where they lie, `s3://...` or a folder. Beside it MLflow lists a `dataset` of its
    own, which evaluate makes of what it was handed.
    """
    from mlflow import MlflowClient
    from mlflow.entities import Dataset, DatasetInput, InputTag

    counts = manifest.counts
    profile = {
        "num_rows": counts.written,
        "num_rows_in_source": counts.read,
        "unusable": counts.unusable,
        "duplicates": counts.duplicates,
        "seed": manifest.seed,
        "sha256": manifest.sha256,
        "source": manifest.source,
    }
    dataset = Dataset(
        name=manifest.title,
        digest=manifest.sha256[:16],
        source_type="s3" if prepared.startswith("s3://") else "local",
        source=json.dumps({"uri": prepared}),
        schema=json.dumps({"mlflow_colspec": _columns(manifest)}),
        profile=json.dumps(profile),
    )
    context = [InputTag(DATASET_CONTEXT_TAG, "evaluation")]
    MlflowClient().log_inputs(run.run_id, [DatasetInput(dataset, context)])


def _columns(manifest: Manifest) -> list[dict[str, object]]:
    """As `mlflow.types.Schema` writes them; a slice's value is any JSON scalar."""
    types: dict[str, dict[str, object]] = {
        "question": {"type": "string", "required": True},
        "expected_response": {"type": "string", "required": True},
    }
    if manifest.has_context:
        types["context"] = {"type": "array", "items": {"type": "string"}, "required": False}
    types |= {name: {"type": "any", "required": False} for name in manifest.slices}
    return [{"name": name, **kind} for name, kind in types.items()]


def draft_trace(answer: Answer) -> None:
    """Make the row's trace, with the times at which the endpoint really answered.

    Within `traces_written_behind`, which writes it when it is whole.
    """
    import mlflow
    from mlflow.entities import SpanStatusCode, SpanType

    call, reply = answer.call, answer.call.reply
    root = mlflow.start_span_no_context(
        "answer",
        span_type=SpanType.CHAIN,
        inputs={"question": answer.row.question},
        tags={ROW_TAG: answer.row.row_id, **_slice_tags(answer)},
        start_time_ns=call.started_ns,
    )
    span = mlflow.start_span_no_context(
        "InvokeEndpoint",
        span_type=SpanType.CHAT_MODEL,
        parent_span=root,
        inputs=answer.request,
        start_time_ns=call.started_ns,
    )
    span.set_attributes({"attempts": call.attempts, "latency_ms": call.latency_ms})
    if reply and reply.input_tokens is not None and reply.output_tokens is not None:
        usage = {
            "input_tokens": reply.input_tokens,
            "output_tokens": reply.output_tokens,
            "total_tokens": reply.input_tokens + reply.output_tokens,
        }
        span.set_attribute(TOKEN_USAGE_ATTRIBUTE, usage)
    outputs = {"error": masked(call.error)} if call.error else answer.text
    status = SpanStatusCode.ERROR if call.error else SpanStatusCode.OK
    span.end(outputs=outputs, status=status, end_time_ns=call.ended_ns)
    root.end(outputs=outputs, status=status, end_time_ns=call.ended_ns)


def _slice_tags(answer: Answer) -> dict[str, str]:
    return {f"slice.{name}": visible(str(value)) for name, value in answer.row.slices.items()}


def traces_of(run: TrackedRun) -> Iterator[Trace]:
    """The rows' traces as the server holds them, without their spans; one page in memory."""
    from mlflow import MlflowClient

    client, page_token = MlflowClient(), None
    while True:
        page = client.search_traces(
            locations=[run.experiment_id],
            run_id=run.run_id,
            include_spans=False,
            max_results=TRACES_A_PAGE,
            page_token=page_token,
        )
        yield from (trace for trace in page if ROW_TAG in trace.info.tags)
        page_token = page.token
        if not page_token:
            return


def require_traces(held: Container[str], answers: Sequence[Answer]) -> None:
    """Raise TrackingError unless every row's id is among those of the traces that MLflow holds."""
    missing = [a.row.row_id for a in answers if a.row.row_id not in held]
    if missing:
        raise TrackingError(
            f"MLflow holds no trace for {len(missing)} of {len(answers)} rows "
            f"(first: {missing[0]}): the record is incomplete, so there is no verdict"
        )


def log_metrics(metrics: Mapping[str, Metric], scorers: Sequence[str]) -> None:
    """Write the metrics into the active run.

    A scorer's mean is MLflow's own (`NAME/mean`, from evaluate); what it rests on stands beside it.
    MLflow's pages show metrics in the order in which they were logged: values first, then the rest.
    """
    import mlflow

    details = ("low", "high", "n", "errors", "coverage", "standard_deviation")
    numbers = {
        name: metric.value
        for name, metric in metrics.items()
        if name not in scorers and metric.value is not None
    }
    for name, metric in metrics.items():
        found = {f"{name}/{detail}": getattr(metric, detail) for detail in details}
        numbers |= {key: number for key, number in found.items() if number is not None}
    mlflow.log_metrics(numbers)


def read_metrics(
    run: TrackedRun, names: Sequence[str], scorers: Sequence[str]
) -> dict[str, Metric]:
    """The metrics as the server holds them; a metric that it does not hold has no value, n=0."""
    from mlflow import MlflowClient

    held = MlflowClient().get_run(run.run_id).data.metrics
    return {
        name: Metric(
            value=held.get(f"{name}/mean" if name in scorers else name),
            n=int(held.get(f"{name}/n", 0)),
            errors=int(held.get(f"{name}/errors", 0)),
            standard_deviation=held.get(f"{name}/standard_deviation"),
        )
        for name in names
    }


def log_outcome(
    run: TrackedRun,
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    folder: Path,
    texts: Mapping[str, str],
) -> None:
    """Put the verdict on the active run; among its artifacts go `folder`'s files and `texts`."""
    import mlflow

    mlflow.set_tags(_masked(tags))
    mlflow.log_metrics(dict(metrics))

    def upload() -> None:
        mlflow.log_artifacts(str(folder), "evaluation")
        for name, text in texts.items():
            mlflow.log_text(text, f"evaluation/{name}")

    run.outage.survive("uploading the reports", upload)


def quiet_evaluate(rows_at_once: int) -> None:
    """Settings of `mlflow.genai.evaluate` that exist only as environment variables."""
    settings: dict[str, Any] = {
        "MLFLOW_GENAI_EVAL_MAX_WORKERS": rows_at_once,
        # one row's scorers one after the other: their judges have been asked already
        "MLFLOW_GENAI_EVAL_MAX_SCORER_WORKERS": 1,
        # "auto" would hold scoring at 10 rows a second, whatever the judge can take
        "MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT": 0,
        # else the first row is asked for once more, to see whether that makes a trace
        "MLFLOW_GENAI_EVAL_SKIP_TRACE_VALIDATION": "true",
    }
    os.environ.update({key: str(value) for key, value in settings.items()})


def _quiet(uri: str) -> None:
    """Keep MLflow's own chatter out of a job's log, and its retries to what Outage does not do."""
    # the one is for a connection that the server has closed while nobody used it
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    # its default of 10 connections kept would have every further request make a new one
    os.environ.setdefault("MLFLOW_HTTP_POOL_MAXSIZE", "32")
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"  # TraceWriter has its own threads
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    # a connection more than a pool keeps is closed after use, which harms nobody
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    if uri.startswith("http"):
        # sagemaker-mlflow 0.5.0 takes every tracking URI for an ARN and warns on each request
        noisy = logging.getLogger("mlflow.tracking.request_header.registry")
        noisy.setLevel(logging.ERROR)
