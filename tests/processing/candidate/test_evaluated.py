"""When two evaluations are the same, and which of them goes on: on S3's conditional writes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from running_aws import ConfigWriter

from pipeline.checks import service_model
from pipeline.local.aws import serve
from processing.base.errors import CandidateError, ConfigError
from processing.calls.paid_store import Store
from processing.candidate import approval
from processing.candidate.already_evaluated import write_already_evaluated
from processing.candidate.evaluated import VerdictRegister
from processing.candidate.run import evaluate_candidate
from processing.config.file import load_config
from processing.config.thresholds import threshold_parameters
from processing.dataset.manifest import Manifest
from processing.evaluation.job import EvaluationJob

ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"
PACKAGE = f"{ACCOUNT}:model-package/candidates/7"
FINGERPRINT = "f" * 64


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    server = serve(0, state_dir=tmp_path_factory.mktemp("aws"), job_environment={})
    variables = {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        yield
    server.stop()


@pytest.fixture
def job(account: None, write_config: ConfigWriter, tmp_path: Path) -> EvaluationJob:  # noqa: ARG001
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    config = load_config(write_config())
    return EvaluationJob(
        config=config,
        config_file=tmp_path / "evaluation.yaml",
        endpoint=config.endpoint,
        thresholds=threshold_parameters(config.thresholds),
        dataset=tmp_path,
        output=tmp_path / "output",
        store=Store(tmp_path / "store", "job-1", f"s3://{bucket}/prefix/store"),
        tracking_uri="http://127.0.0.1:1",
        experiment="experiment",
        execution_arn=f"{ACCOUNT}:pipeline/p/execution/one",
        manifest=dataset("d"),
        parts_uri=None,
        config_sha256="c" * 64,
        model_package_arn=PACKAGE,
    )


def dataset(letter: str) -> Manifest:
    """Only the digest is read of it."""
    return Manifest.model_construct(sha256=letter * 64)


def other(job: EvaluationJob, **changes: Any) -> EvaluationJob:
    """Another execution's job."""
    return replace(
        job,
        store=replace(job.store, job="job-2"),
        execution_arn=f"{ACCOUNT}:pipeline/p/execution/two",
        **changes,
    )


def register(job: EvaluationJob) -> VerdictRegister:
    return VerdictRegister(boto3.Session(), job, FINGERPRINT)


def place(job: EvaluationJob) -> dict[str, str]:
    bucket = str(job.store.uri).split("/")[2]
    return {"Bucket": bucket, "Key": f"prefix/store/evaluations/{FINGERPRINT}.json"}


def held(job: EvaluationJob) -> dict[str, Any]:
    body = boto3.client("s3").get_object(**place(job))["Body"].read()
    record: dict[str, Any] = json.loads(body)
    return record


def put(job: EvaluationJob, **members: Any) -> None:
    boto3.client("s3").put_object(**place(job), Body=json.dumps(held(job) | members).encode())


def test_the_fingerprint_knows_everything_that_a_verdict_depends_on(job: EvaluationJob) -> None:
    stricter = [replace(job.thresholds[0], bound=0.9), *job.thresholds[1:]]
    found = [
        job.fingerprint("model"),
        job.fingerprint("another model"),
        replace(job, manifest=dataset("e")).fingerprint("model"),
        replace(job, config_sha256="e" * 64).fingerprint("model"),
        replace(job, thresholds=stricter).fingerprint("model"),
    ]
    assert len(set(found)) == len(found)


def test_and_nothing_that_it_does_not(job: EvaluationJob) -> None:
    elsewhere = other(job, tracking_uri="http://127.0.0.1:2", experiment="x", reevaluate=True)
    assert job.fingerprint("model") == elsewhere.fingerprint("model")


def test_one_of_two_goes_on(job: EvaluationJob) -> None:
    assert register(job).claim() is None
    found = register(other(job)).claim()
    assert found is not None
    assert (found["state"], found["execution_arn"]) == ("running", job.execution_arn)


