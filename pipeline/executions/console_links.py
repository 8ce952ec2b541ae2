"""Addresses of AWS's console pages about an execution. Without AWS behind it there are none.

The pages of CloudWatch are addressed as sagemaker 3.27 does it (metrics_visualizer.py), Studio's
host too. Studio's path to an execution is documented nowhere: not seen on AWS.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

STUDIO_METADATA = Path("/opt/ml/metadata/resource-metadata.json")
"""In a Studio space: says which domain it belongs to."""

_HOSTS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


def is_aws(endpoint_url: str) -> bool:
    """Whether a client's endpoint is AWS's, and not one that stands in for it."""
    host = endpoint_url.partition("://")[2].partition("/")[0].partition(":")[0]
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))


def studio_page(arn: str) -> str:
    """The execution's page, seen from inside Studio; else Studio's front door."""
    _, partition, _, region, _, resource = arn.split(":", 5)
    _, pipeline, _, execution = resource.split("/")
    if domain := _domain():
        host = f"https://studio-{domain}.studio.{region}.sagemaker.aws"
        return f"{host}/pipelines/view/{quote(pipeline)}/executions/{execution}/graph"
    return f"{_console(partition, region)}/sagemaker/home?region={region}#/studio-landing"


def log_page(arn: str, group: str, stream_prefix: str) -> str:
    """CloudWatch's list of the log streams that begin so. `arn`: the execution's."""
    _, partition, _, region, _, _ = arn.split(":", 5)
    path = f"{_twice(group)}$3FlogStreamNameFilter$3D{_twice(stream_prefix)}"
    console = _console(partition, region)
    return f"{console}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{path}"


def common_start(names: Sequence[str]) -> str:
    """What all names begin with."""
    first, last = min(names), max(names)
    same = (index for index, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return first[: next(same, min(len(first), len(last)))]


def _console(partition: str, region: str) -> str:
    return f"https://{region}.{_HOSTS.get(partition, _HOSTS['aws'])}"


def _twice(text: str) -> str:
    """As the console's own addresses: percent-encoded twice, with `$` for the outer `%`."""
    return quote(quote(text, safe=""), safe="").replace("%", "$")


def _domain() -> str:
    try:
        return str(json.loads(STUDIO_METADATA.read_text(encoding="utf-8")).get("DomainId") or "")
    except (OSError, ValueError):
        return ""
