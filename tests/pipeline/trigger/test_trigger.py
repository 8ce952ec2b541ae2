"""The trigger: what a person types, what EventBridge then does, what must not start anything."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from configuration_file import read_document, write_document
from local_definitions import IMAGE, definition, parameter, register
from running_aws import ConfigWriter, RunningAws

pytestmark = pytest.mark.integration  # a command takes a second or two
ACCOUNT = "123456789012"
SPECIFICATION = {"Containers": [{"Image": IMAGE}]}
# A moment for what must not happen: the local bus delivers within the call that makes the event.
NOTHING_MORE_SECONDS = 0.5


@dataclass(frozen=True)
class Project:
    """A configuration of its own on the local AWS, with its two groups."""

    aws: RunningAws
    name: str
    config: Path

    @property
    def candidates(self) -> str:
        return f"{self.name}-candidates"

    @property
    def approved(self) -> str:
        return f"{self.name}-approved"

    def type(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.aws.type(*arguments, "--config", str(self.config))

    def good(self, *arguments: str) -> str:
        typed = self.type(*arguments)
        assert typed.returncode == 0, typed.stdout + typed.stderr
        return typed.stdout

    def create_pipeline(self, *names: str) -> None:
        """One that does in a moment what the real one does to the registry: it registers."""
        text = definition(
            register("RegisterModel", self.approved),
            parameters=[parameter(name, "String", "none") for name in names],
        )
        self.aws.client("sagemaker").create_pipeline(
            PipelineName=self.name,
            PipelineDefinition=text,
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/llm-evaluation-pipeline",
        )

    def register(self, group: str, **more: Any) -> str:
        answer = self.aws.client("sagemaker").create_model_package(
            ModelPackageGroupName=group, InferenceSpecification=SPECIFICATION, **more
        )
        return str(answer["ModelPackageArn"])

    def tell_of(self, package: str, **changes: Any) -> None:
        """The event of a new version once more, as EventBridge may deliver it."""
        detail = {
            "ModelPackageGroupName": self.candidates,
            "ModelPackageArn": package,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": "PendingManualApproval",
            **changes,
        }
        entry = {
            "Source": "aws.sagemaker",
            "DetailType": "SageMaker Model Package State Change",
            "Detail": json.dumps(detail),
        }
        self.aws.client("events").put_events(Entries=[entry])

    def executions(self) -> list[str]:
        listed = self.aws.client("sagemaker").list_pipeline_executions(PipelineName=self.name)
        return [entry["PipelineExecutionArn"] for entry in listed["PipelineExecutionSummaries"]]

    def parameters(self, execution: str) -> dict[str, str]:
        listed = self.aws.client("sagemaker").list_pipeline_parameters_for_execution(
            PipelineExecutionArn=execution
        )
        return {entry["Name"]: entry["Value"] for entry in listed["PipelineParameters"]}

    def wait(self, execution: str, seconds: float = 30) -> str:
        sagemaker, deadline = self.aws.client("sagemaker"), time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
            if found["PipelineExecutionStatus"] != "Executing":
                return str(found["PipelineExecutionStatus"])
            time.sleep(0.1)
        raise AssertionError(f"{execution} does not end")

    def parts(self) -> dict[str, Any]:
        """What AWS keeps of the trigger: everything that has the pipeline's name."""
        events, sqs, iam = (self.aws.client(name) for name in ("events", "sqs", "iam"))
        rules = events.list_rules(NamePrefix=self.name)["Rules"]
        urls = sqs.list_queues(QueueNamePrefix=self.name).get("QueueUrls", [])
        roles = [r["RoleName"] for r in iam.list_roles()["Roles"] if self.name in r["RoleName"]]
        listed = self.aws.client("sagemaker").list_pipelines(PipelineNamePrefix=f"{self.name}-")
        return {
            "pipelines": [found["PipelineName"] for found in listed["PipelineSummaries"]],
            "rules": {rule["Name"]: rule for rule in rules},
            "targets": {
                rule["Name"]: events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
                for rule in rules
            },
            "queues": {
                url: {
                    name: value
                    for name, value in sqs.get_queue_attributes(
                        QueueUrl=url, AttributeNames=["All"]
                    )["Attributes"].items()
                    if "Timestamp" not in name
                }
                for url in urls
            },
            "roles": {
                role: [
                    iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"],
                    *(
                        iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
                        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]
                    ),
                ]
                for role in roles
            },
        }


