"""A real run of 5 rows: whatever its verdict is, it has to come by the way that is meant for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.executions.launch import read_evaluation
from pipeline.first_run.execution import first_reason, follow, refused, registered_by, start
from pipeline.first_run.step import Cost, Differs, Step
from pipeline.first_run.trial import Trial
from processing.report.evaluation_json import EVALUATION_FILE

ROWS = 5


def evaluation_step(trial: Trial) -> Step:
    config, infrastructure = trial.bundle.config, trial.bundle.config.infrastructure
    judged = len(config.judged_scorers()) * ROWS
    machines = (
        f"1 {infrastructure.prepare.instance_type}, 1 {infrastructure.evaluate.instance_type}"
    )
    return Step(
        f"run of {ROWS} rows",
        "jobs, roles, image, endpoint, judges, MLflow, report, gate and registration together",
        Cost(
            f"2 jobs, {ROWS} answers, at least {judged} verdicts",
            15,
            f"{machines}, answers and verdicts",
        ),
        lambda: _evaluate(trial),
    )


def harmless(trial: Trial) -> dict[str, str]:
    """Parameters of an execution: a throwaway experiment of MLflow's, noted for deletion.

    And what is registered is Rejected, so that nothing that waits for approved models takes it.
    """
    trial.made.note(f"MLflow experiment {trial.made.name}", lambda: _delete_experiment(trial))
    return {"MlflowExperiment": trial.made.name, "ApprovalStatus": "Rejected"}


def _evaluate(trial: Trial) -> str:
    given = {"SampleSize": str(ROWS), **harmless(trial)}
    status = follow(trial, start(trial, trial.made.name, given))
    uri = trial.bundle.uri("runs", status.id, "evaluation", EVALUATION_FILE)
    evaluation = read_evaluation(trial.session, uri)
    if evaluation is None:
        raise refused("there is no verdict", status)
    gate = evaluation["gate"]
    package = registered_by(trial, status)
    if gate["passed"] and package is None:
        raise refused("the verdict is passed, and nothing was registered", status)
    if not gate["passed"] and (package or status.status != "Failed"):
        raise Differs(
            f"the verdict is not passed, and the execution is {status.status}"
            f"{f' with {package} registered' if package else ''}",
            first_reason(status),
        )
    word = f"passed, registered {package}" if package else f"not passed: {gate['summary']}"
    return f"{word}; {status.seconds or 0:.0f} s; spent: {_spent(evaluation)}"


def _spent(evaluation: Mapping[str, Any]) -> str:
    """What was called, and what it cost by `prices`, of each service."""
    return ", ".join(
        f"{spent['service']} {spent['calls']} calls"
        + (f" ({spent['cost']:.4f})" if spent.get("cost") is not None else "")
        for spent in evaluation["spend"]
    )


def _delete_experiment(trial: Trial) -> None:
    from mlflow import MlflowClient

    from processing.mlflow_record.signing import asking

    with asking(trial.bundle.config.mlflow.tracking_uri):
        client = MlflowClient()
        found = client.get_experiment_by_name(trial.made.name)
        if found is not None and found.lifecycle_stage == "active":
            client.delete_experiment(found.experiment_id)
