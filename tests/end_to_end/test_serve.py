"""`local --serve`: a server with OpenAI's protocol behind an endpoint of any configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openai_stub import ANSWER, OpenAiStub, openai_served
from pipelines import WITHOUT_JUDGE, named
from running_aws import ConfigWriter, local_aws_running
from typed_command import the_line, typed


@pytest.mark.integration
def test_the_model_behind_it_is_evaluated(write_config: ConfigWriter, tmp_path: Path) -> None:
    config = write_config(**named("served", **WITHOUT_JUDGE, endpoint={"name": "my-qwen"}))
    with openai_served() as stub:
        options = ("--config", str(config), "--serve", f"my-qwen={stub.url}/v1")
        with local_aws_running(tmp_path / "state", *options) as aws:
            assert any(f"stub-1 at {stub.url} answers" in line for line in aws.lines)
            done = aws.type("try", "--config", str(config), "--rows", "4", folder=tmp_path)
            assert done.returncode == 0, done.stdout + done.stderr
            model = aws.client("sagemaker").describe_model(ModelName="my-qwen-model")
            assert "not-a-model" not in model["PrimaryContainer"]["Image"]
    [file] = (tmp_path / ".runs").glob("2*/rows.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    said = ANSWER["choices"][0]["message"]["content"]
    assert [row["answer"] for row in rows] == [said] * 4
    assert {(row["input_tokens"], row["output_tokens"]) for row in rows} == {(31, 7)}
    assert_each_was_asked_once(stub)


def assert_each_was_asked_once(stub: OpenAiStub) -> None:
    questions = [body["messages"][-1]["content"] for _, body in stub.asked]
    assert len(questions) == len(set(questions)) == 4
    assert {body["model"] for _, body in stub.asked} == {"stub-1"}


def test_a_server_that_is_not_there_is_said_before_anything_starts() -> None:
    line = the_line(typed("local", "--serve", "qwen=http://127.0.0.1:9/v1"))
    assert "--serve qwen=http://127.0.0.1:9: nothing answers there" in line
    assert "start the server first" in line


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("qwen", "is no http(s) address"),
        ("=http://127.0.0.1:8000", "want NAME=URL"),
        ("my_model=http://127.0.0.1:8000", "letters, digits and single hyphens"),
        ("qwen=127.0.0.1:8000", "is no http(s) address"),
    ],
)
def test_what_is_not_name_and_address_is_refused(told: str, reason: str) -> None:
    done = typed("local", "--serve", told)
    assert done.returncode == 2
    assert reason in done.stderr


def test_one_endpoint_has_one_server() -> None:
    twice = ("--serve", "qwen=http://127.0.0.1:9", "--serve", "qwen=http://127.0.0.1:8")
    assert "--serve names an endpoint twice" in the_line(typed("local", *twice))
