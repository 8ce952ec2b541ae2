"""What `monitoring:` asks for: drift against earlier runs, and the verdict's metrics in CloudWatch.

Source: CloudWatch API reference, PutMetricData, MetricDatum and Dimension.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from processing.base.aws_errors import explain
from processing.evaluation.job import EvaluationJob
from processing.gate.drift import DriftVerdict, drift_of
from processing.gate.metric import Metric
from processing.gate.scorer_record import ScorerRecord
from processing.mlflow_record.earlier_runs import earlier_runs
from processing.mlflow_record.errors import short_reason
from processing.mlflow_record.run import TrackedRun
from processing.report.evaluation import Evaluation

if TYPE_CHECKING:
    from boto3 import Session

_AT_ONCE = 500
"""Data in one request, which may hold 1,000 and 1 MB; one is at most 2 KB."""
_LONGEST_VALUE = 1024
_GREATEST = 2.0**360

Datum = dict[str, Any]


def drift(
    job: EvaluationJob,
    tracked: TrackedRun,
    metrics: Mapping[str, Metric],
    scorers: Mapping[str, ScorerRecord],
) -> DriftVerdict | None:
    """None where the file does not ask for it. An MLflow that refuses is told in the verdict."""
    wanted = job.config.monitoring.drift
    if wanted is None:
        return None
    from mlflow.exceptions import MlflowException

    try:
        found, run_ids = earlier_runs(
            tracked,
            job.config.pipeline.name,
            {name: record.definition for name, record in scorers.items()},
            job.config.measurements,
            most=wanted.runs,
        )
    except MlflowException as error:
        return DriftVerdict(
            wanted=wanted.runs,
            failure=f"the earlier runs cannot be read from MLflow: {short_reason(str(error))}",
            closing=sorted(wanted.max_drop),
        )
    return drift_of(metrics, found, run_ids, wanted=wanted.runs, max_drop=wanted.max_drop)


def put_metrics(evaluation: Evaluation, job: EvaluationJob, session: Session) -> None:
    """The verdict's metrics to CloudWatch, if the file asks for it and a pipeline runs this.

    What goes wrong is told on stderr, and changes nothing about the verdict.
    """
    monitoring = job.config.monitoring
    if not monitoring.cloudwatch or not job.execution_arn:
        return
    from botocore.exceptions import BotoCoreError, ClientError

    namespace = monitoring.namespace_of(job.config.pipeline.name)
    # a candidate's endpoint has another name in each execution
    endpoint = job.config.endpoint.name if job.deployed else evaluation.endpoint_name
    data = list(metric_data(evaluation, endpoint))
    try:
        client = session.client("cloudwatch")
        for start in range(0, len(data), _AT_ONCE):
            client.put_metric_data(Namespace=namespace, MetricData=data[start : start + _AT_ONCE])
    except (BotoCoreError, ClientError) as error:
        print(
            f"warning: the verdict's metrics did not reach CloudWatch ({namespace}): "
            f"{explain(error, 'job')}",
            file=sys.stderr,
            flush=True,
        )
        return
    print(f"{len(data)} metrics of the verdict are in CloudWatch, namespace {namespace}")


def metric_data(evaluation: Evaluation, endpoint: str) -> Iterator[Datum]:
    """GatePassed, Rows and EndpointErrors of the endpoint; Value, N, Errors, Low, High, Change of
    each metric.

    The dimensions are the same from run to run, so that an alarm stays with them: the model's name
    changes with every deployment, and is none. A run that ended early has asked the first rows
    only, and puts no values.
    """
    of_all = [_dimension("Endpoint", endpoint)]
    yield from _data("GatePassed", float(evaluation.verdict.passed), of_all)
    yield from _data("Rows", len(evaluation.answers), of_all, "Count")
    yield from _data("EndpointErrors", evaluation.endpoint_errors, of_all, "Count")
    changes = {c.metric: c for c in evaluation.drift.changes} if evaluation.drift else {}
    for name, metric in evaluation.metrics.items():
        dimensions = [*of_all, _dimension("Metric", name)]
        yield from _data("N", metric.n, dimensions, "Count")
        yield from _data("Errors", metric.errors, dimensions, "Count")
        if evaluation.verdict.stopped:
            continue
        yield from _data("Value", metric.value, dimensions)
        yield from _data("Low", metric.low, dimensions)
        yield from _data("High", metric.high, dimensions)
        if change := changes.get(name):
            yield from _data("Change", change.change, dimensions)
            if change.low is not None:
                yield from _data("Drifted", float(change.is_worse), dimensions)


def _data(
    name: str, value: float | None, dimensions: list[dict[str, str]], unit: str = "None"
) -> Iterator[Datum]:
    """Nothing for what is no number to CloudWatch."""
    if value is not None and math.isfinite(value) and abs(value) <= _GREATEST:
        yield {"MetricName": name, "Value": value, "Dimensions": dimensions, "Unit": unit}


def _dimension(name: str, value: str) -> dict[str, str]:
    """A value is visible ASCII, and not all blanks."""
    text = "".join(c if " " <= c <= "~" else "?" for c in value)[:_LONGEST_VALUE].strip()
    return {"Name": name, "Value": text or "?"}
