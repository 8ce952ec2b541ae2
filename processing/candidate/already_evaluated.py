"""What a job leaves that had nothing to evaluate: an evaluation.json that opens and closes nothing.

`evaluated_here` is 0, which both conditions of the pipeline ask for: nothing is registered a second
time, nothing fails, and the execution ends as Succeeded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from processing.report.evaluation_json import write_document

if TYPE_CHECKING:
    from processing.evaluation.job import EvaluationJob


def write_already_evaluated(earlier: dict[str, Any], job: EvaluationJob) -> None:
    """`earlier`: a record of `processing.candidate.evaluated`."""
    summary = _summary(earlier)
    document = {
        "schema": 2,
        "evaluated_here": 0,
        "fingerprint": earlier["fingerprint"],
        "already_evaluated": earlier,
        "gate": {"passed": 0, "summary": summary, "reasons": [], "warnings": []},
        # The conditions compare these with the parameters, and a missing one would be an error.
        "thresholds": {
            threshold.name: {"compared": 0, "passed": 0, "reason": summary}
            for threshold in job.thresholds
        },
        "mlflow": earlier.get("mlflow"),
        "dataset_sha256": job.dataset_sha256,
        "config_sha256": job.config_sha256,
        "execution_arn": job.execution_arn,
    }
    write_document(document, job.output)
    print(summary, flush=True)


def _summary(earlier: dict[str, Any]) -> str:
    execution = earlier["execution_arn"].rpartition("/")[2] or f"job {earlier['job']}"
    package = earlier["model_package_arn"]
    forced = "nothing was deployed, paid for or registered again; Reevaluate=yes forces it"
    if earlier["state"] == "running":
        return (
            f"being evaluated already: {package} by execution {execution} since {earlier['at']}, "
            f"with the same dataset, configuration and thresholds; {forced}"
        )
    word = "passed" if earlier["passed"] else f"not passed: {earlier['summary']}"
    run = earlier["mlflow"]["run_id"]
    return (
        f"already evaluated: {package} by execution {execution} (MLflow run {run}) on "
        f"{earlier['at']}, with the same dataset, configuration and thresholds: {word}; {forced}"
    )
