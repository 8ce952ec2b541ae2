"""What SageMaker does in a role's name when it runs a container: log, pull, join a network.

Source: developer guide, "How to use SageMaker execution roles", CreateProcessingJob, CreateModel.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.definition.account import Account
from pipeline.definition.bundle import Bundle
from pipeline.permissions.statements import Statement, allow, key_use

ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[^/]+/(?P<name>[^:@]+)"
    r"(@(?P<digest>.+)|:(?P<tag>.+))?"
)


def platform_statements(bundle: Bundle, account: Account, *, job: bool = False) -> list[Statement]:
    """The network; for a processing job also its log, its metrics, its image and its volume."""
    infrastructure = bundle.config.infrastructure
    network = _network(bundle, account) if infrastructure.subnets else []
    if not job:
        return network
    logs = "log-group:/aws/sagemaker/ProcessingJobs"
    return [
        *log_statements(account, logs, [logs, f"{logs}:*"], "/aws/sagemaker/ProcessingJobs"),
        *image_statements(account, [infrastructure.image]),
        *network,
        *key_use("VolumeKey", account, infrastructure.volume_kms_key, ["kms:CreateGrant"]),
    ]  # fmt: skip


def log_statements(
    account: Account, logs: str, groups: Iterable[str], namespace: str
) -> list[Statement]:
    """A container's log streams in `logs`, whose `groups` may be made, and its metrics."""
    return [
        allow("LogGroup", ["logs:CreateLogGroup", "logs:DescribeLogStreams"],
              [account.arn("logs", group) for group in groups]),
        allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"],
              [account.arn("logs", f"{logs}:log-stream:*")]),
        allow("Metrics", ["cloudwatch:PutMetricData"], ["*"],
              {"StringEquals": {"cloudwatch:namespace": namespace}}),
    ]  # fmt: skip


def image_statements(account: Account, images: Iterable[str]) -> list[Statement]:
    """Pulling images from ECR; nothing for an image that is not there."""
    arns = repository_arns(account, images)
    pull = ["BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"]
    if not arns:
        return []
    return [
        allow("ImageLogin", ["ecr:GetAuthorizationToken"], ["*"]),
        allow("Image", [f"ecr:{action}" for action in pull], arns),
    ]


def repository_arns(account: Account, images: Iterable[str]) -> list[str]:
    """Of those images that are in ECR."""
    found = [match for image in images if (match := ECR_IMAGE.fullmatch(image))]
    return [
        f"arn:{account.partition}:ecr:{m['region']}:{m['account']}:repository/{m['name']}"
        for m in found
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
