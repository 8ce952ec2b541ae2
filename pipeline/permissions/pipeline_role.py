"""The role of SageMaker Pipelines: what it does itself for the steps of this definition.

Source: developer guide, "IAM access management" of Pipelines (build-and-manage-access).
"""

from __future__ import annotations

from pipeline.definition.account import Account, account_of
from pipeline.definition.bundle import Bundle
from pipeline.definition.trigger_names import names_of
from pipeline.permissions.artifact_store import tied_statements
from pipeline.permissions.register_role import source_statements
from pipeline.permissions.statements import Document, Statement, allow, document, key_use, pass_role


def pipeline_policy(bundle: Bundle) -> Document:
    account, config = account_of(bundle), bundle.config
    infrastructure = config.infrastructure
    job_roles = [infrastructure.job_role]
    if config.registration.stamp_candidate and infrastructure.stamp_role:
        job_roles.append(infrastructure.stamp_role)
    by_job = config.registration.by == "job"
    if by_job and infrastructure.register_role:
        job_roles.append(infrastructure.register_role)
    if config.candidate:
        job_roles.append(names_of(bundle).sweep_role_arn)
    return document(
        [
            # Pipelines names the jobs: pipelines-<execution id>-<step>-<random>
            allow(
                "Jobs",
                [
                    "sagemaker:AddTags",
                    "sagemaker:CreateProcessingJob",
                    "sagemaker:DescribeProcessingJob",
                    "sagemaker:StopProcessingJob",
                ],
                account.sagemaker("processing-job/pipelines-*"),
            ),
            pass_role("PassJobRole", job_roles, "sagemaker.amazonaws.com"),
            allow(
                "Verdict",
                ["s3:GetObject"],
                account.s3(infrastructure.bucket, f"{infrastructure.prefix}/runs/*"),
            ),
            *([] if by_job or not config.registers else _register_step(bundle, account)),
            *tied_statements(config.mlflow.tracking_uri),
            *key_use("OutputKey", account, infrastructure.output_kms_key, ["kms:Decrypt"]),
        ]
    )


def _register_step(bundle: Bundle, account: Account) -> list[Statement]:
    group = bundle.config.registration.model_package_group
    return [
        allow(
            "Register",
            [
                "sagemaker:CreateModelPackage",
                "sagemaker:CreateModelPackageGroup",
                "sagemaker:DescribeModelPackage",
                "sagemaker:DescribeModelPackageGroup",
            ],
            account.sagemaker(f"model-package-group/{group}", f"model-package/{group}/*"),
        ),
        *source_statements(bundle),
    ]