@pytest.fixture
def project(aws: RunningAws, write_config: ConfigWriter) -> Iterator[Project]:
    yield from make_project(aws, write_config)


def make_project(aws: RunningAws, write_config: ConfigWriter, **trigger: Any) -> Iterator[Project]:
    name = f"t-{uuid.uuid4().hex[:8]}"
    config = write_config(
        pipeline={"name": name},
        registration={"model_package_group": f"{name}-approved"},
        trigger={"candidates_group": f"{name}-candidates", **trigger},
    )
    project = Project(aws, name, config)
    sagemaker = aws.client("sagemaker")
    for group in (project.candidates, project.approved):
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
    yield project
    project.type("trigger", "remove")


NOTHING: dict[str, Any] = {"rules": {}, "targets": {}, "queues": {}, "roles": {}, "pipelines": []}


def test_put_wants_a_pipeline_that_takes_a_model_package(project: Project) -> None:
    missing = project.type("trigger", "put")
    assert missing.returncode == 2
    assert f"there is no pipeline {project.name} to start: `upsert` it first" in missing.stderr
    project.create_pipeline("EndpointName")
    old = project.type("trigger", "put")
    assert old.returncode == 2
    assert "has no parameter ModelPackageArn: `upsert` it" in old.stderr
    assert project.parts() == NOTHING


def test_put_makes_rules_roles_queue_and_sweep_and_twice_is_once(project: Project) -> None:
    project.create_pipeline("ModelPackageArn")
    typed = project.type("trigger", "put")
    assert (typed.returncode, typed.stderr) == (0, "")  # nothing of the SDK's own
    first, parts = typed.stdout, project.parts()
    rule, queue = f"{project.name}-candidates", f"{project.name}-dead-letters"
    sweeps = [f"{project.name}-sweep-{when}" for when in ("ended", "hourly")]
    assert f"rule/{rule}" in first
    assert sorted(parts["rules"]) == [rule, *sweeps]
    assert {one["State"] for one in parts["rules"].values()} == {"ENABLED"}
    for sweep in sweeps:
        assert parts["targets"][sweep][0]["Arn"].endswith(f":pipeline/{project.name}-sweep")
    role = f"arn:aws:iam::{ACCOUNT}:role/{project.name}-trigger"
    assert parts["targets"][rule] == [
        {
            "Id": "pipeline",
            "Arn": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/{project.name}",
            "RoleArn": role,
            "SageMakerPipelineParameters": {
                "PipelineParameterList": [
                    {"Name": "ModelPackageArn", "Value": "$.detail.ModelPackageArn"}
                ]
            },
            "RetryPolicy": {"MaximumRetryAttempts": 8, "MaximumEventAgeInSeconds": 3600},
            "DeadLetterConfig": {"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{queue}"},
        }
    ]
    [attributes] = parts["queues"].values()
    [allowed] = json.loads(attributes["Policy"])["Statement"]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert attributes["MessageRetentionPeriod"] == str(14 * 86_400)
    trust, policy = parts["roles"][f"{project.name}-trigger"]
    assert policy["Statement"][0]["Action"] == ["sagemaker:StartPipelineExecution"]
    assert rule in json.dumps(trust)
    project.good("trigger", "put")
    assert project.parts() == parts


def test_show_tells_what_is_there_and_prints_an_event_that_would_match(project: Project) -> None:
    project.create_pipeline("ModelPackageArn")
    before = project.type("trigger", "show")
    assert before.returncode == 1
    assert f"rule {project.name}-candidates" in before.stdout
    assert "!! is not there: `trigger put` makes it" in before.stdout
    project.good("trigger", "put")
    shown = project.good("trigger", "show")
    assert "!!" not in shown
    assert "EventBridge says that this event matches:" in shown
    sample = json.loads(shown[shown.index("\n{") : shown.rindex("}") + 1])
    # it is true of what the local AWS really sends: the sample is a part of that
    assert sample["detail-type"] == "SageMaker Model Package State Change"
    assert sample["detail"]["ModelPackageGroupName"] == project.candidates


