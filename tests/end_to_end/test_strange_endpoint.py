"""An endpoint that answers in every form, and scorers that do what scorers do: one row, one verdict
is lost where there is none, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from by_hand import prepared, stub_running
from loopback_server import serving
from running_aws import RunningAws

pytestmark = pytest.mark.integration

EXPERIMENT = "strange-endpoint"

SCORERS = """
import os, sys, threading
import numpy as np
from mlflow.entities import Feedback
from mlflow.genai.scorers import scorer

@scorer
async def sees_no_thought(outputs):
    return [Feedback(value=np.bool_("hm" not in outputs), rationale={"saw": outputs})]

@scorer
def leaves(outputs, inputs):
    inputs.clear()
    sys.stdout.close()
    sys.exit(0)

@scorer
def stops(outputs):
    print("progress  99 %  answers 99/100  errors 0")
    threading.Thread(target=threading.Event().wait).start()
    raise KeyboardInterrupt
"""


def chat(content: Any, finish: str = "stop", **message: Any) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": content, **message}}
    usage = {"prompt_tokens": 9, "completion_tokens": 7}
    return {"choices": [{**choice, "finish_reason": finish}], "usage": usage}


ANSWERED: list[Any] = [
    chat("Rest."),
    chat([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Rest."}]),
    chat("<think>\nhm\n</think>\n\nRest."),
    chat("Rest.", reasoning_content="hm"),
    chat("Res", finish="length"),
    chat(42) | {"usage": "n/a"},
    {"generated_text": "Rest.", "details": []},
]
FAILED: dict[int, tuple[Any, str]] = {
    7: (chat(None, "length", reasoning_content="hm"), "only reasoning came; the model stopped at"),
    8: ({"error": {"message": "CUDA out of memory"}}, "the body says error"),
    9: (b"<html>", "the body is not JSON"),
    10: ({"choices": []}, "choices is empty"),
    11: (424, "ModelError 400"),
}


class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"])).decode()
        number = int(re.findall(r"number (\d+)", asked)[0])
        body = ANSWERED[number] if number < len(ANSWERED) else FAILED[number][0]
        status = 200
        if isinstance(body, int):
            # botocore reads what it likes of an error
            status, body = body, {"OriginalStatusCode": 400, "Message": {"not": ["text"]}}
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        if status != 200:
            self.send_header("x-amzn-errortype", "ModelError")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)) as url:
        yield url


def test_every_row_and_every_verdict_fails_or_counts_by_itself(
    aws: RunningAws, endpoint: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(SCORERS)
    names = ("sees_no_thought", "leaves", "stops")
    with stub_running() as stub:
        job = prepared(
            tmp_path,
            stub,
            aws.mlflow,
            rows=len(ANSWERED) + len(FAILED),
            scorers=[
                {"is_brief": {"max_words": 5}},
                *({name: {"file": "mine.py"}} for name in names),
            ],
            mlflow={"experiment": EXPERIMENT},
            endpoint={"retry_seconds": 0},
            budgets={"min_rows": 1, "max_endpoint_error_share": 0.5, "max_cut_answer_share": 0.1},
        )
        ended = job.run(AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME=endpoint)
        told = ended.stdout + ended.stderr
        assert ended.returncode == 0, told
        held = mlflow_metrics(aws.mlflow)
        thoughts = thoughts_in_traces(aws.mlflow)
    assert "Traceback" not in told
    assert re.search(r"^progress .*  errors 5  cut 2  ", told, re.MULTILINE), told

    document = json.loads(job.evaluation.read_text())
    counts = document["counts"]
    assert (counts["rows"], counts["answered"], counts["endpoint_errors"]) == (12, 7, 5)
    assert (counts["cut_answers"], counts["cut_answers_known"]) == (2, 7)
    [reason] = [r for r in document["gate"]["reasons"] if "cut" in r]
    assert reason.startswith("2 of 7 answers were cut at the token limit, over max_")
    assert (held["cut_answers"], held["details/cut_answers.n"]) == (2, 7)
    assert held["details/cut_answers.share"] == pytest.approx(2 / 7)

    lines = (tmp_path / "output" / "rows.jsonl").read_text().splitlines()
    rows = {int(row["question"].split()[-1].rstrip("?")): row for row in map(json.loads, lines)}
    said = ["Rest.", "Rest.", "Rest.", "Rest.", "Res", "42", "Rest."]
    assert [rows[n]["answer"] for n in range(7)] == said
    assert [rows[n]["reasoning"] for n in range(8)] == [None, "hm", "hm", "hm", *[None] * 3, "hm"]
    assert thoughts == ["hm"] * 4
    for number, (_, why) in FAILED.items():
        assert why in rows[number]["error"]
        assert rows[number]["answer"] is None
    assert document["metrics"]["sees_no_thought"]["value"] == 1.0
    assert {row["scores"]["leaves"]["error"][:13] for row in rows.values() if row["scores"]} == {
        "SystemExit: 0"
    }
    for name in ("leaves", "stops"):
        assert (document["metrics"][name]["n"], document["metrics"][name]["errors"]) == (0, 7)


def mlflow_metrics(url: str) -> dict[str, float]:
    from mlflow import MlflowClient

    client = MlflowClient(url)
    [run] = client.search_runs([experiment_id(url)])
    return dict(run.data.metrics)


def thoughts_in_traces(url: str) -> list[str]:
    from mlflow import MlflowClient

    traces = MlflowClient(url).search_traces(locations=[experiment_id(url)], max_results=100)
    spans = [span for trace in traces for span in trace.data.spans]
    return [thought for span in spans if (thought := span.attributes.get("reasoning"))]


def experiment_id(url: str) -> str:
    from mlflow import MlflowClient

    experiment = MlflowClient(url).get_experiment_by_name(EXPERIMENT)
    assert experiment
    return str(experiment.experiment_id)
