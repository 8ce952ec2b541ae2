"""A model package is deployed, evaluated, registered or not, and its endpoint is always deleted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pipelines import (
    WITHOUT_JUDGE,
    evaluation,
    execution_id,
    named,
    packages,
    run,
    start,
    start_in_background,
    step_reason,
)
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration

ENDPOINT = "SAGEMAKER_RUNTIME"
ROLES = {
    "model_role": "arn:aws:iam::123456789012:role/llm-evaluation-model",
    "stamp_role": "arn:aws:iam::123456789012:role/llm-evaluation-stamp",
}
SLOW = {"DEMO_FAULTS": json.dumps({"latency_ms": 500, "jitter_ms": 0})}


def candidate_config(name: str, **changes: Any) -> dict[str, Any]:
    config = named(name, candidate={"instance_type": "ml.g5.2xlarge"}, **WITHOUT_JUDGE)
    config["infrastructure"] |= ROLES
    for section, change in changes.items():
        config[section] = {**config.get(section, {}), **change}
    return config


def register_candidate(aws: RunningAws, name: str, **environment: str) -> str:
    """What a training job does: a version in the candidates' group, waiting for approval."""
    sagemaker = aws.client("sagemaker")
    group = f"{name}-candidates"
    listed = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    if group not in [g["ModelPackageGroupName"] for g in listed]:
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
    container = {
        "Image": "demo-endpoint:not-a-model",
        "ModelDataUrl": "s3://llm-evaluation-demo/models/candidate.tar.gz",
        "Environment": environment,
    }
    made = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={"Containers": [container]},
    )
    return str(made["ModelPackageArn"])


def hosted(aws: RunningAws, name: str) -> list[str]:
    """Endpoints, configurations and models of the pipeline's candidates."""
    sagemaker, prefix = aws.client("sagemaker"), f"{name}-candidate-"
    return [
        *(e["EndpointName"] for e in sagemaker.list_endpoints(NameContains=prefix)["Endpoints"]),
        *(
            c["EndpointConfigName"]
            for c in sagemaker.list_endpoint_configs(NameContains=prefix)["EndpointConfigs"]
        ),
        *(
            m["ModelName"]
            for m in sagemaker.list_models()["Models"]
            if m["ModelName"].startswith(prefix)
        ),
    ]


