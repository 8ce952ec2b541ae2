"""Every request to a SageMaker MLflow App is signed, from every thread, with the job's credentials.

The credentials come the way in which a processing job gets them: from an address.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import mlflow
import pytest
from loopback_server import serving
from mlflow.protos.model_registry_pb2 import ModelRegistryService
from mlflow.protos.service_pb2 import MlflowService
from running_aws import ConfigWriter
from signed_mlflow import APP, TRACKING_SERVER, SignedMlflow, signed_mlflow

from pipeline.definition.bundle import load_bundle
from pipeline.in_process.record import unreachable
from pipeline.permissions.roles import permissions_of
from processing.base.errors import TrackingError
from processing.calls.paid_store import Record
from processing.config.scorers import parse_scorer
from processing.dataset.rows import make_row
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call
from processing.endpoint.reply import Reply
from processing.evaluation.scoring import score_rows
from processing.mlflow_record import signing
from processing.mlflow_record.internals import import_evaluate
from processing.mlflow_record.prompt_registry import Prompt, prompts_linked
from processing.mlflow_record.row_traces import traces_of
from processing.mlflow_record.run import tracked_run
from processing.mlflow_record.trace_writer import traces_written_behind
from processing.scorers.build import build_scorers

pytestmark = pytest.mark.integration

ROWS = 30


@contextmanager
def credentials_served(secret_key: str = "testing") -> Iterator[tuple[str, list[str]]]:
    """An address that gives a role's credentials, as SageMaker has one in every job; its calls."""
    asked: list[str] = []
    expires = datetime.now(UTC) + timedelta(hours=6)
    given = {
        "AccessKeyId": "testing",
        "SecretAccessKey": secret_key,
        "Token": "session-token/+=",
        "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps(given).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield f"{address}/credentials", asked


@pytest.fixture(params=[APP, TRACKING_SERVER], ids=["app", "tracking-server"])
def app(request: pytest.FixtureRequest, server: str) -> Iterator[SignedMlflow]:
    with signed_mlflow(request.param, server) as served:
        served.token = "session-token/+="
        yield served
    mlflow.set_tracking_uri("")


@contextmanager
def as_in_a_job(app: SignedMlflow, credentials: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", credentials)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT", app.url)
        signing._shared_session.cache_clear()
        yield
        signing._shared_session.cache_clear()


def answers() -> dict[str, Answer]:
    made = {}
    for number in range(ROWS):
        row = make_row(f"Question {number}?", f"Expected {number}")
        start = 1_700_000_000_000_000_000 + number
        call = Call(Reply(f"Answer {number}", 10, 5), None, 1, 12.5, start, start + 10**7)
        made[row.row_id] = Answer(row, {"messages": []}, call)
    return made


def nobody_judges(row_id: str, scorer: str) -> Record:
    raise AssertionError(f"{scorer} asks no judge about {row_id}")


def test_every_thread_signs_and_rows_ask_for_no_credentials(
    app: SignedMlflow, write_config: ConfigWriter
) -> None:
    given = answers()
    name = f"signed {app.arn.rpartition('/')[2]}, with a space + a sign"
    prompt = Prompt("endpoint", "Answer: {{question}}", "What the endpoint is asked")
    scorers = build_scorers([parse_scorer("rougeL_fmeasure")], None, Path())
    import_evaluate()  # as the job does it, before other threads import
    with credentials_served() as (address, asked), as_in_a_job(app, address):
        with (
            tracked_run(app.arn, name, "run", {"a": 1}, {"b": "2"}) as run,
            prompts_linked(run, app.arn.rpartition("/")[2], [prompt]) as tags,
            traces_written_behind(run, tags=tags) as traces,
        ):
            rows = [answer.row for answer in given.values()]
            score_rows(scorers, rows, traces, given.__getitem__, nobody_judges)
            traces.finish()
        assert len(list(traces_of(run))) == ROWS
        assert mlflow.get_run(run.run_id).data.metrics["rougeL_fmeasure/mean"] > 0
    assert app.refused == []
    assert len(app.passed) > ROWS
    assert "POST /v1/traces" in app.passed
    # one for us, and two in the thread in which MLflow links the new prompt to the experiment
    assert len(asked) <= 3, f"{len(asked)} requests for credentials, {len(app.passed)} to MLflow"
    # IAM's actions for a tracking server are called as MLflow's own operations are
    registry = {operation(call, ModelRegistryService) for call in app.passed} - {""}
    assert "CreateRegisteredModel" in registry
    for who in ("job", "caller"):  # of `try`
        assert {f"sagemaker-mlflow:{name}" for name in registry} <= allowed_to(who, write_config)


def operation(call: str, *services: Any) -> str:
    """`POST /api/2.0/mlflow/registered-models/create` -> `CreateRegisteredModel`; else empty."""
    from mlflow.protos.databricks_pb2 import rpc

    for method in (method for service in services for method in service.DESCRIPTOR.methods):
        for endpoint in method.GetOptions().Extensions[rpc].endpoints:
            if call == f"{endpoint.method} /api/2.0{endpoint.path}":
                return str(method.name[0].upper() + method.name[1:])
    return ""


def allowed_to(who: str, write_config: ConfigWriter) -> set[str]:
    bundle = load_bundle(write_config(mlflow={"tracking_uri": TRACKING_SERVER}))
    [policy] = [each.policy for each in permissions_of(bundle) if each.who == who]
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def test_who_tries_asks_the_server_nothing_that_the_caller_may_not(
    app: SignedMlflow, write_config: ConfigWriter
) -> None:
    """Else the record of `try` would stay on the user's machine, and nobody would know why."""
    with credentials_served() as (address, _), as_in_a_job(app, address):
        assert unreachable(app.arn, "never made") == ""
    asked = {operation(call, MlflowService, ModelRegistryService) for call in app.passed}
    assert asked
    assert {f"sagemaker-mlflow:{name}" for name in asked} <= allowed_to("caller", write_config)


def test_what_is_not_signed_by_the_job_is_let_through_nowhere(app: SignedMlflow) -> None:
    for headers in ({}, {"Authorization": "Basic dTpw"}):
        reply = httpx.get(f"{app.url}/api/2.0/mlflow/experiments/search", headers=headers)
        assert reply.status_code == 403
    with (
        credentials_served(secret_key="another") as (address, _),
        as_in_a_job(app, address),
        pytest.raises(TrackingError, match=r"cannot be used.*signature does not match"),
        tracked_run(app.arn, "never", "run", {}, {}),
    ):
        pass
    assert app.passed == []
