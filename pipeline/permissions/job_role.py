"""The role of the processing jobs: it may read, ask and record, and never registers or approves."""

from __future__ import annotations

import re

from pipeline.bundle import Bundle
from pipeline.permissions.judges import judge_statements
from pipeline.permissions.statements import (
    Account,
    Document,
    Statement,
    account_of,
    allow,
    document,
    key_use,
)

# What MLflow's client asks of a tracking server for runs, traces and assessments. A server of the
# older kind has an action for each; a MLflow App has one for all.
_TRACKING_SERVER = [
    *("CreateExperiment", "CreateRun", "EndTrace", "GetExperiment", "GetExperimentByName"),
    *("GetRun", "GetTraceInfo", "ListArtifacts", "LogBatch", "LogInputs", "LogMetric", "LogParam"),
    *("SearchTraces", "SetTag", "SetTraceTag", "StartTrace", "UpdateRun", "SearchRuns"),
]


def job_policy(bundle: Bundle) -> Document:
    account, config = account_of(bundle), bundle.config
    infrastructure = config.infrastructure
    return document(
        [
            *_storage(bundle, account),
            *_platform(bundle, account),
            *_endpoint(bundle, account),
            *judge_statements(account, config),
            *_mlflow(bundle, account),
            *_champion(bundle, account),
            *key_use(
                "OutputKey",
                account,
                infrastructure.output_kms_key,
                ["kms:Decrypt", "kms:GenerateDataKey"],
            ),
        ]
    )


def _storage(bundle: Bundle, account: Account) -> list[Statement]:
    infrastructure = bundle.config.infrastructure
    bucket, prefix = infrastructure.bucket, infrastructure.prefix
    read = account.s3(bucket, f"{prefix}/*")
    listed = [f"{prefix}/*"]
    statements = [
        allow("Read", ["s3:GetObject"], read),
        allow("List", ["s3:ListBucket"], account.s3(bucket), {"StringLike": {"s3:prefix": listed}}),
        allow(
            "Write",
            ["s3:PutObject", "s3:AbortMultipartUpload"],
            account.s3(bucket, f"{prefix}/runs/*", f"{prefix}/store/*"),
        ),
    ]
    dataset = bundle.dataset_uri
    if dataset.startswith("s3://") and bundle.dataset_upload is None:
        theirs, _, key = dataset.removeprefix("s3://").partition("/")
        below = key.rstrip("/") or "*"
        keys = [below, f"{below}/*"] if key else ["*"]
        statements += [
            allow("ReadDataset", ["s3:GetObject"], account.s3(theirs, *keys)),
            allow(
                "ListDataset",
                ["s3:ListBucket"],
                account.s3(theirs),
                {"StringLike": {"s3:prefix": [f"{below}*"]}},
            ),
        ]
    return statements


def _platform(bundle: Bundle, account: Account) -> list[Statement]:
    """What SageMaker does in a job's name: developer guide, "SageMaker execution roles"."""
    infrastructure = bundle.config.infrastructure
    logs = "log-group:/aws/sagemaker/ProcessingJobs"
    statements = [
        allow("LogGroup", ["logs:CreateLogGroup", "logs:DescribeLogStreams"],
              [account.arn("logs", logs), account.arn("logs", f"{logs}:*")]),
        allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"],
              [account.arn("logs", f"{logs}:log-stream:*")]),
        allow("Metrics", ["cloudwatch:PutMetricData"], ["*"],
              {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/ProcessingJobs"}}),
    ]  # fmt: skip
    repository = re.fullmatch(
        r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[^/]+/(?P<name>[^:@]+)([:@].+)?",
        infrastructure.image,
    )
    if repository:
        arn = (
            f"arn:{account.partition}:ecr:{repository['region']}:{repository['account']}"
            f":repository/{repository['name']}"
        )
        pull = ["BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"]
        statements += [
            allow("ImageLogin", ["ecr:GetAuthorizationToken"], ["*"]),
            allow("Image", [f"ecr:{action}" for action in pull], [arn]),
        ]
    if infrastructure.subnets:
        statements += _network(bundle, account)
    return [
        *statements,
        *key_use("VolumeKey", account, infrastructure.volume_kms_key, ["kms:CreateGrant"]),
    ]


def _network(bundle: Bundle, account: Account) -> list[Statement]:
    infrastructure = bundle.config.infrastructure
    interfaces = account.arn("ec2", "network-interface/*")
    subnets = [account.arn("ec2", f"subnet/{name}") for name in infrastructure.subnets]
    groups = [account.arn("ec2", f"security-group/{n}") for n in infrastructure.security_group_ids]
    described = ["DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs"]
    return [
        allow("NetworkCreate", ["ec2:CreateNetworkInterface"], [interfaces, *subnets, *groups]),
        allow(
            "Network",
            [
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
            ],
            [interfaces],
        ),
        allow("NetworkDescribe", [f"ec2:Describe{name}" for name in described], ["*"]),
    ]


def _endpoint(bundle: Bundle, account: Account) -> list[Statement]:
    """The model behind the endpoint may change, so its configuration and model can be any."""
    endpoint = bundle.config.endpoint
    name = f"endpoint/{endpoint.name}"
    statements = [
        allow("Endpoint", ["sagemaker:DescribeEndpoint", "sagemaker:InvokeEndpoint"],
              account.sagemaker(name)),
        allow("Measured", ["sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel"],
              account.sagemaker("endpoint-config/*", "model/*")),
    ]  # fmt: skip
    if endpoint.inference_component:
        component = account.sagemaker(f"inference-component/{endpoint.inference_component}")
        actions = ["sagemaker:DescribeInferenceComponent", "sagemaker:InvokeEndpoint"]
        statements.append(allow("Component", actions, component))
    return statements


def _mlflow(bundle: Bundle, account: Account) -> list[Statement]:
    """The MLflow client writes artifacts to S3 itself, wherever the App or server keeps them."""
    mlflow = bundle.config.mlflow
    statements = []
    if ":mlflow-app/" in mlflow.tracking_uri:
        statements.append(allow("Mlflow", ["sagemaker:CallMlflowAppApi"], [mlflow.tracking_uri]))
    elif ":mlflow-tracking-server/" in mlflow.tracking_uri:
        actions = [f"sagemaker-mlflow:{name}" for name in _TRACKING_SERVER]
        statements.append(allow("Mlflow", actions, [mlflow.tracking_uri]))
    if mlflow.artifact_location:
        bucket, _, prefix = mlflow.artifact_location.removeprefix("s3://").partition("/")
        below = "/".join(filter(None, [prefix.rstrip("/"), "*"]))
        actions = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
        statements += [
            allow("Artifacts", actions, account.s3(bucket, below)),
            allow("ArtifactList", ["s3:ListBucket"], account.s3(bucket),
                  {"StringLike": {"s3:prefix": [below]}}),
        ]  # fmt: skip
    return statements


def _champion(bundle: Bundle, account: Account) -> list[Statement]:
    if bundle.config.champion is None:
        return []
    group = bundle.config.registration.model_package_group
    # the authorization reference names packages for ListModelPackages, older policies the group
    return [
        allow(
            "Champion",
            ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"],
            account.sagemaker(f"model-package/{group}/*", f"model-package-group/{group}"),
        )
    ]
