"""`candidate:`, how a model package is deployed while it is evaluated."""

from __future__ import annotations

from pydantic import Field

from processing.config import patterns
from processing.config.section import S3Uri, Section


class Candidate(Section):
    """The endpoint that a model package (ModelPackageArn) is deployed to while it is evaluated.

    `environment` is added to what the package says of its containers. `inference_ami_version` is
    chosen by `processing.candidate.inference_ami` if it is not given. `download_seconds` and
    `startup_seconds` are SageMaker's own limits for the model's data and the container's health
    check; after `wait_seconds` without InService the candidate counts as failed.
    `invocations_per_instance` is of an asynchronous endpoint. `model_data` and `images` are where
    candidates come from; only `permissions` asks, for what model_role may read.
    """

    instance_type: str = Field(pattern=patterns.INSTANCE)
    instance_count: int = Field(default=1, ge=1, le=16)
    inference_ami_version: str | None = Field(default=None, pattern=r"^[a-z0-9-]+$", max_length=63)
    volume_gb: int | None = Field(default=None, ge=1, le=512)
    download_seconds: int | None = Field(default=None, ge=60, le=3600)
    startup_seconds: int | None = Field(default=None, ge=60, le=3600)
    wait_seconds: int = Field(default=3600, ge=1, le=14400)
    invocations_per_instance: int | None = Field(default=None, ge=1, le=1000)
    environment: dict[str, str] = Field(default={}, max_length=100)
    network_isolation: bool = False
    model_data: list[S3Uri] = Field(default=[], max_length=10)
    images: list[str] = Field(default=[], max_length=10)
