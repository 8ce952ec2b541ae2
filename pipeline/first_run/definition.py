"""Does CreatePipeline take the whole definition, under another name and for another group?"""

from __future__ import annotations

import json

from pipeline.definition.account import account_of
from pipeline.definition.steps.processing_job import sdk_tags
from pipeline.first_run.step import Cost, Step
from pipeline.first_run.throwaway import NAME
from pipeline.first_run.trial import Trial
from pipeline.permissions.statements import allow, document

_POLICY = f"llm-evaluation-{NAME}"


def definition_step(trial: Trial) -> Step:
    return Step(
        "CreatePipeline",
        "whether SageMaker takes the whole definition",
        Cost("6 calls and some uploads"),
        lambda: _create(trial),
    )


def _create(trial: Trial) -> str:
    _make_group(trial)
    _let_pipeline_register(trial)
    made, sagemaker = trial.made, trial.sagemaker
    made.note(f"pipeline {made.name}", lambda: sagemaker.delete_pipeline(PipelineName=made.name))
    tags = sdk_tags(trial.bundle.config.infrastructure)
    trial.pipeline.create(tags=[*tags, *made.tag_list])
    parameters = len(trial.definition["Parameters"])
    return f"taken: {len(json.dumps(trial.definition)):,} characters, {parameters} parameters"


def _make_group(trial: Trial) -> None:
    made, sagemaker, group = trial.made, trial.sagemaker, trial.group

    def delete() -> None:
        pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
        packages = [p for page in pages for p in page["ModelPackageSummaryList"]]
        for package in packages:
            sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)

    made.note(f"model package group {group} and its versions", delete)
    sagemaker.create_model_package_group(
        ModelPackageGroupName=group,
        ModelPackageGroupDescription="Made by first-run, which deletes it at its end.",
        Tags=made.tag_list,
    )


def _let_pipeline_register(trial: Trial) -> None:
    """For the throwaway group, with a policy of its own beside the role's."""
    account, iam, group = account_of(trial.bundle), trial.session.client("iam"), trial.group
    role = trial.bundle.config.infrastructure.pipeline_role.rpartition("/")[2]
    actions = [
        "sagemaker:CreateModelPackage",
        "sagemaker:CreateModelPackageGroup",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeModelPackageGroup",
    ]
    resources = account.sagemaker(f"model-package-group/{group}", f"model-package/{group}/*")
    trial.made.note(
        f"policy {_POLICY} of role {role}",
        lambda: iam.delete_role_policy(RoleName=role, PolicyName=_POLICY),
    )
    iam.put_role_policy(
        RoleName=role,
        PolicyName=_POLICY,
        PolicyDocument=json.dumps(document([allow("FirstRun", actions, resources)])),
    )
