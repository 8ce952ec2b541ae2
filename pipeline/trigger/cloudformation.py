"""One CloudFormation template: what `permissions create`, `upsert` and `trigger put` would make.

The pipelines' definitions stand in the template, with the image as its parameter: a definition in
S3 could not take one. CloudFormation takes a template of this size from S3 only.

Source: "AWS resource and property types reference" (AWS::IAM::Role, AWS::SageMaker::Pipeline,
AWS::Events::Rule, AWS::SQS::Queue).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.definition.account import account_of
from pipeline.definition.build import pipeline_session
from pipeline.definition.bundle import Bundle
from pipeline.definition.descriptions import pipeline_description
from pipeline.definition.package_group import group_description
from pipeline.definition.sweep_pipeline import build_sweep, sweep_description
from pipeline.definition.trigger_names import names_of
from pipeline.permissions.roles import MADE_BY, Permissions, permissions_of, role_path
from pipeline.trigger.dead_letters import KEPT_SECONDS, queue_policy
from pipeline.trigger.wanted import wanted_rules, wanted_target, wanted_trigger
from processing.config.trigger import Trigger

Resources = dict[str, dict[str, Any]]
Held = Mapping[str, Sequence[Permissions]]
"""Role ARN -> those who act by that role."""

IMAGE = "Image"
_ROLES_WANTED = "CreateRolesWanted"
_BY = "export cloudformation"
_KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


def template(bundle: Bundle, definition: str, schedule: str | None = None) -> dict[str, Any]:
    """`definition`: the pipeline's, as JSON text. `schedule` as for `trigger put`.

    Raises LaunchError as `trigger put` does for a schedule that EventBridge would refuse.
    """
    config = bundle.config
    held = _held(bundle)
    resources = {
        **_roles(bundle, held),
        **_group(bundle),
        "Pipeline": _pipeline(
            bundle, held, config.pipeline.name, pipeline_description(config), definition
        ),
    }
    if config.has_rules or schedule:
        resources |= _trigger(bundle, held, wanted_trigger(bundle, schedule))
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The evaluation pipeline {config.pipeline.name}, by llm-evaluation.",
        "Parameters": _parameters(config.infrastructure.image),
        "Conditions": {
            f"{name}Wanted": {"Fn::Equals": [{"Ref": name}, "yes"]}
            for name in ("CreateRoles", "CreatePackageGroup")
        },
        "Resources": resources,
        "Outputs": {
            "PipelineName": {"Value": {"Ref": "Pipeline"}},
            "PipelineArn": {
                "Value": account_of(bundle).arn("sagemaker", f"pipeline/{config.pipeline.name}")
            },
        },
    }


def _parameters(image: str) -> dict[str, Any]:
    """The image may be another one of the same repository: the roles may read that one."""
    repository = re.split(r"@|:(?=[^/]*$)", image)[0]
    yes_or_no = {"Type": "String", "Default": "yes", "AllowedValues": ["yes", "no"]}
    return {
        IMAGE: {
            "Type": "String",
            "Default": image,
            "AllowedPattern": f"{re.escape(repository)}[:@].+",
            "ConstraintDescription": f"an image of {repository}, by its digest or tag",
            "Description": "The image that all jobs run in",
        },
        "CreateRoles": {**yes_or_no, "Description": "no: the roles are there already"},
        "CreatePackageGroup": {
            **yes_or_no,
            "Description": "no: the model package group is there already",
        },
    }


def _held(bundle: Bundle) -> Held:
    """A role that serves two of those who act has the policies of both."""
    held: dict[str, list[Permissions]] = {}
    for each in permissions_of(bundle):
        if each.role_arn:
            held.setdefault(each.role_arn, []).append(each)
    return held


def _roles(bundle: Bundle, held: Held) -> Resources:
    return {
        _logical(together): {
            "Type": "AWS::IAM::Role",
            "Condition": _ROLES_WANTED,
            "Properties": {
                "RoleName": together[0].role_name,
                "Path": role_path(together[0]),
                "Description": f"llm-evaluation: {', '.join(each.who for each in together)}",
                # the last one's trust, as where `permissions create` makes one after the other
                "AssumeRolePolicyDocument": together[-1].trust,
                "Policies": [
                    {"PolicyName": each.policy_name, "PolicyDocument": each.policy}
                    for each in together
                ],
                "Tags": _tags(bundle),
            },
        }
        for together in held.values()
    }


def _group(bundle: Bundle) -> Resources:
    if not bundle.config.registers:
        return {}
    return {
        "PackageGroup": {
            "Type": "AWS::SageMaker::ModelPackageGroup",
            "Condition": "CreatePackageGroupWanted",
            **_KEPT,  # registered models outlive the stack
            "Properties": {
                "ModelPackageGroupName": bundle.config.registration.model_package_group,
                "ModelPackageGroupDescription": group_description(bundle.config),
                "Tags": _tags(bundle),
            },
        }
    }


def _pipeline(
    bundle: Bundle, held: Held, name: str, description: str, definition: str
) -> dict[str, Any]:
    infrastructure = bundle.config.infrastructure
    return {
        "Type": "AWS::SageMaker::Pipeline",
        "Properties": {
            "PipelineName": name,
            "PipelineDescription": description,
            "RoleArn": _role_arn(infrastructure.pipeline_role, held),
            "PipelineDefinition": {
                "PipelineDefinitionBody": _with_image(definition, infrastructure.image)
            },
            "Tags": _tags(bundle),
        },
    }


def _with_image(definition: str, image: str) -> Any:
    """The definition's text with the parameter wherever it names the image."""
    pieces = json.dumps(json.loads(definition), separators=(",", ":")).split(
        json.dumps(image)[1:-1]
    )
    joined: list[Any] = [pieces[0]]
    for piece in pieces[1:]:
        joined += [{"Ref": IMAGE}, piece]
    return {"Fn::Join": ["", joined]}