def wait_for(what: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


def nothing_is_hosted(aws: RunningAws, name: str) -> None:
    """A deleted endpoint is Deleting for a moment."""
    wait_for(lambda: not hosted(aws, name), 5)


def processes(package: str, *, child: bool) -> list[int]:
    """The process that deploys the package, or its child, which evaluates it."""
    found = subprocess.run(
        ["pgrep", "-f", f"processing.evaluate .*--model-package-arn {package} "],
        capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    return [int(pid) for pid in found if _is_python(pid) and _is_child(pid) is child]


def _is_python(pid: str) -> bool:
    try:
        return "python" in Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return False


def _is_child(pid: str) -> bool:
    return b"--deployed-endpoint" in Path(f"/proc/{pid}/cmdline").read_bytes()


def answering(aws: RunningAws, name: str) -> str:
    """The candidate's endpoint, once it is in service."""

    def find() -> str:
        listed = aws.client("sagemaker").list_endpoints(NameContains=f"{name}-candidate-")
        ready = [e for e in listed["Endpoints"] if e["EndpointStatus"] == "InService"]
        return ready[0]["EndpointName"] if ready else ""

    return str(wait_for(find))


def test_a_good_candidate_is_approved_and_registered_and_then_found_evaluated(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**candidate_config("fresh", registration={"stamp_candidate": True}))
    package = register_candidate(aws, "fresh", DEMO_MODEL="good")
    done = run(aws, config, f"ModelPackageArn={package}")
    assert done.returncode == 0, done.stdout + done.stderr
    nothing_is_hosted(aws, "fresh")
    [registered] = packages(aws, "fresh")
    assert registered["SourceUri"] == package
    stamped = aws.client("sagemaker").describe_model_package(ModelPackageName=package)
    assert stamped["ModelApprovalStatus"] == "Approved"
    assert registered["ModelLifeCycle"]["Stage"] == "Evaluated"
    document = evaluation(aws, "fresh", done.stdout)
    metadata = registered["CustomerMetadataProperties"]
    assert metadata["evaluation_fingerprint"] == document["fingerprint"]
    assert document["model"]["endpoint_name"].startswith("fresh-candidate-")
    card = json.loads(registered["ModelCard"]["ModelCardContent"])
    [details] = card["evaluation_details"]
    quality = {m["name"]: m["value"] for m in details["metric_groups"][0]["metric_data"]}
    assert quality["is_brief"] == document["metrics"]["is_brief"]["value"]
    assert details["datasets"][0].startswith("s3://llm-evaluation-demo/fresh/runs/")

    asked = aws.calls(ENDPOINT)
    again = start(aws, config, f"ModelPackageArn={package}")
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"already evaluated: {package} by execution {execution_id(done.stdout)}" in again.stdout
    assert aws.calls(ENDPOINT) == asked
    assert len(packages(aws, "fresh")) == 1

    # approved, it is deployed by its name
    forced = start(aws, config, f"ModelPackageArn={package}", "Reevaluate=yes")
    assert forced.returncode == 0, forced.stdout + forced.stderr
    assert len(packages(aws, "fresh")) == 2
    assert aws.calls(ENDPOINT) == asked + 1  # whether it answers; all else had been paid for
    stricter = start(aws, config, f"ModelPackageArn={package}", "MinRougeLFmeasure=0.99")
    assert stricter.returncode == 1
    assert "< min 0.99" in stricter.stdout
    nothing_is_hosted(aws, "fresh")


def test_a_worse_candidate_is_rejected_with_the_reason_and_not_evaluated_twice(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**candidate_config("stamp", registration={"stamp_candidate": True}))
    worse = register_candidate(aws, "stamp", DEMO_MODEL="worse")
    done = run(aws, config, f"ModelPackageArn={worse}")
    assert done.returncode == 1
    reason = step_reason(aws, "stamp", execution_id(done.stdout), "GateFailed")
    assert "rougeL_fmeasure 0." in reason
    nothing_is_hosted(aws, "stamp")
    assert packages(aws, "stamp") == []
    sagemaker = aws.client("sagemaker")
    stamped = sagemaker.describe_model_package(ModelPackageName=worse)
    assert stamped["ModelApprovalStatus"] == "Rejected"
    assert reason.removeprefix("Quality gate not passed: ") in stamped["ApprovalDescription"]
    fingerprint = evaluation(aws, "stamp", done.stdout)["fingerprint"]
    assert stamped["CustomerMetadataProperties"]["evaluation_fingerprint"] == fingerprint

    again = start(aws, config, f"ModelPackageArn={worse}")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "already evaluated" in again.stdout
    assert re.search(r"not passed: .*rougeL_fmeasure 0\.\d+ < min 0.35", again.stdout)


def test_of_two_executions_at_once_one_evaluates(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**candidate_config("twice"))
    assert aws.type("upsert", "--config", str(config)).returncode == 0
    package = register_candidate(aws, "twice", **SLOW)
    both = [start_in_background(aws, config, f"ModelPackageArn={package}") for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum("being evaluated already" in output for output in outputs) == 1, outputs
    assert len(packages(aws, "twice")) == 1
    nothing_is_hosted(aws, "twice")


def test_a_candidate_that_does_not_start_says_why(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**candidate_config("broken"))
    package = register_candidate(aws, "broken", DEMO_START_FAILURE="The container did not pass.")
    done = run(aws, config, f"ModelPackageArn={package}")
    assert done.returncode == 3
    reason = step_reason(aws, "broken", execution_id(done.stdout), "EvaluateModel")
    assert "is Failed: The container did not pass." in reason
    assert "/aws/sagemaker/Endpoints/broken-candidate-" in reason
    nothing_is_hosted(aws, "broken")

    slow = register_candidate(aws, "broken", DEMO_START_SECONDS="6")
    hasty = write_config(
        **candidate_config("broken", candidate={"instance_type": "ml.m5.large", "wait_seconds": 2})
    )
    done = run(aws, hasty, f"ModelPackageArn={slow}")
    reason = step_reason(aws, "broken", execution_id(done.stdout), "EvaluateModel")
    assert "still not in service after 2 s (candidate.wait_seconds" in reason
    nothing_is_hosted(aws, "broken")


def test_nothing_is_deployed_where_mlflow_keeps_no_record(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**candidate_config("unrecorded"))
    package = register_candidate(aws, "unrecorded", DEMO_START_FAILURE="it was deployed")
    nobody = "MlflowTrackingUri=http://127.0.0.1:9"
    done = run(aws, config, f"ModelPackageArn={package}", nobody)
    assert done.returncode == 3
    reason = step_reason(aws, "unrecorded", execution_id(done.stdout), "EvaluateModel")
    assert "MLflow at http://127.0.0.1:9 cannot be used" in reason
    nothing_is_hosted(aws, "unrecorded")


def test_an_evaluation_that_fails_leaves_no_endpoint(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**candidate_config("failing", endpoint={"retry_seconds": 0}))
    faults = json.dumps({"die_after": 15, "fail_with": "ModelError"})
    package = register_candidate(aws, "failing", DEMO_FAULTS=faults)
    done = run(aws, config, f"ModelPackageArn={package}")
    assert done.returncode == 3
    reason = step_reason(aws, "failing", execution_id(done.stdout), "EvaluateModel")
    assert "has stopped answering" in reason
    nothing_is_hosted(aws, "failing")
    again = start(aws, config, f"ModelPackageArn={package}")
    assert "already" not in again.stdout  # a failed job is no verdict


@pytest.mark.parametrize("when", ["creating", "answering"])
def test_a_stopped_execution_leaves_no_endpoint(
    aws: RunningAws, write_config: ConfigWriter, when: str
) -> None:
    name = f"halted-{when}"
    config = write_config(**candidate_config(name, endpoint={"concurrency": 1}))
    assert aws.type("upsert", "--config", str(config)).returncode == 0
    package = register_candidate(aws, name, DEMO_START_SECONDS="4", **SLOW)
    process = start_in_background(aws, config, f"ModelPackageArn={package}")
    if when == "creating":
        wait_for(lambda: len(hosted(aws, name)) == 3)
    else:
        answering(aws, name)
        wait_for(lambda: processes(package, child=True))
    assert aws.type("stop", "--config", str(config)).returncode == 0
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "Stopped" in output
    nothing_is_hosted(aws, name)


def test_an_evaluation_that_runs_out_of_memory_leaves_no_endpoint(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**candidate_config("memory", endpoint={"concurrency": 1}))
    assert aws.type("upsert", "--config", str(config)).returncode == 0
    package = register_candidate(aws, "memory", **SLOW)
    process = start_in_background(aws, config, f"ModelPackageArn={package}")
    [child] = wait_for(lambda: processes(package, child=True))
    os.kill(child, signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    reason = step_reason(aws, "memory", execution_id(output), "EvaluateModel")
    assert "was ended by SIGKILL" in reason
    assert "evaluate.instance_type" in reason
    nothing_is_hosted(aws, "memory")


def test_what_a_killed_job_leaves_is_found_and_swept(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**candidate_config("killed", endpoint={"concurrency": 1}))
    assert aws.type("upsert", "--config", str(config)).returncode == 0
    package = register_candidate(aws, "killed", **SLOW)
    process = start_in_background(aws, config, f"ModelPackageArn={package}")
    wait_for(lambda: processes(package, child=True))
    endpoint = answering(aws, "killed")
    in_use = aws.type("sweep", "--older-than", "0m", "--config", str(config))
    assert in_use.returncode == 0
    assert f"in use: {endpoint}" in in_use.stdout
    for pid in [*processes(package, child=False), *processes(package, child=True)]:
        os.kill(pid, signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert hosted(aws, "killed") == [endpoint] * 3

    young = aws.type("sweep", "--config", str(config))
    assert f"younger than asked for: {endpoint}" in young.stdout
    shown = aws.type("sweep", "--older-than", "0m", "--dry-run", "--config", str(config))
    assert f"would delete {endpoint}" in shown.stdout
    assert execution_id(output) in shown.stdout
    assert hosted(aws, "killed") == [endpoint] * 3
    swept = aws.type("sweep", "--older-than", "0m", "--config", str(config))
    assert swept.returncode == 0, swept.stderr
    assert f"deleted {endpoint}" in swept.stdout
    nothing_is_hosted(aws, "killed")
    with pytest.raises(aws.client("sagemaker-runtime").exceptions.ClientError, match="not found"):
        aws.client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=b"{}")

    # the claim of a killed job counts for nothing
    done = start(aws, config, f"ModelPackageArn={package}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(packages(aws, "killed")) == 1


def test_nothing_outlives_a_killed_job_and_what_runs_is_left_alone(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    """The whole container is killed; `trigger put` has seen to the rest. Nobody types anything."""
    config = write_config(**candidate_config("orphan", endpoint={"concurrency": 1}))
    for command in (["upsert"], ["trigger", "put"]):
        typed = aws.type(*command, "--config", str(config))
        assert typed.returncode == 0, typed.stdout + typed.stderr
    unhurried = {"DEMO_FAULTS": json.dumps({"latency_ms": 5000, "jitter_ms": 0})}
    killed, kept = (register_candidate(aws, "orphan", **unhurried) for _ in range(2))
    kept_run = start_in_background(aws, config, f"ModelPackageArn={kept}")
    wait_for(lambda: processes(kept, child=True))
    [running] = {*hosted(aws, "orphan")}
    killed_run = start_in_background(aws, config, f"ModelPackageArn={killed}")
    wait_for(lambda: processes(killed, child=True))
    for pid in [*processes(killed, child=False), *processes(killed, child=True)]:
        os.kill(pid, signal.SIGKILL)
    output, _ = killed_run.communicate(timeout=60)
    assert killed_run.returncode == 3
    swept = f"deleted orphan-candidate-{execution_id(output)}-"
    wait_for(lambda: any(swept in line for line in aws.lines))
    assert any(f"in use: {running}," in line for line in aws.lines)
    wait_for(lambda: hosted(aws, "orphan") == [running] * 3, 10)
    assert aws.type("stop", "--config", str(config), running.split("-")[2]).returncode == 0
    kept_run.communicate(timeout=60)
    nothing_is_hosted(aws, "orphan")
    removed = aws.type("trigger", "remove", "--config", str(config))
    assert "deleted pipeline orphan-sweep" in removed.stdout, removed.stdout + removed.stderr
