"""An MLflow server with a login: `secrets:` brings it to the jobs, and to every command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow_between import mlflow_between
from pipelines import WITHOUT_JUDGE, named, run
from running_aws import ConfigWriter, RunningAws, local_aws_running
from test_secrets_in_a_run import holding, leaking, put_parameter, try_in

pytestmark = pytest.mark.integration

USER, PASSWORD = "robot-of-ours", "planted.9876543210+fedcba/"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def aws(state: Path) -> Iterator[RunningAws]:
    """One of its own, all of which is searched."""
    with local_aws_running(state) as running:
        yield running


def test_check_run_try_and_compare_log_in_and_the_password_is_nowhere(
    aws: RunningAws, state: Path, write_config: ConfigWriter, tmp_path: Path
) -> None:
    with mlflow_between(aws.mlflow, login=f"{USER}:{PASSWORD}") as address:
        secrets = {
            "MLFLOW_TRACKING_USERNAME": put_parameter(aws, "/mlflow/user", USER),
            "MLFLOW_TRACKING_PASSWORD": put_parameter(aws, "/mlflow/password", PASSWORD),
        }
        tracking = {"tracking_uri": address, "experiment": "login"}
        changes = {**WITHOUT_JUDGE, "mlflow": tracking, "secrets": secrets}
        config = str(write_config(**named("login", **changes)))
        checked = aws.type("check", "--online", "--config", config)
        assert f"good   MLflow {address}: keeps traces" in checked.stdout, checked.stdout
        done = run(aws, Path(config), f"MlflowTrackingUri={address}")
        assert done.returncode == 0, done.stdout + done.stderr
        tried = try_in(tmp_path, aws, "try", "--config", config, "--rows", "3")
        assert tried.returncode == 0, tried.stdout + tried.stderr
        assert "does not answer" not in tried.stdout
        held = mlflow.MlflowClient(aws.mlflow)
        found = held.get_experiment_by_name("login")
        runs = [entry.info.run_id for entry in held.search_runs([found.experiment_id])]
        assert len(runs) == 2
        compared = try_in(tmp_path, aws, "compare", "--mlflow", *runs, "--config", config)
        assert compared.returncode == 0, compared.stdout + compared.stderr
        assert re.search(rf"MLflow:     {re.escape(address)}/#/experiments/", compared.stdout)
    said = "".join(each.stdout + each.stderr for each in (checked, done, tried, compared))
    assert PASSWORD not in said
    assert leaking(aws, state, PASSWORD) == []
    assert holding(tmp_path, PASSWORD) == []
