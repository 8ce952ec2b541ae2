"""`export cloudformation`: clean by cfn-lint, and a deployed stack has what the commands make.

moto's CloudFormation, which the local AWS has, knows no SageMaker: pipelines and the package group
are looked at in the template.
"""

from __future__ import annotations

import ast
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from running_aws import ConfigWriter, RunningAws
from typed_command import typed

from pipeline.definition.bundle import load_bundle
from pipeline.permissions.roles import permissions_of
from pipeline.trigger.wanted import wanted_rules, wanted_target

pytestmark = pytest.mark.integration  # a command takes a second or two, and cfn-lint some more
ACCOUNT = "123456789012"
IMAGE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/llm-evaluation"


def roles(name: str) -> dict[str, str]:
    return {
        f"{who}_role": f"arn:aws:iam::{ACCOUNT}:role/teams/{name}-{who}"
        for who in ("pipeline", "job", "model", "stamp", "trigger", "sweep")
    }


@pytest.fixture
def full(write_config: ConfigWriter) -> Path:
    """Everything that the template can hold, under names of its own."""
    name = f"stack-{uuid.uuid4().hex[:8]}"
    return write_config(
        pipeline={"name": name},
        candidate={},
        registration={"model_package_group": f"{name}-approved", "stamp_candidate": True},
        trigger={"candidates_group": f"{name}-candidates", "schedule": "rate(7 days)"},
        notify={"bus": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/verdicts"},
        infrastructure={"image": f"{IMAGE}:1.2.3", "tags": {"team": "ours"}, **roles(name)},
    )


def exported(config: Path, **environment: str) -> tuple[dict[str, Any], str]:
    output = config.parent / "template.json"
    upload = ["--upload"] if environment else []
    done = typed(
        *("export", "cloudformation", "--config", str(config), "--output", str(output)),
        *upload,
        **environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(output.read_text()), done.stdout


def definition_of(template: dict[str, Any], pipeline: str, image: str) -> str:
    """As CloudFormation would join it with this image."""
    made = template["Resources"][pipeline]["Properties"]["PipelineDefinition"]
    _, pieces = made["PipelineDefinitionBody"]["Fn::Join"]
    return "".join(image if piece == {"Ref": "Image"} else piece for piece in pieces)


def lint(template: dict[str, Any]) -> list[str]:
    """By the rules for errors and warnings, in the region that the template is for."""
    from cfnlint.api import lint as by_rules
    from cfnlint.config import ManualArgs

    found = by_rules(json.dumps(template), config=ManualArgs(regions=["us-east-1"]))
    return [f"{match.rule.id} {match.message}" for match in found]


def test_cfn_lint_finds_nothing(full: Path, write_config: ConfigWriter) -> None:
    assert lint(exported(full)[0]) == []
    topic = {"topic": f"arn:aws:sns:us-east-1:{ACCOUNT}:verdicts"}
    assert lint(exported(write_config(notify=topic))[0]) == []


def test_a_stack_has_the_roles_rules_and_queue_that_the_commands_would_make(
    full: Path, aws: RunningAws
) -> None:
    aws.client("s3").create_bucket(Bucket=load_bundle(full).config.infrastructure.bucket)
    template, told = exported(full, **aws.environment)
    # moto tells a bucket in a path by this name of the host
    url = told.rpartition("--template-url ")[2].strip().replace("127.0.0.1", "localhost")
    bundle = load_bundle(full)
    name = bundle.config.pipeline.name
    made = aws.client("cloudformation").create_stack(
        StackName=name, TemplateURL=url, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    assert made["StackId"]

    iam, events, sqs = (aws.client(service) for service in ("iam", "events", "sqs"))
    wanted = [each for each in permissions_of(bundle) if each.role_arn]
    assert {each.who for each in wanted} == {
        *("pipeline", "job", "model", "stamp", "trigger", "sweep")
    }
    for each in wanted:
        role = iam.get_role(RoleName=each.role_name)["Role"]
        assert role["Arn"] == each.role_arn
        assert role["AssumeRolePolicyDocument"] == each.trust
        policy = iam.get_role_policy(RoleName=each.role_name, PolicyName=each.policy_name)
        # moto keeps a template's policy as Python writes it
        assert ast.literal_eval(policy["PolicyDocument"]) == each.policy
    for rule in wanted_rules(bundle, bundle.config.trigger):
        found = events.describe_rule(Name=rule.name)
        for key, value in (rule.form or {}).items():
            told_as = json.loads if key == "EventPattern" else str
            assert told_as(found[key]) == told_as(value)
        [target] = events.list_targets_by_rule(Rule=rule.name)["Targets"]
        assert target == wanted_target(bundle, rule)
    [queue] = sqs.list_queues(QueueNamePrefix=name)["QueueUrls"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert attributes["MessageRetentionPeriod"] == str(14 * 24 * 3600)
    for upload in bundle.uploads:
        assert aws.client("s3").head_object(Bucket=upload.bucket, Key=upload.key)
    group = template["Resources"]["PackageGroup"]["Properties"]
    assert group["ModelPackageGroupName"] == f"{name}-approved"
    assert {"Key": "team", "Value": "ours"} in group["Tags"]


def test_the_definition_is_the_one_that_upsert_sends_with_the_image_that_is_asked_for(
    full: Path,
) -> None:
    template, _ = exported(full)
    sent = json.loads(typed("definition", "--config", str(full)).stdout)
    assert json.loads(definition_of(template, "Pipeline", f"{IMAGE}:1.2.3")) == sent
    other = definition_of(template, "Pipeline", f"{IMAGE}@sha256:{'0' * 64}")
    assert ":1.2.3" not in other
    assert other.count("@sha256:") == json.dumps(sent).count(":1.2.3") > 1
    assert ":1.2.3" not in definition_of(template, "SweepPipeline", f"{IMAGE}:2")


def test_what_cannot_be_written_is_an_error_in_one_line(full: Path) -> None:
    done = typed("export", "cloudformation", "--config", str(full), "--output", "/nowhere/t.json")
    assert done.returncode == 2
    assert "error: --output /nowhere/t.json: No such file or directory" in done.stderr
    schedule = ["--schedule", "every day", "--output", str(full.parent / "t.json")]
    done = typed("export", "cloudformation", "--config", str(full), *schedule)
    assert done.returncode == 2
    assert "--schedule 'every day' is neither rate(1 day)" in done.stderr
