"""While the local AWS runs, no web page can make it, the demos or MLflow do anything."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from browser import Browser, chromium
from local_runs import local_client
from running_aws import RunningAws, local_aws_running

pytestmark = pytest.mark.integration  # four servers

SERVICES = ("AWS", "endpoint", "judge", "MLflow")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAws]:
    """All four servers, as a user starts them; this folder's own `aws` is the first alone."""
    with local_aws_running(tmp_path_factory.mktemp("all-servers")) as running:
        yield running


def address_of(aws: RunningAws, service: str) -> str:
    variables = {
        "AWS": "AWS_ENDPOINT_URL",
        "endpoint": "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
        "judge": "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    }
    return aws.mlflow if service == "MLflow" else aws.environment[variables[service]]


PATHS = {"AWS": "/", "endpoint": "/_demo/calls", "judge": "/_demo/calls", "MLflow": "/version"}

REFUSED = {
    "another site": {"Origin": "https://example.com"},
    "another port of loopback": {"Origin": "http://127.0.0.1:1"},
    "a file, or a sandboxed frame": {"Origin": "null"},
    "another scheme": {"Origin": "https://127.0.0.1:{port}"},
    "a name that begins like ours": {"Origin": "http://127.0.0.1.example.com:{port}"},
    "an image in a page of another site": {"Sec-Fetch-Site": "cross-site"},
    "an image in a page of another port": {"Sec-Fetch-Site": "same-site"},
    "a rebound name": {"Host": "rebound.example.com:{port}"},
    "a name that looks private": {"Host": "10.example.com"},
    "a name that holds localhost": {"Host": "localhost.example.com"},
    "no name": {"Host": ""},
}
ANSWERED = {
    "a program": {},
    "by the name": {"Host": "localhost:{port}"},
    "by IPv6": {"Host": "[::1]:{port}"},
    "its own page": {"Origin": "http://localhost:{port}", "Sec-Fetch-Site": "same-origin"},
    "typed into a browser": {"Sec-Fetch-Site": "none"},
}


def status(aws: RunningAws, service: str, headers: dict[str, str]) -> int:
    address = address_of(aws, service)
    port = address.rpartition(":")[2]
    sent = {name: value.replace("{port}", port) for name, value in headers.items()}
    return httpx.get(f"{address}{PATHS[service]}", headers=sent).status_code


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("sender", [*REFUSED, *ANSWERED])
def test_this_machine_is_answered_and_a_page_of_others_is_refused(
    aws: RunningAws, service: str, sender: str
) -> None:
    expected = 403 if sender in REFUSED else 200
    assert status(aws, service, {**REFUSED, **ANSWERED}[sender]) == expected


def test_another_site_may_link_to_mlflow_and_to_nothing_else(aws: RunningAws) -> None:
    """The report and the terminal do; a link is no way to change anything in MLflow."""
    link = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    assert [status(aws, service, link) for service in SERVICES] == [403, 403, 403, 200]
    assert status(aws, "MLflow", {**link, "Sec-Fetch-Dest": "iframe"}) == 403


def test_aws_does_not_invite_other_origins(aws: RunningAws) -> None:
    """A browser asks with OPTIONS before it sends what a form could not."""
    asked = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}
    answer = httpx.options(address_of(aws, "AWS"), headers=asked)
    assert answer.status_code == 403
    own = httpx.get(address_of(aws, "AWS"), headers={"Origin": address_of(aws, "AWS")})
    assert own.status_code == 200
    assert not [name for name in own.headers if name.startswith("access-control")]


def test_a_refusal_tells_an_aws_client_why(aws: RunningAws) -> None:
    client = aws.client("sagemaker")
    client.meta.events.register(
        "before-send", lambda request, **_: request.headers.update({"Host": "example.com"})
    )
    with pytest.raises(ClientError, match=r"AccessDenied.*'example.com' is not loopback"):
        client.list_pipelines()


def test_s3_answers_clients_that_put_the_bucket_into_the_host_name(aws: RunningAws) -> None:
    url = address_of(aws, "AWS")
    virtual_hosts = Config(s3={"addressing_style": "virtual"})
    s3 = local_client(url.replace("127.0.0.1", "localhost"), "s3", config=virtual_hosts)
    signed = httpx.URL(
        s3.generate_presigned_url(
            "list_objects_v2", Params={"Bucket": "llm-evaluation-demo", "Prefix": "nothing"}
        )
    )
    assert signed.host == "llm-evaluation-demo.localhost"
    answer = httpx.get(  # to 127.0.0.1, since not every machine resolves names under localhost
        signed.copy_with(host="127.0.0.1"), headers={"Host": signed.netloc.decode()}
    )
    assert answer.status_code == 200
    assert "<Name>llm-evaluation-demo</Name>" in answer.text


class Pages(BaseHTTPRequestHandler):
    """An empty page, and a record of what else was sent."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>a page</title>")

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.posted.append(self.rfile.read(length).decode())  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def serve_pages() -> HTTPServer:
    server = HTTPServer(("127.0.0.1", 0), Pages)
    server.posted = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Other sites' names point to this machine, as those of an attacker can."""
    names = "MAP *.example.com 127.0.0.1"
    with chromium(f"--host-resolver-rules={names}") as running:
        yield running


