"""What a CreateProcessingJob request asks for, and which of it the local AWS cannot give.

Without effect here, since they change where a job runs and not what it computes: instance types
(but for `docker_runner`), volume sizes, KMS keys, VPC subnets and security groups, encryption
between instances, the role.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

OPT_ML = PurePosixPath("/opt/ml")
PROCESSING_ROOT = OPT_ML / "processing"
_DEFAULT_MAX_RUNTIME_SECONDS = 86_400


@dataclass(frozen=True)
class Input:
    """S3 objects that the job finds under `local_path`, relative to /opt/ml."""

    s3_uri: str
    local_path: PurePosixPath
    sharded: bool


@dataclass(frozen=True)
class Output:
    """A folder, relative to /opt/ml, that the job leaves in S3."""

    s3_uri: str
    local_path: PurePosixPath
    continuous: bool


def unsupported_features(request: dict[str, Any]) -> Iterator[str]:
    """Names of what the request uses and the local AWS does not have.

    Works on literal requests and on a step's arguments; functions in the latter are left for the
    moment when they have a value.
    """
    for entry in request.get("ProcessingInputs") or []:
        place = f"ProcessingInputs[{entry.get('InputName')}]"
        if "DatasetDefinition" in entry:
            yield f"{place}.DatasetDefinition"
        member = entry.get("S3Input") or {}
        path = _local_path(member, "input", entry.get("InputName"))
        yield from _unsupported_members(f"{place}.S3Input", member, path)
    for entry in (request.get("ProcessingOutputConfig") or {}).get("Outputs") or []:
        place = f"ProcessingOutputConfig.Outputs[{entry.get('OutputName')}]"
        if "FeatureStoreOutput" in entry:
            yield f"{place}.FeatureStoreOutput"
        member = entry.get("S3Output") or {}
        path = _local_path(member, "output", entry.get("OutputName"))
        yield from _unsupported_members(f"{place}.S3Output", member, path)


def _unsupported_members(place: str, member: dict[str, Any], path: Any) -> Iterator[str]:
    if member.get("S3DataType") == "ManifestFile":
        yield f"{place}.S3DataType ManifestFile"
    if member.get("S3InputMode") == "Pipe":
        yield f"{place}.S3InputMode Pipe"
    if member.get("S3CompressionType") == "Gzip":
        yield f"{place}.S3CompressionType Gzip"
    if isinstance(path, str) and not _is_under_processing(path):
        yield f"{place}.LocalPath {path} (it must be under {PROCESSING_ROOT})"


def _is_under_processing(path: str) -> bool:
    return PurePosixPath(path).is_relative_to(PROCESSING_ROOT) and ".." not in path.split("/")


def inputs(request: dict[str, Any]) -> list[Input]:
    return [
        Input(
            s3_uri=entry["S3Input"]["S3Uri"],
            local_path=_relative_path(entry["S3Input"], "input", entry["InputName"]),
            sharded=entry["S3Input"].get("S3DataDistributionType") == "ShardedByS3Key",
        )
        for entry in request.get("ProcessingInputs") or []
        if "S3Input" in entry
    ]


def outputs(request: dict[str, Any]) -> list[Output]:
    return [
        Output(
            s3_uri=entry["S3Output"]["S3Uri"],
            local_path=_relative_path(entry["S3Output"], "output", entry["OutputName"]),
            continuous=entry["S3Output"]["S3UploadMode"] == "Continuous",
        )
        for entry in (request.get("ProcessingOutputConfig") or {}).get("Outputs") or []
        if "S3Output" in entry
    ]


def instance_count(request: dict[str, Any]) -> int:
    cluster = request["ProcessingResources"]["ClusterConfig"]
    return int(cluster.get("InstanceCount") or 1)


def instance_type(request: dict[str, Any]) -> str:
    return str(request["ProcessingResources"]["ClusterConfig"].get("InstanceType") or "")


def max_runtime_seconds(request: dict[str, Any]) -> int:
    """SageMaker's default is one day."""
    condition = request.get("StoppingCondition") or {}
    return int(condition.get("MaxRuntimeInSeconds") or _DEFAULT_MAX_RUNTIME_SECONDS)


def is_network_isolated(request: dict[str, Any]) -> bool:
    return bool((request.get("NetworkConfig") or {}).get("EnableNetworkIsolation"))


def _local_path(member: dict[str, Any], kind: str, name: Any) -> Any:
    """LocalPath, which may be a function in a step's arguments, or SageMaker's default."""
    return member.get("LocalPath") or f"{PROCESSING_ROOT}/{kind}/{name}"


def _relative_path(member: dict[str, Any], kind: str, name: str) -> PurePosixPath:
    return PurePosixPath(_local_path(member, kind, name)).relative_to(OPT_ML)