def test_show_finds_what_somebody_changed_by_hand(project: Project) -> None:
    project.create_pipeline("ModelPackageArn")
    project.good("trigger", "put")
    events, rule = project.aws.client("events"), f"{project.name}-candidates"
    events.disable_rule(Name=rule)
    events.remove_targets(Rule=rule, Ids=["pipeline"])
    shown = project.type("trigger", "show")
    assert shown.returncode == 1
    assert "!! is DISABLED" in shown.stdout
    assert "!! has no target" in shown.stdout
    events.put_rule(Name=rule, EventPattern='{"source": ["aws.sagemaker"]}')
    assert "!! differs from the configuration" in project.type("trigger", "show").stdout
    project.good("trigger", "put")
    assert "!!" not in project.good("trigger", "show")


def test_a_new_candidate_starts_the_pipeline_once_and_no_write_of_its_own_does(
    project: Project,
) -> None:
    """The pipeline registers among the approved, and the candidate is stamped."""
    sagemaker = project.aws.client("sagemaker")
    project.create_pipeline("ModelPackageArn")
    project.good("trigger", "put")
    candidate = project.register(project.candidates)
    [execution] = project.executions()
    assert project.parameters(execution)["ModelPackageArn"] == candidate
    assert project.wait(execution) == "Succeeded"
    listed = sagemaker.list_model_packages(ModelPackageGroupName=project.approved)
    assert len(listed["ModelPackageSummaryList"]) == 1  # the registration has made its event
    for stamp in (
        {"CustomerMetadataProperties": {"eval_fingerprint": "abc"}},
        {"ModelLifeCycle": {"Stage": "Evaluated", "StageStatus": "Passed"}},
        {"ApprovalDescription": "rougeL 0.16 below 0.35"},
        {"ModelApprovalStatus": "Rejected", "CustomerMetadataProperties": {"eval": "x"}},
        {"ModelApprovalStatus": "Approved", "ApprovalDescription": "all thresholds hold"},
    ):
        sagemaker.update_model_package(ModelPackageArn=candidate, **stamp)
    sagemaker.update_model_package(
        ModelPackageArn=listed["ModelPackageSummaryList"][0]["ModelPackageArn"],
        ModelApprovalStatus="Approved",
    )
    time.sleep(NOTHING_MORE_SECONDS)
    assert project.executions() == [execution]
    # asked for again, by a person who takes the approval back
    sagemaker.update_model_package(
        ModelPackageArn=candidate, ModelApprovalStatus="PendingManualApproval"
    )
    assert len(project.executions()) == 2


def test_candidates_of_others_and_those_already_judged_start_nothing(project: Project) -> None:
    sagemaker = project.aws.client("sagemaker")
    project.create_pipeline("ModelPackageArn")
    project.good("trigger", "put")
    other = f"{project.name}-candidates-of-others"
    sagemaker.create_model_package_group(ModelPackageGroupName=other)
    project.register(other)
    project.register(project.approved)
    project.register(project.candidates, ModelApprovalStatus="Approved")
    for status in ("Pending", "InProgress", "Failed", "Deleting"):
        project.tell_of("arn:...", ModelPackageStatus=status)
    time.sleep(NOTHING_MORE_SECONDS)
    assert project.executions() == []


@pytest.fixture
def approved_project(aws: RunningAws, write_config: ConfigWriter) -> Iterator[Project]:
    parameters = {"Group": "$.detail.ModelPackageGroupName", "Why": "approved by a person"}
    yield from make_project(
        aws, write_config, approval_status="Approved", parameters=parameters, retry_attempts=2
    )


def test_an_approval_can_be_what_starts_it_with_parameters_of_ones_own(
    approved_project: Project,
) -> None:
    project = approved_project
    project.create_pipeline("ModelPackageArn", "Group", "Why")
    project.good("trigger", "put")
    candidate = project.register(project.candidates)
    assert project.executions() == []
    sagemaker = project.aws.client("sagemaker")
    sagemaker.update_model_package(ModelPackageArn=candidate, ModelApprovalStatus="Approved")
    [execution] = project.executions()
    assert project.parameters(execution) == {
        "ModelPackageArn": candidate,
        "Group": project.candidates,
        "Why": "approved by a person",
    }
    # what is said of an approved candidate afterwards repeats that it is approved
    sagemaker.update_model_package(
        ModelPackageArn=candidate, CustomerMetadataProperties={"eval_fingerprint": "abc"}
    )
    assert project.executions() == [execution]


