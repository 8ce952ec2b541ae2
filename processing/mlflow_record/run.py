"""MLflow, which owns the record: traces, assessments, parameters, metrics, tags.

What is written here is read back from the server before anything is judged by it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from processing.base.secrets import masked
from processing.base.sigterm import Stopped
from processing.dataset.manifest import Manifest
from processing.gate.metric import Metric
from processing.mlflow_record.errors import (
    require_verdicts_can_be_kept,
    short_reason,
    told_by_mlflow,
)
from processing.mlflow_record.experiment import experiment_id
from processing.mlflow_record.internals import (
    DATASET_CONTEXT_TAG,
    tracking_store_replaced,
)
from processing.mlflow_record.metric_names import GATE_PASSED, detail
from processing.mlflow_record.outage import Outage, PatientStore, outage_seconds
from processing.mlflow_record.settings import set_up_client
from processing.mlflow_record.signing import share_credentials


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
    uri: str,
    experiment: str,
    name: str,
    params: Mapping[str, object],
    tags: Mapping[str, str],
    *,
    patience: float | None = None,
) -> Iterator[TrackedRun]:
    """An active MLflow run, in which an outage of the server is survived.

    `patience`: for how many seconds; without it, for `outage_seconds`.
    FAILED if the block raises, KILLED if it is stopped or interrupted; the block's error is the one
    that is told, whatever MLflow says to that. Raises TrackingError if the server cannot be
    reached, is too old for the record, or is lost.
    """
    import mlflow

    set_up_client(uri)
    mlflow.set_tracking_uri(uri)
    share_credentials()
    outage = Outage(uri, outage_seconds() if patience is None else patience)
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
            stopped = isinstance(error, Stopped | KeyboardInterrupt)
            _end_failed(begun.info.run_id, "KILLED" if stopped else "FAILED")
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


def log_closed_gate() -> None:
    """What holds until the verdict: nobody finds an open gate on a run that broke."""
    import mlflow

    mlflow.log_metrics({GATE_PASSED: 0.0})


def log_metrics(metrics: Mapping[str, Metric], scorers: Sequence[str]) -> None:
    """Write the metrics into the active run.

    A scorer's mean is MLflow's own (`NAME/mean`, from evaluate); what it rests on is a detail.
    MLflow's pages show metrics in the order in which they were logged: values first, then the rest.
    """
    import mlflow

    figures = ("low", "high", "n", "errors", "coverage", "standard_deviation")
    numbers = {
        name: metric.value
        for name, metric in metrics.items()
        if name not in scorers and metric.value is not None
    }
    for name, metric in metrics.items():
        found = {detail(name, figure): getattr(metric, figure) for figure in figures}
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
            n=int(held.get(detail(name, "n"), 0)),
            errors=int(held.get(detail(name, "errors"), 0)),
            standard_deviation=held.get(detail(name, "standard_deviation")),
        )
        for name in names
    }


def log_outcome(
    run: TrackedRun,
    *,
    params: Mapping[str, str],
    tags: Mapping[str, str],
    run_name: str,
    metrics: Mapping[str, float],
    folder: Path,
    texts: Mapping[str, str],
) -> None:
    """Put the verdict on the active run, which is called `run_name` from now on.

    Among its artifacts go `folder`'s files and `texts`.
    """
    import mlflow
    from mlflow import MlflowClient

    mlflow.log_params(_masked(params))
    mlflow.set_tags(_masked(tags))
    MlflowClient().update_run(run.run_id, name=masked(run_name))
    mlflow.log_metrics(dict(metrics))

    def upload() -> None:
        mlflow.log_artifacts(str(folder), "evaluation")
        for name, text in texts.items():
            mlflow.log_text(text, f"evaluation/{name}")

    run.outage.survive("uploading the reports", upload)
