"""`start --set`: one execution with another prompt, on the pipeline as it was upserted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pipelines import WITHOUT_JUDGE, evaluation, kept, named, packages, run, start_arguments
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

NAME = "varied-start"


@pytest.fixture
def upserted(aws: RunningAws, write_config: ConfigWriter) -> Path:
    config = write_config(**named(NAME, **WITHOUT_JUDGE))
    done = aws.type("upsert", "--config", str(config))
    assert done.returncode == 0, done.stderr
    return config


def start_with(aws: RunningAws, config: Path, *settings: str) -> Any:
    options = [part for setting in settings for part in ("--set", setting)]
    return aws.type(*start_arguments(aws, config), *options)


def temperatures(aws: RunningAws) -> set[float]:
    return {record["request"]["temperature"] for record in kept(aws, NAME, "answers")}


def test_one_execution_is_varied_and_the_next_is_not(aws: RunningAws, upserted: Path) -> None:
    done = start_with(aws, upserted, "endpoint.parameters.temperature=0.9")
    assert done.returncode == 0, done.stdout + done.stderr
    document = evaluation(aws, NAME, done.stdout)
    assert document["varied"] == {"endpoint.parameters.temperature": "0.9"}
    assert temperatures(aws) == {0.9}
    assert "endpoint.parameters.temperature 0.9" in done.stdout  # in what: the description
    assert len(packages(aws, NAME)) == 1

    done = run(aws, upserted)
    assert done.returncode == 0, done.stdout + done.stderr
    assert evaluation(aws, NAME, done.stdout)["varied"] == {}
    assert temperatures(aws) == {0.9, 0.0}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("thresholds.is_brief.min=0.1", "--set thresholds.is_brief.min: .* -p MinIsBrief="),
        ("endpoint.name=other", "--set endpoint.name: .* give -p EndpointName="),
        ("infrastructure.job_role=x", "infrastructure.job_role: is part of the pipeline's defin"),
        ("dataset.columns.question=q", "dataset.columns.question: is part of the pipeline's defin"),
        ("scorers=[rougeL_fmeasure]", "unknown|no scorer|is_brief"),
        ("endpoint.concurrencey=3", "endpoint.concurrencey: unknown key, did you mean 'concurren"),
    ],
)
def test_what_the_definition_says_is_refused(
    aws: RunningAws, upserted: Path, setting: str, said: str
) -> None:
    done = start_with(aws, upserted, setting)
    assert done.returncode == 2, done.stdout
    [line] = done.stderr.splitlines()
    assert re.search(said, line), line
    assert "started" not in done.stdout


def test_a_file_that_was_changed_since_is_to_be_upserted_first(
    aws: RunningAws, upserted: Path
) -> None:
    upserted.write_text(upserted.read_text() + "\n# changed\n")
    done = start_with(aws, upserted, "endpoint.parameters.temperature=0.9")
    assert done.returncode == 2, done.stdout
    assert "upsert --config" in done.stderr


def test_what_the_job_role_has_no_right_to_is_said_with_where_to_find_it(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    """The role has what the upserted file needs: another judge is another right, or another key."""
    scorers = ["rougeL_fmeasure", "Safety"]
    changes = {"scorers": scorers, "thresholds": {"rougeL_fmeasure": {"min": 0.1}}}
    config = write_config(**named("another-judge", **changes))
    assert aws.type("upsert", "--config", str(config)).returncode == 0

    def told(setting: str) -> str:
        started = aws.type("start", "--config", str(config), "--set", setting)
        assert started.returncode == 0, started.stderr
        aws.type("stop", "--config", str(config))
        return started.stderr

    assert told("endpoint.system_prompt=Be brief.") == ""
    note = told("judge.model=bedrock:/amazon.nova-pro-v1:0")
    model = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0"
    assert (
        f"note: --set: `permissions create` gave the job role no bedrock:InvokeModel on {model}"
        in note
    )
    varied = re.search(r"`permissions show job --config (\S+)`", note)
    assert varied, note
    shown = aws.type("permissions", "show", "job", "--config", varied[1])
    assert model in shown.stdout
    assert "environment has no OPENAI_API_KEY" in told("judge.model=openai:/gpt-5-mini")
