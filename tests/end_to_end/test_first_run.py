"""`first-run` settles everything against the local AWS, and says of each refusal how to go on."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pipelines import WITHOUT_JUDGE, named
from running_aws import ConfigWriter, RunningAws
from test_candidate_mode import ROLES, SLOW, hosted, register_candidate
from test_registration_ways import refusing
from typed_command import Done, typed

pytestmark = pytest.mark.integration

NAME = "first"
JOB_ROLE = "llm-evaluation-job"


def write(aws: RunningAws, write_config: ConfigWriter, **changes: Any) -> Path:
    infrastructure = {"prefix": NAME, "model_role": ROLES["model_role"]}
    mlflow = {"tracking_uri": aws.mlflow, "experiment": NAME}
    ours = {"infrastructure": infrastructure, "mlflow": mlflow, **WITHOUT_JUDGE, **changes}
    path = write_config(**named(NAME, **ours))
    made = typed("permissions", "create", "--config", str(path), **aws.environment)
    assert made.returncode == 0, made.stderr
    return path


def first_run(aws: RunningAws, config: Path, *options: str) -> Done:
    output = ("--output", str(config.parent / "first-run.json"), "--poll-seconds", "0.3")
    return typed("first-run", "--config", str(config), *output, *options, **aws.environment)


def results(config: Path) -> dict[str, dict[str, str]]:
    """By the step's name, of the file to send back."""
    document = json.loads((config.parent / "first-run.json").read_text())
    assert document["left_behind"] == []
    return {step["name"]: step for step in document["steps"]}


def throwaway(aws: RunningAws) -> list[str]:
    """What of any first run is there."""
    sagemaker, iam = aws.client("sagemaker"), aws.client("iam")
    names = [
        *(p["PipelineName"] for p in sagemaker.list_pipelines()["PipelineSummaries"]),
        *(
            group["ModelPackageGroupName"]
            for group in sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
        ),
        *(rule["Name"] for rule in aws.client("events").list_rules()["Rules"]),
        *aws.client("sqs").list_queues().get("QueueUrls", []),
        *iam.list_role_policies(RoleName="llm-evaluation-pipeline")["PolicyNames"],
        *(
            entry["Key"]
            for entry in aws.client("s3")
            .list_objects_v2(Bucket="llm-evaluation-demo", Prefix=f"{NAME}/")
            .get("Contents", [])
            if "/runs/" in entry["Key"] or "first-run" in entry["Key"]
        ),
    ]
    return [name for name in names if "first-run" in name or "/runs/" in name]


def red(done: Done, config: Path) -> dict[str, str]:
    """The one step that was not settled; after it none was tried."""
    assert done.returncode == 1, done.stdout + done.stderr
    found = results(config)
    [step] = [s for s in found.values() if s["status"] in ("refused", "differs")]
    after = list(found)[list(found).index(step["name"]) + 1 :]
    assert {found[name]["status"] for name in after} <= {"not tried"}
    return step


def test_a_first_run_settles_everything_and_leaves_nothing(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    judged = {"scorers": ["rougeL_fmeasure", "Safety"], "thresholds": {"Safety": {"min": 0.5}}}
    config = write(aws, write_config, **judged)
    package = register_candidate(aws, NAME, DEMO_START_SECONDS="4", **SLOW)
    done = first_run(aws, config, "--model-package", package)
    assert done.returncode == 0, done.stdout + done.stderr
    found = results(config)
    assert {step["status"] for step in found.values()} == {"settled"}
    assert [name.partition(" ")[0] for name in found] == [
        *("credentials", "bucket", "pipeline", "job", "model", "simulated"),
        *("endpoint", "judge", "MLflow", "registry", "trigger"),
        *("CreatePipeline", "RegisterModel", "GateFailed", "event", "run"),
        *("candidate", "candidate"),
    ]
    assert "1,000, 10,000, 50,000 characters" in found["RegisterModel"]["said"]
    assert "UpdatedModelPackageFields: absent" in found["event of a new version"]["said"]
    assert "fewer than min_rows" in found["run of 5 rows"]["said"]
    assert "spent: endpoint 5 calls" in found["run of 5 rows"]["said"]
    assert "18 settled" in done.stdout
    assert throwaway(aws) == []
    assert hosted(aws, NAME) == []
    assert aws.client("sagemaker").list_model_packages(ModelPackageGroupName=f"{NAME}-candidates")[
        "ModelPackageSummaryList"
    ]
    sent_back = (config.parent / "first-run.json").read_text()
    assert "123456789012" not in sent_back
    assert "arn:aws:sts::000000000000:" in sent_back


@pytest.mark.parametrize(
    ("refusal", "step", "words"),
    [
        ("source-uri", "CreatePipeline", "Unknown Argument member: SourceUri"),
        ("fail-message", "CreatePipeline", "Std:JsonGet is not supported in ErrorMessage"),
        ("large-card", "RegisterModel", "has 10000 characters, more than 1000"),
    ],
)
def test_what_sagemaker_refuses_of_the_registration_is_red_and_says_how_to_go_on(
    aws: RunningAws, write_config: ConfigWriter, refusal: str, step: str, words: str
) -> None:
    config = write(aws, write_config)
    with refusing(aws, refusal):
        done = first_run(aws, config)
    refused = red(done, config)
    assert refused["name"] == step
    assert words in refused["aws"]
    assert "write registration.by: job" in refused["said"]
    *_, table, last = done.stdout.partition(f"refused      {step}  ")
    assert table, done.stdout
    assert words in last.splitlines()[0]
    assert throwaway(aws) == []


@pytest.mark.parametrize(
    ("habits", "way_on"),
    [({"unavailable": "retired"}, "and for good"), ({"unavailable": "no_access"}, "access")],
)
def test_a_judge_that_cannot_be_had_is_red_before_anything_is_made(
    aws: RunningAws, write_config: ConfigWriter, habits: dict[str, Any], way_on: str
) -> None:
    aws.set_judge("lost", **habits)
    config = write(
        aws,
        write_config,
        judge={"model": "bedrock:/lost"},
        scorers=["Safety"],
        thresholds={"Safety": {"min": 0.5}},
    )
    done = first_run(aws, config)
    refused = red(done, config)
    assert refused["name"] == "judge lost"
    assert way_on in refused["said"]
    assert "deleted" not in done.stdout.partition("at the end")[2]


def test_missing_rights_are_named_with_the_command_that_gives_them(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write(aws, write_config)
    aws.client("iam").delete_role_policy(RoleName=JOB_ROLE, PolicyName="llm-evaluation-job")
    refused = red(first_run(aws, config), config)
    assert refused["name"] == "simulated rights"
    assert "job role: s3:GetObject on arn:aws:s3:::llm-evaluation-demo/first/*" in refused["aws"]
    assert "implicitDeny" in refused["aws"]
    assert "`permissions create`" in refused["said"]


def test_ctrl_c_deletes_what_was_made(aws: RunningAws, write_config: ConfigWriter) -> None:
    config = write(aws, write_config)
    output = str(config.parent / "first-run.json")
    process = subprocess.Popen(
        aws.command("first-run", "--config", str(config), "--output", output), **aws.as_user()
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "execution " in line and " runs" in line:
            process.send_signal(signal.SIGINT)
            break
    rest, errors = process.communicate(timeout=120)
    assert process.returncode == 130, "".join(said) + rest + errors
    assert "interrupted  RegisterModel" in rest
    assert results(config)["run of 5 rows"]["status"] == "not tried"
    assert throwaway(aws) == []