def test_a_retried_job_of_the_same_execution_goes_on(job: EvaluationJob) -> None:
    assert register(job).claim() is None
    retried = replace(job, store=replace(job.store, job="job-2"))
    assert register(retried).claim() is None
    assert held(job)["job"] == "job-2"


def test_a_claim_that_no_living_job_can_have_counts_for_nothing(job: EvaluationJob) -> None:
    assert register(job).claim() is None
    put(job, at="2026-01-01T00:00:00+00:00")
    assert register(other(job)).claim() is None
    assert held(job)["execution_arn"].endswith("/two")


def test_a_job_that_failed_takes_its_own_claim_back_and_no_other(job: EvaluationJob) -> None:
    assert register(job).claim() is None
    register(other(job)).release()
    assert held(job)["job"] == "job-1"
    register(job).release()
    assert register(other(job)).claim() is None


@pytest.mark.parametrize("passed", [True, False])
def test_a_verdict_counts_until_it_is_forced(job: EvaluationJob, passed: bool) -> None:
    assert register(job).claim() is None
    verdict = {"state": "done", "passed": passed, "summary": "rougeL_fmeasure 0.1 < min 0.35"}
    put(job, **verdict, mlflow={"tracking_uri": "u", "run_id": "run-1", "url": None})
    register(job).release()
    found = register(other(job)).claim()
    assert found is not None
    write_already_evaluated(found, other(job))
    document = json.loads((job.output / "evaluation.json").read_text())
    assert (document["evaluated_here"], document["gate"]["passed"]) == (0, 0)
    assert set(document["thresholds"]) == {t.name for t in job.thresholds}
    summary = document["gate"]["summary"]
    assert "execution one (MLflow run run-1)" in summary
    assert ("min 0.35" in summary) is not passed
    assert register(other(job, reevaluate=True)).claim() is None


def evaluated(passed: int) -> dict[str, Any]:
    return {
        "gate": {"passed": passed, "summary": "rougeL_fmeasure 0.1 <\nmin 0.35" + " x" * 999},
        "model": {"source_uri": PACKAGE},
        "mlflow": {"run_id": "run-1"},
        "execution_arn": f"{ACCOUNT}:pipeline/p/execution/one",
        "metadata": {
            "evaluation_fingerprint": FINGERPRINT, "mlflow_run_id": "run-1", "verdict": "passed",
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arn", "passed", "message"),
    [
        (f"{ACCOUNT}:model-package/candidates/8", 1, "the evaluation is of"),
        (PACKAGE, 0, "cannot be approved: rougeL_fmeasure"),
    ],
)
def test_what_did_not_pass_or_was_not_measured_is_not_approved(
    arn: str, passed: int, message: str
) -> None:
    with pytest.raises(CandidateError, match=message):
        approval.record_decision(evaluated(passed), arn, "Approved", "Evaluated")


def test_where_an_endpoint_was_evaluated_there_is_nothing_to_stamp(
    capsys: pytest.CaptureFixture[str],
) -> None:
    approval.main(["--model-package-arn", "none", "--decision", "Rejected"])
    assert "nothing to approve or reject" in capsys.readouterr().out


def test_a_stamp_is_one_update_that_aws_takes() -> None:
    request = approval.request(evaluated(0), "Rejected", "Evaluated")
    assert service_model.problems("UpdateModelPackage", request) == []
    assert request["ApprovalDescription"].startswith(
        "Evaluated by execution one, MLflow run run-1: rougeL_fmeasure 0.1 < min 0.35"
    )
    assert request["ModelApprovalStatus"] == "Rejected"


@pytest.mark.slow
def test_several_instances_do_not_deploy_a_candidate_each(
    job: EvaluationJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    both = {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}
    (folder / "resourceconfig.json").write_text(json.dumps(both))
    monkeypatch.setattr("processing.base.instance.RESOURCE_CONFIG", folder / "resourceconfig.json")
    with pytest.raises(ConfigError, match="evaluated by one instance, and this job has 2"):
        evaluate_candidate(job, [])
