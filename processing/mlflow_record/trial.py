"""What the MLflow server keeps, tried out with a small record before anybody is paid.

Servers differ, and not by their version alone: a managed one may have no span ingest, or no right
to let a job write artifacts. What is tried is sent as the evaluation sends it, and read back.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, get_args

from processing.base.errors import TrackingError
from processing.base.secrets import masked
from processing.mlflow_record.errors import short_reason, tracking_line
from processing.mlflow_record.internals import forget_artifact_repository, tracking_store_replaced
from processing.mlflow_record.row_traces import ROW_TAG, traces_of
from processing.mlflow_record.run import TrackedRun
from processing.mlflow_record.trace_writer import ServerSupport, SpanWay, TraceWriter

CONFIG_ARTIFACT = "evaluation/evaluation.yaml"

PRESIGNED_VARIABLE = "SAGEMAKER_PRESIGNED_URL_UPLOAD_ENABLED"
"""Of sagemaker-mlflow: "true" has an App give addresses to upload to, instead of rights on S3."""

TRACES = 2
TRIAL = "trial"


def try_record(run: TrackedRun, config_text: str) -> ServerSupport:
    """Try everything out in `run`; each thing that the server lacks is a line in the log.

    The artifact that is tried is evaluation.yaml, which stays, so that nobody needs the right to
    delete artifacts. The traces are deleted. Raises TrackingError if there is no way to keep a
    trace with its span and verdict, or an artifact.
    """
    _try_artifact(run, masked(config_text))
    return _try_traces(run)


def _try_artifact(run: TrackedRun, text: str) -> None:
    try:
        _write_artifact(run, text)
    except Exception as error:
        if run.outage.lost:
            raise
        if not _presigned_helps(run, text):
            said = f"it keeps no artifacts: {type(error).__name__}: {error}"
            raise TrackingError(tracking_line(run.tracking_uri, said)) from error
        print(
            "MLflow's artifacts may not be written to S3 with this job's rights "
            f"({short_reason(str(error))}): they are uploaded to addresses that MLflow signs",
            flush=True,
        )


def _presigned_helps(run: TrackedRun, text: str) -> bool:
    """Whether the App signs uploads; if so, all further ones of this process go that way."""
    if not run.tracking_uri.startswith("arn:") or PRESIGNED_VARIABLE in os.environ:
        return False
    os.environ[PRESIGNED_VARIABLE] = "true"
    forget_artifact_repository(run.run_id)
    try:
        _write_artifact(run, text)
    except Exception:  # noqa: BLE001 the first refusal is the one to be told
        del os.environ[PRESIGNED_VARIABLE]
        forget_artifact_repository(run.run_id)
        return False
    return True


def _write_artifact(run: TrackedRun, text: str) -> None:
    import mlflow

    where = f"runs:/{run.run_id}/{CONFIG_ARTIFACT}"
    doing = "uploading evaluation.yaml"
    run.outage.survive(doing, lambda: mlflow.log_text(text, CONFIG_ARTIFACT, run_id=run.run_id))
    if PRESIGNED_VARIABLE in os.environ:
        return  # there is no such address to read from; that S3 took it is what it said
    if run.outage.survive(doing, lambda: mlflow.artifacts.load_text(where)) != text:
        raise TrackingError(f"{CONFIG_ARTIFACT} comes back as another text")


def _try_traces(run: TrackedRun) -> ServerSupport:
    written: list[str] = []
    try:
        return _first_way_that_works(run, written)
    finally:
        _remove(run, written)


def _first_way_that_works(run: TrackedRun, written: list[str]) -> ServerSupport:
    """The ids of all traces go into `written`, whatever comes of them."""
    refusals: list[str] = []
    for way in get_args(SpanWay):
        try:
            no_links = _write_and_read_back(run, way, written)
        except Exception as error:
            if run.outage.lost:
                raise
            refusals.append(short_reason(str(error.__cause__ or error)))
        else:
            _tell(way, refusals, no_links)
            return ServerSupport(way, links=not no_links)
    said = f"it keeps no trace with its span and verdict: {refusals[-1]}"
    raise TrackingError(tracking_line(run.tracking_uri, said))


def _tell(way: SpanWay, refusals: Sequence[str], no_links: str) -> None:
    if way == "as files":
        line = f"MLflow does not keep spans that are sent to it ({refusals[-1]})"
        print(f"{line}: they are written as files, one for each trace", flush=True)
    elif way == "trace by trace":
        line = f"MLflow does not take the spans of several traces at once ({refusals[0]})"
        print(f"{line}: they are sent trace by trace", flush=True)
    if no_links:
        line = f"MLflow does not link traces to a run ({no_links})"
        print(f"{line}: each trace names its run by itself", flush=True)


def _write_and_read_back(run: TrackedRun, way: SpanWay, written: list[str]) -> str:
    """Why traces are not linked to the run; empty if they are.

    Raises whatever shows that the server does not keep what it is sent in this way.
    """

    def writer_before(store: Any) -> TraceWriter:
        return TraceWriter(store, run, ServerSupport(way, links=False))

    with tracking_store_replaced(run.tracking_uri, writer_before) as writer:
        try:
            trace_ids = [_draft(writer, f"{TRIAL}-{number}") for number in range(TRACES)]
            written += trace_ids
            writer.finish()
        finally:
            writer.close()
    no_links = _link(run, trace_ids)
    _require_kept(run, trace_ids)
    return no_links


def _link(run: TrackedRun, trace_ids: list[str]) -> str:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        MlflowClient().link_traces_to_run(trace_ids, run.run_id)
    except MlflowException as error:
        return short_reason(str(error))
    return ""


def _draft(writer: TraceWriter, row_id: str) -> str:
    """The id of a trace with a span and a verdict."""
    import mlflow
    from mlflow.entities import Feedback

    span = mlflow.start_span_no_context(TRIAL, inputs={TRIAL: row_id}, tags={ROW_TAG: row_id})
    span.end(outputs={TRIAL: row_id})
    writer.create_assessment(Feedback(name=TRIAL, value=True, trace_id=span.trace_id))
    return str(span.trace_id)


def _require_kept(run: TrackedRun, trace_ids: Sequence[str]) -> None:
    from mlflow import MlflowClient

    client = MlflowClient()
    verdicts = {trace.info.trace_id: trace.info.assessments for trace in traces_of(run)}
    for trace_id in trace_ids:
        if trace_id not in verdicts:
            raise TrackingError("a trace is not found again by its run")
        if not verdicts[trace_id]:
            raise TrackingError("a trace comes back without its verdict")
        if [span.name for span in client.get_trace(trace_id).data.spans] != [TRIAL]:
            raise TrackingError("a trace comes back without its span")


def _remove(run: TrackedRun, trace_ids: Sequence[str]) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        MlflowClient().delete_traces(run.experiment_id, trace_ids=list(trace_ids))
    except MlflowException as error:
        line = f"traces called {TRIAL} stay in MLflow: {short_reason(str(error))}"
        print(line, flush=True)
