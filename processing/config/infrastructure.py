"""`infrastructure:`, the roles, bucket, image, instances and network of the jobs."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from processing.config import patterns
from processing.config.section import Section
from processing.config.variables import require_variables

RoleArn = Annotated[str, Field(pattern=patterns.ROLE)]


class Machine(Section):
    """The instances that one processing job runs on."""

    instance_type: str = Field(default="ml.m5.large", pattern=patterns.INSTANCE)
    volume_gb: int = Field(default=30, ge=1, le=16384)
    max_runtime_seconds: int = Field(default=4 * 3600, ge=60, le=777_600)
    instance_count: int = Field(default=1, ge=1, le=100)


class Infrastructure(Section):
    region: str | None = Field(default=None, pattern=patterns.REGION)
    bucket: str = Field(pattern=patterns.BUCKET)
    prefix: str = Field(default="llm-evaluation", pattern=r"^[^/].*[^/]$|^[^/]$")
    pipeline_role: RoleArn
    job_role: RoleArn
    trigger_role: RoleArn | None = None
    model_role: RoleArn | None = None
    stamp_role: RoleArn | None = None
    register_role: RoleArn | None = None
    sweep_role: RoleArn | None = None
    image: str = Field(min_length=1, max_length=255)
    prepare: Machine = Machine()
    evaluate: Machine = Machine()
    volume_kms_key: str | None = Field(default=None, max_length=2048)
    output_kms_key: str | None = Field(default=None, max_length=2048)
    subnets: list[str] = Field(default=[], max_length=16)
    security_group_ids: list[str] = Field(default=[], max_length=5)
    encrypt_inter_container_traffic: bool = False
    # a job takes 100 of 256 characters each, and three are ours
    environment: Annotated[
        dict[str, Annotated[str, Field(max_length=256)]], AfterValidator(require_variables)
    ] = Field(default={}, max_length=97)
    # a resource takes 50, and a candidate's endpoint has four more
    tags: dict[str, str] = Field(default={}, max_length=46)

    @model_validator(mode="after")
    def _vpc_is_whole(self) -> Self:
        if bool(self.subnets) != bool(self.security_group_ids):
            raise ValueError("a VPC needs both subnets: and security_group_ids:")
        return self

    @model_validator(mode="after")
    def _one_instance_prepares(self) -> Self:
        if self.prepare.instance_count > 1:
            raise ValueError("instance_count: is for evaluate: one instance prepares the dataset")
        return self
