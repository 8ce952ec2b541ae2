"""MLflow's record of an evaluation in this process: the file's server, or a local store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processing.base.errors import TrackingError


def unreachable(uri: str, experiment: str) -> str:
    """Why the server cannot be used; empty if it answers. It is asked what the run asks it too."""
    from mlflow import MlflowClient

    from processing.mlflow_record.errors import short_reason
    from processing.mlflow_record.signing import asking

    try:
        with asking(uri):
            MlflowClient().get_experiment_by_name(experiment)
    except Exception as error:  # noqa: BLE001 whatever it is, there is no record to be kept there
        return short_reason(str(error))
    return ""


def local_record(folder: Path, experiment: str) -> str:
    """The address of a store below `folder`, with the experiment in it.

    Raises TrackingError for one that cannot be used, such as a newer MLflow's.
    """
    from mlflow import MlflowClient

    from processing.mlflow_record.errors import short_reason
    from processing.mlflow_record.settings import set_up_client

    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    uri = f"sqlite:///{folder}/mlflow.db"
    set_up_client(uri)
    with _alone(folder / "mlflow.lock"):
        try:
            client = MlflowClient(uri)
            if client.get_experiment_by_name(experiment) is None:
                # MLflow would put artifacts into the folder that it happens to run in
                client.create_experiment(experiment, (folder / "mlflow-artifacts").as_uri())
        except Exception as error:
            raise TrackingError(
                f"{folder / 'mlflow.db'} cannot be used as MLflow's record: "
                f"{short_reason(str(error))}; move it away, and a new one is made (reports and "
                "what was paid for lie beside it)"
            ) from error
    return uri


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Two processes that make the same database would break each other's."""
    import fcntl

    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
