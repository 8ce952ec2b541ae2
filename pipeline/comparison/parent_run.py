"""The comparison in MLflow: a run with the compared ones below it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.comparison.run import ComparisonError

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from pipeline.comparison.compare import Comparison
    from pipeline.comparison.findings import Findings

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
    uri = _one_server(findings)
    experiment = findings.runs[0].document["mlflow"]["experiment_id"]
    quiet(uri)
    share_credentials()
    client = MlflowClient(uri)
    try:
        for compared in _run_ids(findings):
            client.get_run(compared)  # are all of them there, before anything is made?
        name = "compare " + ", ".join(run.name for run in findings.runs)
        run_id = client.create_run(experiment, run_name=name[:250]).info.run_id
        try:
            _write(client, run_id, comparison)
        except BaseException:
            client.set_terminated(run_id, "FAILED")
            raise
        client.set_terminated(run_id)
    except (MlflowException, OSError) as error:
        raise ComparisonError(f"MLflow at {uri}: {short_reason(str(error))}") from error
    if not uri.startswith("http"):
        return f"{uri} run {run_id}"
    return f"{uri.rstrip('/')}/#/experiments/{experiment}/runs/{run_id}"


def _one_server(findings: Findings) -> str:
    uris = {run.document["mlflow"]["tracking_uri"] for run in findings.runs}
    if len(uris) > 1:
        places = ", ".join(
            f"{run.label} on {run.document['mlflow']['tracking_uri']}" for run in findings.runs
        )
        raise ComparisonError(f"the runs are on different MLflow servers ({places}): no parent run")
    return str(uris.pop())


def _run_ids(findings: Findings) -> list[str]:
    return [run.document["mlflow"]["run_id"] for run in findings.runs]


def _write(client: MlflowClient, run_id: str, comparison: Comparison) -> None:
    findings = comparison.findings
    for difference in findings.differences:
        if difference.difference is not None:
            key = f"{difference.metric}/{difference.run}_minus_A"
            client.log_metric(run_id, key, difference.difference)
    client.set_tag(run_id, "mlflow.note.content", _note(findings))
    with tempfile.TemporaryDirectory() as folder:
        comparison.write_json(Path(folder) / "compare.json")
        comparison.write_html(Path(folder) / "compare.html")
        client.log_artifacts(run_id, folder, FOLDER)
    for compared in _run_ids(findings):
        client.set_tag(compared, PARENT_TAG, run_id)


def _note(findings: Findings) -> str:
    """What MLflow's page shows of it first; a tag holds 8,000 characters."""
    real = [d for d in findings.differences if d.real]
    said = [f"- ! {found}" for found in findings.mismatches]
    said += [f"- {d.run}: {d.metric} {d.state}, {d.difference:+.3g}" for d in real]
    said += [] if real else ["- no difference is real after Holm's correction"]
    return "\n".join([*said, "", "compare.html is under Artifacts."])[:7000]
