"""The experiment that runs are recorded in: found by its name, or made."""

from __future__ import annotations


def experiment_id(name: str) -> str:
    """The experiment's id. Raises MlflowException, also for an experiment that is deleted.

    `mlflow.set_experiment`, which finds that another has just made it, returns the other's and goes
    on recording in experiment 0 (3.17): two evaluations that start at once would lose one of them.
    """
    from mlflow import MlflowClient
    from mlflow.entities import LifecycleStage
    from mlflow.exceptions import MlflowException

    client = MlflowClient()
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name))
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:  # the name is not what was wrong with it
                raise
    if found.lifecycle_stage != LifecycleStage.ACTIVE:
        raise MlflowException(f"{name!r} is a deleted experiment")
    return str(found.experiment_id)
