"""The role of the job that registers (`registration.by: job`): it may do nothing else."""

from __future__ import annotations

from pipeline.definition.account import account_of
from pipeline.definition.bundle import Bundle
from pipeline.permissions.candidate_roles import candidates_of
from pipeline.permissions.platform import platform_statements
from pipeline.permissions.statements import (
    Document,
    Statement,
    allow,
    document,
    key_use,
    list_statement,
)


def register_policy(bundle: Bundle) -> Document:
    """New versions of the one group, from the configuration and an execution's report."""
    account, config = account_of(bundle), bundle.config
    infrastructure, group = config.infrastructure, config.registration.model_package_group
    bucket, prefix = infrastructure.bucket, infrastructure.prefix
    read = [f"{prefix}/config/*", f"{prefix}/runs/*/evaluation/*"]
    return document(
        [
            allow(
                "Register",
                ["sagemaker:CreateModelPackage", "sagemaker:CreateModelPackageGroup"],
                account.sagemaker(f"model-package-group/{group}", f"model-package/{group}/*"),
            ),
            *source_statements(bundle),
            allow("Report", ["s3:GetObject"], account.s3(bucket, *read)),
            list_statement("List", account, bucket, read),
            allow(
                "Registered",
                ["s3:AbortMultipartUpload", "s3:PutObject"],
                account.s3(bucket, f"{prefix}/runs/*/registration/*"),
            ),
            *platform_statements(bundle, account, job=True),
            *key_use(
                "OutputKey",
                account,
                infrastructure.output_kms_key,
                ["kms:Decrypt", "kms:GenerateDataKey"],
            ),
        ]
    )


def source_statements(bundle: Bundle) -> list[Statement]:
    """SourceUri names a model behind an endpoint, or the candidate, which is copied from."""
    account = account_of(bundle)
    statements = [allow("SourceModel", ["sagemaker:DescribeModel"], account.sagemaker("model/*"))]
    if bundle.config.registration.model is not None:
        kind = "ModelPackage" if ":model-package/" in bundle.config.registration.model else "Model"
        named = [bundle.config.registration.model]
        return [allow("SourceModel", [f"sagemaker:Describe{kind}"], named)]
    if bundle.config.candidate is not None:
        candidates = account.sagemaker(f"model-package/{candidates_of(bundle)}")
        actions = ["sagemaker:DescribeModelPackage"]
        statements.append(allow("SourcePackage", actions, candidates))
    return statements