def test_remove_leaves_nothing_and_nothing_starts_any_more(project: Project) -> None:
    project.create_pipeline("ModelPackageArn", "ReuseAnswers")
    project.good("trigger", "put", "--schedule", "cron(0 6 ? * MON *)")
    assert all(project.parts().values())
    assert len(project.parts()["rules"]) == 4
    removed = project.good("trigger", "remove")
    assert removed.count("deleted") == 8
    assert project.parts() == NOTHING
    project.register(project.candidates)
    assert project.executions() == []
    assert "there was nothing to remove" in project.good("trigger", "remove")


def test_remove_keeps_a_role_that_an_administrator_made(project: Project) -> None:
    project.create_pipeline("ModelPackageArn")
    created = project.good("permissions", "create")
    assert f"made: trigger role arn:aws:iam::{ACCOUNT}:role/{project.name}-trigger" in created
    assert f"{project.name}-trigger, as it is" in project.good("trigger", "put")
    project.register(project.candidates)
    assert len(project.executions()) == 1
    assert project.good("trigger", "remove").count("kept role") == 2
    parts = project.parts()
    assert sorted(parts.pop("roles")) == [f"{project.name}-sweep", f"{project.name}-trigger"]
    assert not any(parts.values())


def test_a_schedule_evaluates_the_endpoint_again_and_pays_for_it(project: Project) -> None:
    project.create_pipeline("ModelPackageArn", "ReuseAnswers")
    project.good("trigger", "put", "--schedule", "rate(7 days)")
    # eight days of hourly sweeps are not what is asked about here
    project.aws.client("events").disable_rule(Name=f"{project.name}-sweep-hourly")
    assert "rate(7 days)" in project.type("trigger", "show").stdout
    clock = f"{project.aws.environment['AWS_ENDPOINT_URL']}/_local/clock"
    eight_days = {"advance_seconds": 8 * 86_400}
    answer = httpx.post(clock, json=eight_days, timeout=60)
    assert answer.status_code == 200, answer.text
    [execution] = project.executions()
    assert project.parameters(execution) == {"ModelPackageArn": "none", "ReuseAnswers": "no"}
    assert f"deleted rule {project.name}-schedule" in project.good("trigger", "put")
    project.aws.client("events").disable_rule(Name=f"{project.name}-sweep-hourly")
    httpx.post(clock, json=eight_days, timeout=60).raise_for_status()
    assert project.executions() == [execution]


def test_only_where_candidates_are_evaluated_is_there_a_sweep(project: Project) -> None:
    def without(section: str) -> None:
        write_document({k: v for k, v in whole.items() if k != section}, project.config)

    whole = read_document(project.config)
    project.create_pipeline("ModelPackageArn")
    project.good("trigger", "put")
    without("candidate")
    assert project.type("trigger", "show").returncode == 1
    assert f"deleted pipeline {project.name}-sweep" in project.good("trigger", "put")
    assert list(project.parts()["rules"]) == [f"{project.name}-candidates"]
    without("trigger")
    project.good("trigger", "put")
    sweeps = [f"{project.name}-sweep-{when}" for when in ("ended", "hourly")]
    assert sorted(project.parts()["rules"]) == sweeps
    assert "!!" not in project.good("trigger", "show")


def test_an_upsert_brings_the_sweep_up_to_date_and_makes_none(project: Project) -> None:
    """Its job runs in the evaluation's image, which refuses other code than it was built from."""
    project.good("upsert")
    assert project.parts()["pipelines"] == []
    project.good("trigger", "put")
    text = project.config.read_text()
    project.config.write_text(text.replace("llm-evaluation:local", "llm-evaluation:newer"))
    project.good("upsert")
    sagemaker = project.aws.client("sagemaker")
    described = sagemaker.describe_pipeline(PipelineName=f"{project.name}-sweep")
    assert "llm-evaluation:newer" in described["PipelineDefinition"]
    assert f"deleted pipeline {project.name}-sweep" in project.good("trigger", "remove")


