"""The role of the processing jobs: it reads, asks, records; it never registers or approves."""

from __future__ import annotations

from pipeline.definition.account import Account, account_of
from pipeline.definition.bundle import Bundle
from pipeline.permissions.candidate_roles import deploy_statements
from pipeline.permissions.evaluated import (
    champion_statements,
    dataset_statements,
    endpoint_statements,
    evaluated_configs,
    labels_statements,
)
from pipeline.permissions.judges import judge_statements
from pipeline.permissions.platform import platform_statements
from pipeline.permissions.secrets import secret_statements
from pipeline.permissions.statements import (
    Document,
    Statement,
    allow,
    document,
    key_use,
    list_statement,
    object_or_below,
)

# What MLflow's client asks of a tracking server for runs, traces and assessments. A server of the
# older kind has an action for each; a MLflow App has one for all.
TRACKING_SERVER = [
    *("CreateExperiment", "CreateRun", "DeleteTraces", "EndTrace", "GetExperiment"),
    *("GetExperimentByName", "GetRun", "GetTraceInfo", "ListArtifacts", "LogBatch", "LogInputs"),
    *("LogMetric", "LogParam", "SearchTraces", "SetTag", "SetTraceTag", "StartTrace", "UpdateRun"),
    "SearchRuns",
]

# Prompts are registered models to MLflow, and to IAM. DeleteRegisteredModel is left out: all that
# MLflow would do with it is to take back a prompt whose first version was refused.
PROMPT_REGISTRY = [
    *("CreateModelVersion", "CreateRegisteredModel", "GetModelVersion", "GetRegisteredModel"),
    *("SearchModelVersions", "SearchRegisteredModels", "SetRegisteredModelTag"),
]


def job_policy(bundle: Bundle) -> Document:
    account, config = account_of(bundle), bundle.config
    infrastructure = config.infrastructure
    return document(
        [
            *_storage(bundle, account),
            *labels_statements(bundle, account),
            *platform_statements(bundle, account, job=True),
            *endpoint_statements(bundle, account),
            *judge_statements(account, *evaluated_configs(bundle)),
            *secret_statements(config),
            *_mlflow(bundle, account),
            *_monitoring(bundle),
            *champion_statements(bundle, account),
            *deploy_statements(bundle),
            *key_use(
                "OutputKey",
                account,
                infrastructure.output_kms_key,
                ["kms:Decrypt", "kms:GenerateDataKey"],
            ),
        ]
    )


def _storage(bundle: Bundle, account: Account) -> list[Statement]:
    """Outputs of any execution: IAM has nothing that tells the executions of one role apart.

    SageMaker starts jobs without session tags, and uploads their outputs without If-None-Match, so
    that a policy which demands it (s3:if-none-match) would refuse the outputs themselves. Nothing
    is deleted, no version is: in a versioned bucket what was overwritten is still there.
    """
    infrastructure = bundle.config.infrastructure
    bucket, prefix = infrastructure.bucket, infrastructure.prefix
    read = account.s3(bucket, f"{prefix}/*")
    parts = ["parts"] if infrastructure.evaluate.instance_count > 1 else []
    outputs = [f"{prefix}/runs/*/{name}/*" for name in ("dataset", "evaluation", *parts)]
    statements = [
        allow("Read", ["s3:GetObject"], read),
        list_statement("List", account, bucket, [f"{prefix}/*"]),
        allow(
            "Write",
            ["s3:PutObject", "s3:AbortMultipartUpload"],
            account.s3(bucket, *outputs, f"{prefix}/store/*"),
        ),
    ]
    return [*statements, *dataset_statements(bundle, account)]


def _monitoring(bundle: Bundle) -> list[Statement]:
    """PutMetricData knows no resources: the namespace is what it can be held to."""
    monitoring = bundle.config.monitoring
    if not monitoring.cloudwatch:
        return []
    namespace = monitoring.namespace_of(bundle.config.pipeline.name)
    condition = {"StringEquals": {"cloudwatch:namespace": namespace}}
    return [allow("Monitoring", ["cloudwatch:PutMetricData"], ["*"], condition)]


def _mlflow(bundle: Bundle, account: Account) -> list[Statement]:
    """The MLflow client writes artifacts to S3 itself, wherever the App or server keeps them."""
    mlflow = bundle.config.mlflow
    statements = []
    if ":mlflow-app/" in mlflow.tracking_uri:
        statements.append(allow("Mlflow", ["sagemaker:CallMlflowAppApi"], [mlflow.tracking_uri]))
    elif ":mlflow-tracking-server/" in mlflow.tracking_uri:
        names = TRACKING_SERVER + (PROMPT_REGISTRY if mlflow.prompts else [])
        actions = [f"sagemaker-mlflow:{name}" for name in names]
        statements.append(allow("Mlflow", actions, [mlflow.tracking_uri]))
    # which of the runs that are still open belong to jobs that were killed
    jobs = ["sagemaker:DescribeProcessingJob"]
    statements.append(allow("Jobs", jobs, account.sagemaker("processing-job/pipelines-*")))
    if mlflow.artifact_location:
        bucket, keys = object_or_below(mlflow.artifact_location)
        actions = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
        statements += [
            allow("Artifacts", actions, account.s3(bucket, *keys)),
            list_statement("ArtifactList", account, bucket, keys),
        ]
    return statements
