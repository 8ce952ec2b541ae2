"""The person who types the commands, and the administrator who creates the roles."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.definition.account import Account, account_of
from pipeline.definition.bundle import Bundle
from pipeline.definition.trigger_names import names_of
from pipeline.executions.job_progress import LOG_GROUP
from pipeline.permissions.artifact_store import describe_statements
from pipeline.permissions.candidate_roles import sweep_statements
from pipeline.permissions.evaluated import (
    champion_statements,
    dataset_statements,
    endpoint_statements,
    evaluated_configs,
    labels_statements,
)
from pipeline.permissions.job_role import PROMPT_REGISTRY, TRACKING_SERVER
from pipeline.permissions.judges import judge_models, judge_statements
from pipeline.permissions.platform import repository_arns
from pipeline.permissions.secrets import see_secrets_statements
from pipeline.permissions.statements import (
    Document,
    Statement,
    allow,
    document,
    key_use,
    list_statement,
    object_or_below,
    pass_role,
)
from processing.calls.paid_store import SHELVES


def caller_policy(bundle: Bundle) -> Document:
    account, config = account_of(bundle), bundle.config
    infrastructure = config.infrastructure
    bucket, prefix = infrastructure.bucket, infrastructure.prefix
    pipeline = f"pipeline/{config.pipeline.name}"
    paid = [f"{prefix}/store/{shelf}/*" for shelf in SHELVES]
    roles = [
        *(infrastructure.pipeline_role, infrastructure.job_role),
        *(infrastructure.model_role, infrastructure.stamp_role, infrastructure.register_role),
    ]
    return document(
        [
            allow(
                "Pipeline",
                [
                    "sagemaker:AddTags",
                    "sagemaker:CreatePipeline",
                    "sagemaker:DescribePipeline",
                    "sagemaker:ListPipelineExecutions",
                    "sagemaker:ListTags",
                    "sagemaker:StartPipelineExecution",
                    "sagemaker:UpdatePipeline",
                ],
                account.sagemaker(pipeline),
            ),
            allow(
                "Executions",
                [
                    "sagemaker:DescribePipelineDefinitionForExecution",
                    "sagemaker:DescribePipelineExecution",
                    "sagemaker:ListPipelineExecutionSteps",
                    "sagemaker:StopPipelineExecution",
                ],
                account.sagemaker(f"{pipeline}/execution/*"),
            ),
            # how far the jobs are; Pipelines names its jobs pipelines-EXECUTION-STEP-...
            allow(
                "FindJobLogs",
                ["logs:DescribeLogStreams"],
                [
                    account.arn("logs", f"log-group:{LOG_GROUP}"),
                    account.arn("logs", f"log-group:{LOG_GROUP}:*"),
                ],
            ),
            allow(
                "JobLogs",
                ["logs:GetLogEvents"],
                [account.arn("logs", f"log-group:{LOG_GROUP}:log-stream:pipelines-*")],
            ),
            # the SDK looks whether SageMaker may take the role before it makes the pipeline, and
            # `check --online` looks at all of them
            allow("SeeRoles", ["iam:GetRole"], [role for role in roles if role]),
            pass_role(
                "PassPipelineRole", [infrastructure.pipeline_role], "sagemaker.amazonaws.com"
            ),
            # `try` reads what was paid for, and adds to it
            allow(
                "Upload",
                ["s3:AbortMultipartUpload", "s3:PutObject"],
                account.s3(
                    bucket, *(f"{prefix}/{folder}/*" for folder in ("config", "datasets")), *paid
                ),
            ),
            allow("Results", ["s3:GetObject"], account.s3(bucket, f"{prefix}/runs/*", *paid)),
            # a report that is not there yet
            list_statement("ResultsMissing", account, bucket, [f"{prefix}/*"]),
            *key_use(
                "OutputKey",
                account,
                infrastructure.output_kms_key,
                ["kms:Decrypt", "kms:GenerateDataKey"],
            ),
            *_package_group(bundle, account),
            # `history`; and of a registered version, `compare` finds the evaluation
            _see_versions(bundle, account),
            *sweep_statements(bundle),
            *_online(bundle, account),
            *(_trigger(bundle, account) if config.has_rules else []),
        ]
    )


def approver_policy(bundle: Bundle) -> Document:
    """For who decides on what is registered: `approve` and `reject`."""
    account = account_of(bundle)
    group = bundle.config.registration.model_package_group
    return document(
        [
            _see_versions(bundle, account),
            allow(
                "Decide",
                ["sagemaker:UpdateModelPackage"],
                account.sagemaker(f"model-package/{group}/*"),
            ),
            allow("WhoAmI", ["sts:GetCallerIdentity"], ["*"]),
        ]
    )


def _see_versions(bundle: Bundle, account: Account) -> Statement:
    # the authorization reference names packages for ListModelPackages, older policies the group
    group = bundle.config.registration.model_package_group
    return allow(
        "RegisteredVersions",
        ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"],
        account.sagemaker(f"model-package/{group}/*", f"model-package-group/{group}"),
    )


def _package_group(bundle: Bundle, account: Account) -> list[Statement]:
    """Made with an upsert where there are tags for it; else by RegisterModel."""
    config = bundle.config
    if not config.infrastructure.tags:
        return []
    group = account.sagemaker(f"model-package-group/{config.registration.model_package_group}")
    return [
        allow("PackageGroup", ["sagemaker:AddTags", "sagemaker:CreateModelPackageGroup"], group)
    ]


def _online(bundle: Bundle, account: Account) -> list[Statement]:
    """For `check --online` and `try`, beside what the commands need anyway."""
    config = bundle.config
    statements = [
        allow("WhoAmI", ["sts:GetCallerIdentity"], ["*"]),
        allow("BucketRegion", ["s3:GetBucketLocation"], account.s3(config.infrastructure.bucket)),
        *dataset_statements(bundle, account),
        *labels_statements(bundle, account),
        *endpoint_statements(bundle, account),
        *champion_statements(bundle, account),
        *judge_statements(account, *evaluated_configs(bundle), compares=True),
        *see_secrets_statements(config),
        # IAM knows no resources of the price list
        *([allow("Prices", ["pricing:GetProducts"], ["*"])]
          if judge_models(*evaluated_configs(bundle), compares=True) else []),
        allow("GroupThere", ["sagemaker:DescribeModelPackageGroup"],
              account.sagemaker(f"model-package-group/{config.registration.model_package_group}")),
    ]  # fmt: skip
    if repositories := repository_arns(account, [config.infrastructure.image]):
        statements.append(allow("ImageThere", ["ecr:DescribeImages"], repositories))
    uri, place = config.mlflow.tracking_uri, config.mlflow.artifact_location
    statements += describe_statements("MlflowArtifacts", uri)
    if ":mlflow-app/" in uri:
        statements.append(allow("MlflowTried", ["sagemaker:CallMlflowAppApi"], [uri]))
    elif ":mlflow-tracking-server/" in uri:
        prompts = PROMPT_REGISTRY if config.mlflow.prompts else []
        actions = [f"sagemaker-mlflow:{name}" for name in (*TRACKING_SERVER, *prompts, "DeleteRun")]
        statements.append(allow("MlflowTried", actions, [uri]))
    if place:  # an artifact is written, read back and deleted
        bucket, keys = object_or_below(place)
        actions = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        statements += [
            allow("MlflowTriedArtifact", actions, account.s3(bucket, *keys)),
            list_statement(
                "MlflowTriedList", account, bucket, keys
            ),  # MLflow looks before it reads
        ]
    return statements


def _trigger(bundle: Bundle, account: Account) -> list[Statement]:
    names, config = names_of(bundle), bundle.config
    rules = [account.arn("events", f"rule/{rule}") for rule in names.rules]
    statements = [
        allow(
            "Rules",
            [
                "events:DeleteRule",
                "events:DescribeRule",
                "events:ListTargetsByRule",
                "events:PutRule",
                "events:PutTargets",
                "events:RemoveTargets",
                "events:TagResource",
            ],
            rules,
        ),
        allow("Patterns", ["events:TestEventPattern"], ["*"]),
        allow(
            "DeadLetters",
            [
                "sqs:CreateQueue",
                "sqs:DeleteQueue",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ListQueueTags",
                "sqs:ReceiveMessage",
                "sqs:SetQueueAttributes",
                "sqs:TagQueue",
            ],
            [account.arn("sqs", names.queue)],
        ),
        allow("SeeTriggerRoles", ["iam:GetRole"], [names.role_arn, names.sweep_role_arn]),
        allow(
            "SweepPipeline",
            [
                "sagemaker:AddTags",
                "sagemaker:CreatePipeline",
                "sagemaker:DeletePipeline",
                "sagemaker:DescribePipeline",
                "sagemaker:ListTags",
                "sagemaker:UpdatePipeline",
            ],
            account.sagemaker(f"pipeline/{names.sweep}"),
        ),
        pass_role("PassTriggerRole", [names.role_arn], "events.amazonaws.com"),
    ]
    if config.notify and config.notify.topic:
        statements.append(allow("SeeTopic", ["sns:GetTopicAttributes"], [config.notify.topic]))
    if config.trigger and config.trigger.candidates_group:
        group = account.sagemaker(f"model-package-group/{config.trigger.candidates_group}")
        statements.append(allow("Candidates", ["sagemaker:DescribeModelPackageGroup"], group))
    return statements


def administrator_policy(bundle: Bundle, roles: Iterable[str]) -> Document:
    """These roles and no other; and where MLflow keeps artifacts, if the file does not say it."""
    mlflow = bundle.config.mlflow
    asked = describe_statements("MlflowArtifacts", mlflow.tracking_uri)
    return document(
        [
            allow(
                "Roles",
                [
                    "iam:CreateRole",
                    "iam:DeleteRole",
                    "iam:DeleteRolePolicy",
                    "iam:GetRole",
                    "iam:PutRolePolicy",
                    "iam:TagRole",
                    "iam:UpdateAssumeRolePolicy",
                ],
                roles,
            ),
            *([] if mlflow.artifact_location else asked),
        ]
    )
