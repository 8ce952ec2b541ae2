"""What the MLflow server keeps, tried out with a small record before anybody is paid.

Servers differ, and not by their version alone: a managed one may have no span ingest, or no right
to let a job write artifacts. What is tried is sent as the evaluation sends it, and read back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from processing.base.errors import TrackingError
from processing.base.secrets import masked
from processing.calls.judge_calls import INQUIRY, Try, inquiry_record
from processing.mlflow_record.errors import short_reason, tracking_line
from processing.mlflow_record.internals import (
    TOKEN_USAGE_ATTRIBUTE,
    delete_artifacts,
    forget_artifact_repository,
    tracking_store_replaced,
)
from processing.mlflow_record.row_traces import ROW_TAG, traces_of
from processing.mlflow_record.run import TrackedRun, tracked_run
from processing.mlflow_record.trace_writer import ServerSupport, SpanWay, TraceWriter

CONFIG_ARTIFACT = "evaluation/evaluation.yaml"

PRESIGNED_VARIABLE = "SAGEMAKER_PRESIGNED_URL_UPLOAD_ENABLED"
"""Of sagemaker-mlflow: "true" has an App give addresses to upload to, instead of rights on S3."""

TRACES = 2
SPANS = 2  # of each
LATER_MS = 3_600_000
TRIAL = "trial"

Tell = Callable[[str], None]
"""Takes a line for each thing that the server lacks."""


def _to_log(line: str) -> None:
    print(line, flush=True)


def try_record(run: TrackedRun, config_text: str, tell: Tell = _to_log) -> ServerSupport:
    """Try everything out in `run`, the active one.

    The artifact that is tried is evaluation.yaml, which stays, so that nobody needs the right to
    delete artifacts. The traces are deleted. Raises TrackingError if there is no way to keep a
    trace with its span and verdict, or an artifact.
    """
    trial = _Trial(run, tell)
    trial.artifact(masked(config_text))
    try:
        return trial.traces()
    finally:
        trial.remove_traces()


def try_in_a_run_of_its_own(
    uri: str, experiment: str, tell: Tell = _to_log, *, patience: float | None = None
) -> None:
    """Try everything out in a run that is deleted at the end; `patience` as in `tracked_run`.

    The experiment is made if it is not there, as the evaluation makes it.
    Raises what `try_record` and `tracked_run` raise.
    """
    run = None
    try:
        with tracked_run(uri, experiment, TRIAL, {}, {}, patience=patience) as run:
            try_record(run, TRIAL, tell)
    finally:
        if run is not None:
            _remove(run, tell)


def _remove(run: TrackedRun, tell: Tell) -> None:
    from mlflow import MlflowClient

    client = MlflowClient()
    try:
        place = client.get_run(run.run_id).info.artifact_uri
        client.delete_run(run.run_id)
        delete_artifacts(str(place), run.tracking_uri)
    except Exception as error:  # noqa: BLE001 what was to be found out has been
        tell(f"not all of run {run.run_id} can be deleted: {short_reason(str(error))}")


@dataclass
class _Trial:
    run: TrackedRun
    tell: Tell
    trace_ids: list[str] = field(default_factory=list)

    def artifact(self, text: str) -> None:
        try:
            self.run.outage.survive("uploading evaluation.yaml", lambda: self._write_artifact(text))
        except Exception as error:
            if self.run.outage.lost:
                raise
            if not self._presigned_helps(text):
                said = f"it keeps no artifacts: {type(error).__name__}: {error}"
                raise TrackingError(tracking_line(self.run.tracking_uri, said)) from error
            self.tell(
                "MLflow's artifacts may not be written to S3 with these rights "
                f"({short_reason(str(error))}): they are uploaded to addresses that MLflow signs"
            )

    def _presigned_helps(self, text: str) -> bool:
        """Whether the App signs uploads; if so, all further ones of this process go that way."""
        if not self.run.tracking_uri.startswith("arn:") or PRESIGNED_VARIABLE in os.environ:
            return False
        os.environ[PRESIGNED_VARIABLE] = "true"
        forget_artifact_repository(self.run.run_id)
        try:
            self._write_artifact(text)
        except Exception:  # noqa: BLE001 the first refusal is the one to be told
            del os.environ[PRESIGNED_VARIABLE]
            forget_artifact_repository(self.run.run_id)
            return False
        return True

    def _write_artifact(self, text: str) -> None:
        import mlflow

        mlflow.log_text(text, CONFIG_ARTIFACT)
        if os.environ.get(PRESIGNED_VARIABLE) == "true":
            return  # nothing is signed to read it with; S3 has said that it took it
        if mlflow.artifacts.load_text(mlflow.get_artifact_uri(CONFIG_ARTIFACT)) != text:
            raise TrackingError(f"{CONFIG_ARTIFACT} comes back as another text")

    def traces(self) -> ServerSupport:
        """The first way that works."""
        refusals: list[str] = []
        for way in get_args(SpanWay):
            try:
                no_links, own_durations = self._write_and_read_back(way)
            except Exception as error:
                if self.run.outage.lost:
                    raise
                refusals.append(short_reason(str(error.__cause__ or error)))
            else:
                self._tell_what_is_lacking(way, refusals, no_links)
                return ServerSupport(way, not no_links, own_durations)
        said = f"it keeps no trace with its span and verdict: {refusals[-1]}"
        raise TrackingError(tracking_line(self.run.tracking_uri, said))

    def _tell_what_is_lacking(self, way: SpanWay, refusals: Sequence[str], no_links: str) -> None:
        if way == "as files":
            line = f"MLflow does not keep spans that are sent to it ({refusals[-1]})"
            self.tell(f"{line}: they are written as files, one for each trace")
        elif way == "trace by trace":
            line = f"MLflow does not take the spans of several traces at once ({refusals[0]})"
            self.tell(f"{line}: they are sent trace by trace")
        if no_links:
            line = f"MLflow does not link traces to a run ({no_links})"
            self.tell(f"{line}: each trace names its run by itself")

    def _write_and_read_back(self, way: SpanWay) -> tuple[str, bool]:
        """Why traces are not linked to the run, empty if they are; whether durations are kept.

        Raises whatever shows that the server does not keep what it is sent in this way.
        """

        def writer_before(store: Any) -> TraceWriter:
            return TraceWriter(store, self.run, ServerSupport(way, links=False))

        with tracking_store_replaced(self.run.tracking_uri, writer_before) as writer:
            try:
                trace_ids = [_draft(writer, f"{TRIAL}-{number}") for number in range(TRACES)]
                self.trace_ids += trace_ids
                writer.finish()
            finally:
                writer.close()
        no_links = self._link(trace_ids)
        return no_links, self._kept_with_durations(trace_ids)

    def _link(self, trace_ids: list[str]) -> str:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        try:
            MlflowClient().link_traces_to_run(trace_ids, self.run.run_id)
        except MlflowException as error:
            return short_reason(str(error))
        return ""

    def _kept_with_durations(self, trace_ids: Sequence[str]) -> bool:
        """Whether the traces have their own durations. Raises TrackingError if parts are lost."""
        from mlflow import MlflowClient

        client = MlflowClient()
        found = {trace.info.trace_id: trace.info for trace in traces_of(self.run)}
        for trace_id in trace_ids:
            if trace_id not in found:
                raise TrackingError("a trace is not found again by its run")
            if not found[trace_id].assessments:
                raise TrackingError("a trace comes back without its verdict")
            if len(client.get_trace(trace_id).data.spans) != SPANS:
                raise TrackingError("a trace comes back without its spans")
        return all((found[each].execution_duration or 0) < LATER_MS for each in trace_ids)

    def remove_traces(self) -> None:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        try:
            MlflowClient().delete_traces(self.run.experiment_id, trace_ids=self.trace_ids)
        except MlflowException as error:
            self.tell(f"traces called {TRIAL} stay in MLflow: {short_reason(str(error))}")


def _draft(writer: TraceWriter, row_id: str) -> str:
    """The id of a trace with tokens, a verdict, and a span of that which ends long after it."""
    import mlflow
    from mlflow.entities import Feedback

    span = mlflow.start_span_no_context(TRIAL, inputs={TRIAL: row_id}, tags={ROW_TAG: row_id})
    span.set_attribute(TOKEN_USAGE_ATTRIBUTE, {"input_tokens": 1, "total_tokens": 1})
    span.end(outputs={TRIAL: row_id})
    later = time.time_ns() + 2 * LATER_MS * 10**6
    verdict = {"value": True, "rationale": "", INQUIRY: inquiry_record([Try(later, later)])}
    writer.look_into(row_id, TRIAL, verdict)
    writer.create_assessment(Feedback(name=TRIAL, value=True, trace_id=span.trace_id))
    return str(span.trace_id)
