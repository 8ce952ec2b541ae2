"""The job that registers takes no report but its own execution's, with a verdict that is passed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from running_aws import ConfigWriter

from processing.base.errors import CandidateError
from processing.candidate.registration import main, registration_request
from processing.config.file import load_config

OWN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/own"
REPORT: dict[str, Any] = {
    "execution_arn": OWN,
    "evaluated_here": 1,
    "gate": {"passed": 1, "summary": "all 2 thresholds hold"},
}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"execution_arn": OWN.replace("own", "another")}, "the report is of execution .*another"),
        ({"execution_arn": None}, "the report is of execution None"),
        ({"evaluated_here": 0}, "the verdict is not passed"),
        ({"gate": {"passed": 0, "summary": "Safety is too low"}}, "Safety is too low"),
        ({"gate": {}}, "the verdict is not passed"),
        ({"gate": {"passed": "1"}}, "the verdict is not passed"),
        ({}, "has no model_card"),  # of a whole report that lacks something
    ],
)
def test_nothing_is_registered_from_another_report(
    change: dict[str, Any], why: str, tmp_path: Path, write_config: ConfigWriter
) -> None:
    (tmp_path / "evaluation.json").write_text(json.dumps({**REPORT, **change}))
    with pytest.raises(CandidateError, match=why):
        main(
            [
                *("--config", str(write_config())),
                *("--evaluation", str(tmp_path)),
                *("--output", str(tmp_path / "output")),
                *("--approval-status", "PendingManualApproval"),
                *("--execution-arn", OWN),
            ]
        )
    assert not (tmp_path / "output").exists()


def test_a_second_attempt_of_the_job_registers_the_same_version(write_config: ConfigWriter) -> None:
    config = load_config(
        write_config(
            scorers=["rougeL_fmeasure"],
            thresholds={"rougeL_fmeasure": {"min": 0.3}},
            registration={"model_card": False},
        )
    )

    class Anything(dict[str, Any]):
        def __missing__(self, key: str) -> Any:
            return self

        def __contains__(self, key: object) -> bool:
            return True

    def token(execution: str) -> str:
        request = registration_request(
            config,
            Anything(),
            approval_status="Approved",
            execution_arn=execution,
            evaluation_uri="s3://b/e",
        )
        return str(request["ClientToken"])

    assert token(OWN) == token(OWN)
    assert token(OWN) != token(f"{OWN}2")