def _trigger(bundle: Bundle, held: Held, trigger: Trigger | None) -> Resources:
    account, names = account_of(bundle), names_of(bundle)
    arn = account.arn("sqs", names.queue)
    wanted = [rule for rule in wanted_rules(bundle, trigger) if rule.form]
    rule_arns = [account.arn("events", f"rule/{rule.name}") for rule in wanted]
    resources: Resources = {
        "DeadLetters": {
            "Type": "AWS::SQS::Queue",
            **_KEPT,  # what could not be started is still to be read
            "Properties": {
                "QueueName": names.queue,
                "MessageRetentionPeriod": KEPT_SECONDS,
                "SqsManagedSseEnabled": True,
                "Tags": _tags(bundle),
            },
        },
        "DeadLettersPolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "DeadLetters"}],
                "PolicyDocument": queue_policy(arn, rule_arns, account.number),
            },
        },
    }
    if bundle.config.candidate:
        sweep = build_sweep(bundle, pipeline_session(bundle))
        resources["SweepPipeline"] = _pipeline(
            bundle, held, names.sweep, sweep_description(bundle), sweep.definition()
        )
    logical = {
        names.rule: "CandidatesRule",
        names.schedule: "ScheduleRule",
        names.sweep_ended: "SweepEndedRule",
        names.sweep_hourly: "SweepHourlyRule",
        names.notify: "NotifyRule",
    }
    for rule in wanted:
        target = wanted_target(bundle, rule)
        if "RoleArn" in target:
            target["RoleArn"] = _role_arn(names.role_arn, held)
        resources[logical[rule.name]] = {
            "Type": "AWS::Events::Rule",
            "DependsOn": "SweepPipeline" if rule.pipeline == names.sweep else "Pipeline",
            "Properties": {
                "Name": rule.name,
                "Description": rule.description,
                "State": "ENABLED",
                "Targets": [target],
                **_form(rule.form or {}),
            },
        }
    return resources


def _form(form: Mapping[str, str]) -> dict[str, Any]:
    if "EventPattern" in form:
        return {"EventPattern": json.loads(form["EventPattern"])}
    return dict(form)


def _role_arn(arn: str, held: Held) -> Any:
    """The role that the stack makes, so that it is made first; or that which is there."""
    if arn not in held:
        return arn
    return {"Fn::If": [_ROLES_WANTED, {"Fn::GetAtt": [_logical(held[arn]), "Arn"]}, arn]}


def _tags(bundle: Bundle) -> list[dict[str, str]]:
    tags = {**bundle.config.infrastructure.tags, MADE_BY: _BY}
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _logical(together: Sequence[Permissions]) -> str:
    """A role's logical ID, of letters."""
    return "".join(each.who.capitalize() for each in together) + "Role"