SEND = """
(async () => {
  const out = [];
  for (const [url, options] of %s) {
    try { out.push((await fetch(url, options)).status); } catch (error) { out.push(String(error)); }
  }
  return out;
})()
"""


def attacks(aws: RunningAws, name: str, touched: Path) -> list[tuple[str, dict[str, Any]]]:
    """What a page would send: without asking where it can (no-cors), and else as it is."""
    job = {
        "ProcessingJobName": name,
        "RoleArn": "arn:aws:iam::123456789012:role/llm-evaluation-job",
        "AppSpecification": {"ImageUri": "any", "ContainerEntrypoint": ["touch", str(touched)]},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.t3.medium",
                "VolumeSizeInGB": 1,
            }
        },
    }
    target = {"X-Amz-Target": "SageMaker.CreateProcessingJob", "Content-Type": "text/plain"}
    sneaked = "X-Amz-Credential=a/20260101/us-east-1/iam/aws4_request"
    url, endpoint, judge, mlflow = (address_of(aws, service) for service in SERVICES)
    experiment = json.dumps({"name": name})
    asked = json.dumps({"messages": [{"role": "user", "content": "How are you?"}]})

    def post(body: str, **headers: str) -> dict[str, Any]:
        return {"method": "POST", "body": body, "headers": headers}

    def blind(body: str = "") -> dict[str, Any]:
        return {"method": "POST", "mode": "no-cors", "body": body}

    return [
        (f"{url}/", post(json.dumps(job), **target)),
        (f"{url}/?Action=CreateUser&UserName={name}&{sneaked}", {"mode": "no-cors"}),
        (f"{url}/?Action=CreateUser&UserName={name}&{sneaked}", blind()),
        (f"{url}/_local/clock", blind(json.dumps({"advance_seconds": 86_400}))),
        (f"{url}/moto-api/reset", blind()),
        (f"{endpoint}/endpoints/health-qa-good/invocations", blind(asked)),
        (f"{endpoint}/_demo/endpoints/health-qa-good", {"method": "DELETE"}),
        (f"{judge}/model/{name}/converse", blind(asked)),
        (f"{judge}/_demo/calls", {"method": "DELETE"}),
        (f"{mlflow}/api/2.0/mlflow/experiments/create", blind(experiment)),
        (
            f"{mlflow}/api/2.0/mlflow/experiments/create",
            post(experiment, **{"Content-Type": "application/json"}),
        ),
    ]


def state(aws: RunningAws) -> dict[str, Any]:
    """All that the attacks would change."""
    searched = httpx.post(
        f"{aws.mlflow}/api/2.0/mlflow/experiments/search", json={"max_results": 1000}
    )
    clock = httpx.post(f"{address_of(aws, 'AWS')}/_local/clock", json={"advance_seconds": 0})
    return {
        "jobs": len(aws.client("sagemaker").list_processing_jobs()["ProcessingJobSummaries"]),
        "users": [user["UserName"] for user in aws.client("iam").list_users()["Users"]],
        "buckets": [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]],
        "day": clock.json()["time"][:10],
        "endpoints": httpx.get(f"{address_of(aws, 'endpoint')}/_demo/endpoints").json(),
        "calls": [aws.calls("SAGEMAKER_RUNTIME"), aws.calls("BEDROCK_RUNTIME")],
        "experiments": [entry["name"] for entry in searched.json()["experiments"]],
    }


def test_no_page_of_another_origin_makes_them_do_anything(
    aws: RunningAws, browser: Browser, tmp_path: Path
) -> None:
    """In a real browser: a page of another site, one of another port, and rebound names."""
    pages = serve_pages()
    port = pages.server_port
    own = [address_of(aws, service).rpartition(":")[2] for service in SERVICES]
    others = [f"http://page.example.com:{port}/", f"http://127.0.0.1:{port}/"]
    before, touched = state(aws), tmp_path / "touched"
    for page in [*others, *(f"http://rebound.example.com:{port}/" for port in own)]:
        browser.visit(page)
        sent = attacks(aws, f"page-{uuid.uuid4().hex[:8]}", touched)
        if "rebound" in page:  # to what the page takes for its own server
            sent = [(url.replace("127.0.0.1", "rebound.example.com"), how) for url, how in sent]
        else:
            sent.append((f"http://127.0.0.1:{port}/", {"method": "POST", "body": page}))
        browser.run(SEND % json.dumps(sent))
    pages.shutdown()
    assert state(aws) == before
    assert not touched.exists()
    assert pages.posted == others  # type: ignore[attr-defined] # such requests do leave a browser


def test_mlflow_works_in_a_browser(aws: RunningAws, browser: Browser) -> None:
    name = f"seen-{uuid.uuid4().hex[:8]}"
    created = httpx.post(f"{aws.mlflow}/api/2.0/mlflow/experiments/create", json={"name": name})
    experiment = created.raise_for_status().json()["experiment_id"]
    browser.visit(f"{aws.mlflow}/#/experiments")
    browser.wait(f"document.body.innerText.includes('{name}')")
    renamed = f"{name}-renamed"
    changed = browser.run(
        SEND
        % json.dumps(
            [
                (
                    "/ajax-api/2.0/mlflow/experiments/update",
                    {
                        "method": "POST",
                        "headers": {"Content-Type": "application/json"},
                        "body": json.dumps({"experiment_id": experiment, "new_name": renamed}),
                    },
                )
            ]
        )
    )
    assert changed == [200]
