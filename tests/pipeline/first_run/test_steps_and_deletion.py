"""The plan of a first run, what is deleted at its end, and what its file does not tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from running_aws import ConfigWriter
from typed_command import typed

from pipeline.first_run.step import Cost, Differs, Step, settle
from pipeline.first_run.throwaway import Throwaway, deleting


@pytest.mark.slow
def test_a_dry_run_lists_steps_and_costs_and_calls_nobody(write_config: ConfigWriter) -> None:
    done = typed("first-run", "--dry-run", "--config", str(write_config()))
    assert done.returncode == 0, done.stderr
    for name in ("credentials", "simulated rights", "CreatePipeline", "RegisterModel", "run of 5"):
        assert name in done.stdout
    assert "about 15 min" in done.stdout
    assert "together about 27 minutes" in done.stdout
    assert "candidate stopped" not in done.stdout  # no package was given


@pytest.mark.slow
def test_what_registration_by_job_does_not_use_is_not_tried(write_config: ConfigWriter) -> None:
    config = write_config(
        registration={"by": "job"},
        infrastructure={"register_role": "arn:aws:iam::123456789012:role/llm-evaluation-register"},
    )
    done = typed("first-run", "--dry-run", "--config", str(config))
    assert done.returncode == 0, done.stderr
    assert "CreatePipeline" in done.stdout
    assert "JsonGet" not in done.stdout


def test_a_package_without_a_candidate_section_is_refused_at_once(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    config = write_config(candidate=None)
    package = "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/1"
    output = tmp_path / "first-run.json"
    done = typed(
        *("first-run", "--config", str(config), "--model-package", package),
        *("--output", str(output)),
    )
    assert done.returncode == 2
    assert "candidate:" in done.stderr
    assert not output.exists()


def test_a_step_that_is_not_settled_ends_the_trial_with_aws_s_words() -> None:
    def differs() -> str:
        raise Differs("go on so", "what AWS said")

    def never() -> str:
        raise AssertionError("was tried")

    steps = [
        Step("one", "", Cost(), lambda: "seen"),
        Step("two", "", Cost(), differs),
        Step("three", "", Cost(), never),
    ]
    found = [(r.status, r.said, r.words) for r in settle(steps, str)]
    assert found == [
        ("settled", "seen", ""),
        ("differs", "go on so", "what AWS said"),
        ("not tried", "", ""),
    ]


def test_what_cannot_be_deleted_is_told_and_keeps_nothing_else() -> None:
    said: list[str] = []
    order: list[str] = []

    def refuse() -> None:
        answer = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
        raise ClientError(answer, "DeletePipeline")  # type: ignore[arg-type]

    def gone() -> None:
        answer = {"Error": {"Code": "ValidationException", "Message": "It does not exist."}}
        raise ClientError(answer, "DeleteRule")  # type: ignore[arg-type]

    def interrupted() -> None:
        with deleting(made, said.append):
            made.note("first", lambda: order.append("first"))
            made.note("second", refuse)
            made.note("third", gone)
            made.note("fourth", lambda: order.append("fourth"))
            raise KeyboardInterrupt

    made = Throwaway()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert order == ["fourth", "first"]
    assert [line.split()[0] for line in said] == ["deleted", "LEFT", "deleted"]
    assert made.left == [
        "second: An error occurred (AccessDeniedException) when calling the DeletePipeline "
        "operation: no"
    ]


def test_the_file_has_neither_account_nor_secret() -> None:
    from pipeline.first_run.results import without_account

    text = json.dumps({"arn": "arn:aws:iam::123456789012:role/x", "bucket": "b-123456789012"})
    assert "123456789012" not in without_account(text)
    assert without_account("AKIAABCDEFGHIJKLMNOP") == "***"
    assert (
        without_account("r68w6t6eimlu 2026-11-26T17:50:59Z") == "r68w6t6eimlu 2026-11-26T17:50:59Z"
    )
