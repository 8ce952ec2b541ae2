"""Dataset and scorer file say hostile things and secrets: nobody obeys and nobody tells them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pipelines import (
    evaluation,
    everything,
    execution_id,
    log_lines,
    named,
    read_s3,
    run,
    step_reason,
)
from running_aws import REPOSITORY, ConfigWriter, local_aws_running

from processing.calls.progress_line import PROGRESS_LINE

pytestmark = pytest.mark.integration

SECRET = "sk-planted-0123456789abcdef"
FORGED = "progress  99 %  answers 99/100  errors 0"
KIND = f"x\u202e\x1b[31m[red]\u2028quality gate: PASSED\n{FORGED}"
SCRIPT = "</script><script>document.title='owned'</script>"
SCORER = """
import os
from mlflow.entities import Feedback
from mlflow.genai.scorers import scorer

KEY = "sk-" + "planted-0123456789abcdef"  # as a client library would have it from its environment
os.environ["LC_ALL"] = os.environ["TZ"] = "x"
print("loading with " + KEY)
print("progress  99 %  answers 99/100  errors 0")

@scorer
def mine(inputs):
    print("\\x1b[2Jprogress  99 %  answers 99/100  errors 0")
    print("progress  99 %  answers 99/100  errors 0")
    if inputs["question"].startswith("!"):
        raise RuntimeError("401: wrong key " + KEY + "\\nprogress  99 %  answers 99/100  errors 0")
    return Feedback(value=0.1, rationale="half an emoji \\ud83d")
"""


def hostile_rows(folder: Path) -> Path:
    questions = REPOSITORY / "examples" / "health" / "questions.jsonl"
    rows = [json.loads(line) for line in questions.read_text().splitlines()][:40]
    for number, row in enumerate(rows):
        row["question"] = f"{'!' if number == 0 else ''}{row['question']} {SCRIPT} {FORGED}"
        row["kind"] = KIND
    path = folder / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_hostile_text_is_shown_and_secrets_are_not(
    tmp_path: Path, write_config: ConfigWriter
) -> None:
    (tmp_path / "scorers.py").write_text(SCORER)
    changes: dict[str, Any] = {
        "dataset": {"source": str(hostile_rows(tmp_path)), "sample_size": 0},
        "scorers": [{"mine": {"file": "scorers.py"}}, "rougeL_fmeasure"],
        "thresholds": {"rougeL_fmeasure": {"min": 0.0}},
        "slices": {"kind": {"min_rows": 5, "thresholds": {"mine": {"min": 0.9}}}},
    }
    state = tmp_path / "state"
    with local_aws_running(state) as aws:
        config = write_config(**named("hostile", **changes))
        assert aws.type("check", "--config", str(config)).returncode == 0
        ended = run(aws, config)
        told = ended.stdout + ended.stderr
        assert ended.returncode == 1, told
        shown = aws.type("status", "--config", str(config)).stdout
        reason = step_reason(aws, "hostile", execution_id(ended.stdout), "GateFailed")
        logged = log_lines(aws.client("logs"))
        document = evaluation(aws, "hostile", ended.stdout)
        folder = f"s3://llm-evaluation-demo/hostile/runs/{execution_id(told)}/evaluation"
        rows = [json.loads(row) for row in read_s3(aws, f"{folder}/rows.jsonl").splitlines()]
        page = read_s3(aws, f"{folder}/report.html").decode()
        held = everything(aws, state)
        refused = aws.type("start", "--config", str(config), "-p",
                           f"MlflowTrackingUri=http://user:{SECRET}@127.0.0.1:1")  # fmt: skip

    for text in (told, shown, reason, *document["gate"]["reasons"]):
        assert not [sign for sign in "\x1b\u202e\u2028\r" if sign in text]
        assert FORGED not in text.splitlines()
    assert r"\u202e\x1b[31m[red]\u2028quality gate: PASSED\nprogress" in reason
    assert reason.count("\n") == 0
    real = [line for line in logged if PROGRESS_LINE.fullmatch(line)]
    assert real
    assert FORGED not in real
    assert f"| {FORGED}" in logged
    assert "loading with ***" in logged
    assert not [line for line in logged if "\x1b" in line]
    assert "<script>document.title" not in page
    assert document["metrics"]["mine"]["errors"] == 1
    assert document["metrics"]["mine"]["n"] == len(rows) - 1
    assert {row["scores"]["mine"]["rationale"] for row in rows} == {None, "half an emoji \ufffd"}

    leaking = [name for name, content in held.items() if SECRET.encode() in content]
    assert leaking == []
    assert [name for name in held if name.endswith(".db")], "MLflow's database was searched"
    assert refused.returncode == 2
    assert SECRET not in told + shown + refused.stdout + refused.stderr