def test_show_tells_of_candidates_that_started_nothing_and_why(project: Project) -> None:
    project.create_pipeline("ModelPackageArn")
    project.good("trigger", "put")
    iam = project.aws.client("iam")
    iam.delete_role_policy(RoleName=f"{project.name}-trigger", PolicyName="llm-evaluation-trigger")
    candidate = project.register(project.candidates)
    for _ in range(2):  # reading leaves them where they are
        shown = project.good("trigger", "show")
        assert "1 events that started nothing" in shown
        assert f"{candidate}: NO_PERMISSIONS: role" in shown
        assert "may not start" in shown
    assert "with 1 dead letters in it" in project.good("trigger", "remove")


@pytest.mark.parametrize(
    ("trigger", "message"),
    [
        ({"candidates_group": "t-approved"}, "is also registration.model_package_group"),
        ({}, "needs candidates_group: or schedule:"),
        ({"schedule": "rate(1 days)"}, "trigger.schedule"),
        ({"schedule": "every monday"}, "trigger.schedule"),
        ({"candidates_group": "c", "parameters": {"with_underscore": "x"}}, "trigger.parameters"),
        (
            {"candidates_group": "c", "approval_status": "Approved"},
            "with registration.stamp_candidate",
        ),
        ({"candidates_group": "c", "retry_attempts": 186}, "trigger.retry_attempts"),
        ({"candidates_group": "c", "approval_status": "Perhaps"}, "trigger.approval_status"),
    ],
)
def test_mistakes_in_the_file_are_found_before_anything_is_made(
    trigger: dict[str, Any], message: str, aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(
        registration={"model_package_group": "t-approved", "stamp_candidate": True},
        infrastructure={"stamp_role": f"arn:aws:iam::{ACCOUNT}:role/stamp"},
    )
    text = config.read_text()
    config.write_text(text[: text.index("trigger:")] + f"trigger: {json.dumps(trigger)}\n")
    typed = aws.type("trigger", "put", "--config", str(config))
    assert typed.returncode == 2
    assert message in typed.stderr


def test_a_schedule_that_is_none_is_refused_with_the_forms_that_are(project: Project) -> None:
    typed = project.type("trigger", "put", "--schedule", "weekly")
    assert typed.returncode == 2
    assert "--schedule 'weekly' is neither rate(1 day), rate(7 days), ..." in typed.stderr


def test_the_real_pipeline_evaluates_a_candidate_once_and_its_writes_start_nothing(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    """It deploys, evaluates, registers and stamps; then the same event comes a second time."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    config = write_config(
        pipeline={"name": name},
        registration={"model_package_group": f"{name}-approved", "stamp_candidate": True},
        trigger={"candidates_group": f"{name}-candidates"},
        dataset={"sample_size": 6},
        scorers=["rougeL_fmeasure"],
        thresholds={"rougeL_fmeasure": {"min": 0.05}},
        budgets={"min_rows": 3},
        mlflow={"tracking_uri": aws.mlflow},
        infrastructure={
            "prefix": name,
            "stamp_role": f"arn:aws:iam::{ACCOUNT}:role/{name}-stamp",
        },
    )
    project = Project(aws, name, config)
    sagemaker = aws.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=project.candidates)
    project.good("upsert")
    project.good("permissions", "create")
    project.good("trigger", "put")
    candidate = project.register(project.candidates)
    [first] = project.executions()
    assert project.parameters(first)["ModelPackageArn"] == candidate
    assert project.wait(first, seconds=200) == "Succeeded"
    stamped = sagemaker.describe_model_package(ModelPackageName=candidate)
    assert stamped["ModelApprovalStatus"] == "Approved"
    time.sleep(NOTHING_MORE_SECONDS)
    assert project.executions() == [first]

    asked = aws.calls("SAGEMAKER_RUNTIME")
    project.tell_of(candidate)
    [second] = set(project.executions()) - {first}
    assert project.wait(second, seconds=120) == "Succeeded"
    assert aws.calls("SAGEMAKER_RUNTIME") == asked
    registered = sagemaker.list_model_packages(ModelPackageGroupName=project.approved)
    [package] = registered["ModelPackageSummaryList"]
    described = sagemaker.describe_model_package(ModelPackageName=package["ModelPackageArn"])
    assert described["SourceUri"] == candidate
    assert sagemaker.list_endpoints(NameContains=f"{name}-candidate-")["Endpoints"] == []
    time.sleep(NOTHING_MORE_SECONDS)
    assert len(project.executions()) == 2
    project.good("trigger", "remove")
