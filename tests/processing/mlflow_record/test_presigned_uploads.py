"""An App whose S3 this job may not write to: it signs the uploads, or one line says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import mlflow
import pytest
from loopback_server import serving
from signed_mlflow import APP, PRESIGNED_UPLOAD, SignedMlflow, signed_mlflow

from processing.base.errors import TrackingError
from processing.mlflow_record import signing
from processing.mlflow_record.run import tracked_run
from processing.mlflow_record.trial import PRESIGNED_VARIABLE, try_record

pytestmark = pytest.mark.integration

DENIED = b"<Error><Code>AccessDenied</Code><Message>not authorized</Message></Error>"


class S3Double:
    """Takes what is uploaded to a signed address, and nothing else."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.denied = 0
        self.url = ""


@pytest.fixture
def s3() -> Iterator[S3Double]:
    double = S3Double()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            path, _, query = self.path.partition("?")
            if query == "X-Amz-Signature=ours":
                double.held[path] = body
                self._answer(200, b"")
            else:
                double.denied += 1
                self._answer(403, DENIED)

        def do_GET(self) -> None:
            double.denied += 1
            self._answer(403, DENIED)

        do_HEAD = do_GET

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as double.url:
        yield double


@pytest.fixture
def app(server: str, s3: S3Double, monkeypatch: pytest.MonkeyPatch) -> Iterator[SignedMlflow]:
    mlflow.set_tracking_uri(server)
    if mlflow.get_experiment_by_name("in S3") is None:
        mlflow.create_experiment("in S3", "s3://not-ours/app")
    with signed_mlflow(APP, server) as served:
        for name, value in {
            "AWS_ACCESS_KEY_ID": served.access_key,
            "AWS_SECRET_ACCESS_KEY": served.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "MLFLOW_S3_ENDPOINT_URL": s3.url,
            "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT": served.url,
            PRESIGNED_VARIABLE: "to be put back",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv(PRESIGNED_VARIABLE)
        signing._shared_session.cache_clear()
        yield served
    signing._shared_session.cache_clear()
    mlflow.set_tracking_uri("")


def test_an_app_signs_the_uploads_that_the_job_has_no_right_to(
    app: SignedMlflow, s3: S3Double, capsys: pytest.CaptureFixture[str]
) -> None:
    app.uploads = s3.url
    with tracked_run(APP, "in S3", "run", {}, {}) as run:
        try_record(run, "pipeline: {}\n")
        mlflow.log_text("the report", "evaluation/report.html")
    place = f"/{run.run_id}/evaluation"
    assert s3.held == {
        f"{place}/evaluation.yaml": b"pipeline: {}\n",
        f"{place}/report.html": b"the report",
    }
    assert s3.denied == 1
    [line] = [line for line in capsys.readouterr().out.splitlines() if "MLflow" in line]
    assert "uploaded to addresses that MLflow signs" in line
    assert app.refused == []


def test_an_app_that_signs_nothing_is_one_line_before_anything_is_paid(app: SignedMlflow) -> None:
    with (
        pytest.raises(TrackingError) as raised,
        tracked_run(APP, "in S3", "run", {}, {}) as run,
    ):
        try_record(run, "pipeline: {}\n")
    line = str(raised.value)
    assert line.startswith(f"MLflow at {APP} cannot be used: it keeps no artifacts")
    assert "AccessDenied" in line
    assert "mlflow.artifact_location" in line
    assert "\n" not in line
    assert f"POST {PRESIGNED_UPLOAD}" in app.passed
