"""What the two processing steps have in common: the container, the machine, inputs and outputs."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pipeline.definition.bundle import Bundle
from processing.base.code_digest import VARIABLE, code_digest
from processing.base.errors import DEBUG
from processing.config.infrastructure import Infrastructure, Machine

if TYPE_CHECKING:
    from sagemaker.core.processing import Processor
    from sagemaker.core.shapes.shapes import ProcessingInput, ProcessingOutput
    from sagemaker.core.workflow.pipeline_context import PipelineSession

INPUT_FOLDER, OUTPUT_FOLDER = "/opt/ml/processing/input", "/opt/ml/processing/output"


def processor(
    bundle: Bundle,
    session: PipelineSession,
    machine: Machine,
    module: str,
    *,
    role: str | None = None,
    environment: Mapping[str, Any] = MappingProxyType({}),
) -> Processor:
    """A Processor that runs `python3 -m module` in the configured image, as the job role or `role`.

    The code is in the image, so building the definition uploads nothing and calls nobody. The
    digest of this working copy's code goes along: an image of other code refuses to run.
    """
    from sagemaker.core.processing import Processor

    infrastructure = bundle.config.infrastructure
    return Processor(
        role=role or infrastructure.job_role,
        image_uri=infrastructure.image,
        instance_count=machine.instance_count,
        instance_type=machine.instance_type,
        volume_size_in_gb=machine.volume_gb,
        volume_kms_key=infrastructure.volume_kms_key,
        output_kms_key=infrastructure.output_kms_key,
        max_runtime_in_seconds=machine.max_runtime_seconds,
        entrypoint=["python3", "-m", module],
        env={
            **infrastructure.environment,
            VARIABLE: code_digest(),
            **({DEBUG: "1"} if os.environ.get(DEBUG) else {}),
            **environment,
        },
        tags=sdk_tags(infrastructure),
        network_config=_network(infrastructure),
        sagemaker_session=session,
    )


def step_arguments(processor: Processor, **run_arguments: Any) -> Any:
    """What `processor.run` would send: under a PipelineSession it starts nothing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Running within a PipelineSession")
        return processor.run(**run_arguments)


def s3_input(name: str, uri: Any, *, sharded: bool = False) -> ProcessingInput:
    """An object or prefix in S3 that the job finds under /opt/ml/processing/input/<name>.

    Every instance finds all of it or, if `sharded`, each some of the objects below the prefix.
    """
    from sagemaker.core.shapes.shapes import ProcessingInput, ProcessingS3Input

    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(
            s3_uri=uri,
            local_path=f"{INPUT_FOLDER}/{name}",
            s3_data_type="S3Prefix",
            s3_input_mode="File",
            s3_data_distribution_type="ShardedByS3Key" if sharded else "FullyReplicated",
        ),
    )


def run_output(bundle: Bundle, name: str) -> ProcessingOutput:
    """/opt/ml/processing/output/<name>, kept in s3://bucket/prefix/runs/<execution id>/<name>."""
    return _output(name, run_file_uri(bundle, name), "EndOfJob")


def store_output(bundle: Bundle) -> ProcessingOutput:
    """What has been paid for, in one place for all executions.

    Uploaded while the job runs, so that nothing is lost if it is killed; each job writes files of
    its own name.
    """
    return _output("store", bundle.uri("store"), "Continuous")


def _output(name: str, uri: Any, mode: str) -> ProcessingOutput:
    from sagemaker.core.shapes.shapes import ProcessingOutput, ProcessingS3Output

    return ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(
            s3_uri=uri, local_path=f"{OUTPUT_FOLDER}/{name}", s3_upload_mode=mode
        ),
    )


def run_file_uri(bundle: Bundle, *parts: str) -> Any:
    """The S3 URI of something of this execution, as a Join that AWS resolves at run time."""
    from sagemaker.core.workflow.execution_variables import ExecutionVariables
    from sagemaker.core.workflow.functions import Join

    values = [bundle.uri("runs"), ExecutionVariables.PIPELINE_EXECUTION_ID, *parts]
    return Join(on="/", values=values)


def retry_policies() -> Sequence[Any]:
    """AWS's own trouble is worth another attempt; a job that exits non-zero is not."""
    from sagemaker.mlops.workflow.retry import (
        SageMakerJobExceptionTypeEnum,
        SageMakerJobStepRetryPolicy,
        StepExceptionTypeEnum,
        StepRetryPolicy,
    )

    return [
        SageMakerJobStepRetryPolicy(
            exception_types=[
                SageMakerJobExceptionTypeEnum.CAPACITY_ERROR,
                SageMakerJobExceptionTypeEnum.INTERNAL_ERROR,
            ],
            interval_seconds=60,
            backoff_rate=2.0,
            max_attempts=5,
        ),
        StepRetryPolicy(
            exception_types=[StepExceptionTypeEnum.THROTTLING, StepExceptionTypeEnum.SERVICE_FAULT],
            interval_seconds=5,
            backoff_rate=2.0,
            max_attempts=5,
        ),
    ]


def sdk_tags(infrastructure: Infrastructure) -> list[dict[str, str]]:
    """The configured tags in the form of the AWS API."""
    return [{"Key": key, "Value": value} for key, value in infrastructure.tags.items()]


def _network(infrastructure: Infrastructure) -> Any:
    from sagemaker.core.network import NetworkConfig

    if not infrastructure.subnets and not infrastructure.encrypt_inter_container_traffic:
        return None
    return NetworkConfig(
        # the job has to reach the endpoint, the judge and MLflow
        enable_network_isolation=False,
        subnets=infrastructure.subnets or None,
        security_group_ids=infrastructure.security_group_ids or None,
        encrypt_inter_container_traffic=infrastructure.encrypt_inter_container_traffic,
    )
