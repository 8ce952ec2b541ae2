"""The comparison in MLflow: a run with the compared ones below it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.comparison.run import ComparisonError

if TYPE_CHECKING:
    from pipeline.comparison.compare import Comparison

PARENT_TAG = "mlflow.parentRunId"
FOLDER = "comparison"


def log_comparison(comparison: Comparison) -> str:
    """Make the parent run and put the compared ones below it; the address of its page.

    A run has one parent: one that was compared before moves below the new one.
    Raises ComparisonError where the runs are not on one server, or MLflow refuses.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    from processing.mlflow_record.errors import short_reason
    from processing.mlflow_record.settings import quiet
    from processing.mlflow_record.signing import share_credentials

    findings = comparison.findings
    records = [run.document["mlflow"] for run in findings.runs]
    uris = {record["tracking_uri"] for record in records}
    if len(uris) != 1:
        places = ", ".join(
            f"{run.label} on {run.document['mlflow']['tracking_uri']}" for run in findings.runs
        )
        raise ComparisonError(f"the runs are on different MLflow servers ({places}): no parent run")
    [uri] = uris
    quiet(uri)
    share_credentials()
    client = MlflowClient(uri)
    name = "compare " + ", ".join(run.name for run in findings.runs)
    try:
        parent = client.create_run(
            records[0]["experiment_id"], run_name=name[:250], tags={"compared": _ids(comparison)}
        )
        run_id = parent.info.run_id
        for difference in findings.differences:
            if difference.difference is not None:
                key = f"{difference.metric}/{difference.run}_minus_A"
                client.log_metric(run_id, key, difference.difference)
        client.set_tag(run_id, "mlflow.note.content", _note(comparison))
        with tempfile.TemporaryDirectory() as folder:
            comparison.write_json(Path(folder) / "compare.json")
            comparison.write_html(Path(folder) / "compare.html")
            client.log_artifacts(run_id, folder, FOLDER)
        for record in records:
            client.set_tag(record["run_id"], PARENT_TAG, run_id)
        client.set_terminated(run_id)
    except (MlflowException, OSError) as error:
        raise ComparisonError(f"MLflow at {uri}: {short_reason(str(error))}") from error
    root = uri.rstrip("/")
    page = f"{root}/#/experiments/{records[0]['experiment_id']}/runs/{run_id}"
    return page if uri.startswith("http") else f"{uri} run {run_id}"


def _ids(comparison: Comparison) -> str:
    return ",".join(run.document["mlflow"]["run_id"] for run in comparison.findings.runs)


def _note(comparison: Comparison) -> str:
    findings = comparison.findings
    real = [d for d in findings.differences if d.real]
    said = [f"- ! {found}" for found in findings.mismatches]
    said += [f"- {d.run}: {d.metric} {d.state} by {abs(d.difference or 0):.4g}" for d in real]
    said += [] if real else ["- no difference is real after Holm's correction"]
    return "\n".join([*said, "", "compare.html is under Artifacts."])[:7000]
