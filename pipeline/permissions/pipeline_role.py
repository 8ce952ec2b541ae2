"""The role of SageMaker Pipelines: what it does itself for the steps of this definition.

Source: developer guide, "IAM access management" of Pipelines (build-and-manage-access).
"""

from __future__ import annotations

from pipeline.bundle import Bundle
from pipeline.permissions.statements import (
    Document,
    account_of,
    allow,
    document,
    key_use,
    pass_role,
)


def pipeline_policy(bundle: Bundle) -> Document:
    account, config = account_of(bundle), bundle.config
    infrastructure, group = config.infrastructure, config.registration.model_package_group
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
            pass_role("PassJobRole", [infrastructure.job_role], "sagemaker.amazonaws.com"),
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
            *key_use("OutputKey", account, infrastructure.output_kms_key, ["kms:Decrypt"]),
        ]
    )


def _source_packages(bundle: Bundle) -> list[dict[str, object]]:
    """RegisterModel copies from the candidate that SourceUri names."""
    trigger = bundle.config.trigger
    if trigger is None or trigger.candidates_group is None:
        return []
    candidates = f"model-package/{trigger.candidates_group}/*"
    return [
        allow(
            "SourcePackage",
            ["sagemaker:DescribeModelPackage"],
            account_of(bundle).sagemaker(candidates),
        )
    ]
