"""The role of SageMaker Pipelines: what it does itself for the steps of this definition.

Source: developer guide, "IAM access management" of Pipelines (build-and-manage-access).
"""

from __future__ import annotations

from pipeline.definition.account import account_of
from pipeline.definition.bundle import Bundle
from pipeline.permissions.artifact_store import tied_statements
from pipeline.permissions.candidate_roles import candidates_of
from pipeline.permissions.statements import Document, Statement, allow, document, key_use, pass_role


def pipeline_policy(bundle: Bundle) -> Document:
    account, config = account_of(bundle), bundle.config
    infrastructure, group = config.infrastructure, config.registration.model_package_group
    job_roles = [infrastructure.job_role]
    if config.registration.stamp_candidate and infrastructure.stamp_role:
        job_roles.append(infrastructure.stamp_role)
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
            allow("SourceModel", ["sagemaker:DescribeModel"], account.sagemaker("model/*")),
            *_source_packages(bundle),
            *tied_statements(config.mlflow.tracking_uri),
            *key_use("OutputKey", account, infrastructure.output_kms_key, ["kms:Decrypt"]),
        ]
    )


def _source_packages(bundle: Bundle) -> list[Statement]:
    """RegisterModel copies from the candidate that SourceUri names."""
    if bundle.config.candidate is None:
        return []
    candidates = account_of(bundle).sagemaker(f"model-package/{candidates_of(bundle)}")
    return [allow("SourcePackage", ["sagemaker:DescribeModelPackage"], candidates)]
