"""A candidate's own model, endpoint configuration and endpoint: made, waited for, deleted.

All three are made inside the evaluation job and not by pipeline steps: no step type deletes an
endpoint, a stopped execution runs no further steps, and a Fail step ends the execution. What costs
money by the hour has to be deleted by a process that lives as long as it is needed. The tags tell
`processing.candidate.cleanup` what a job that was killed has left.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from processing.base.aws_errors import explain
from processing.base.errors import CandidateError, ConfigError
from processing.candidate.inference_ami import inference_ami_version
from processing.candidate.package import CandidatePackage, model_containers
from processing.config.asynchronous import scratch_uri
from processing.config.candidate import Candidate
from processing.config.model import EvaluationConfig

PIPELINE_TAG = "llm-evaluation:pipeline"
EXECUTION_TAG = "llm-evaluation:execution"
CREATED_TAG = "llm-evaluation:created"
PACKAGE_TAG = "llm-evaluation:model-package"

VARIANT = "AllTraffic"
NAME_LENGTH = 63
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0
REPORT_SECONDS = 60.0


def name_prefix(pipeline: str) -> str:
    """What the names of a pipeline's candidates begin with; for IAM policies too.

    In small letters, as SageMaker writes them in ARNs.
    """
    return f"{pipeline[:30].rstrip('-')}-candidate-".lower()


@dataclass(frozen=True)
class Deployment:
    """`name` is that of the model, the endpoint configuration and the endpoint."""

    name: str
    tags: dict[str, str]

    @property
    def execution_arn(self) -> str:
        return self.tags.get(EXECUTION_TAG, "")

    @property
    def created(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.tags[CREATED_TAG])


def plan(
    config: EvaluationConfig, package: CandidatePackage, execution_arn: str, job_name: str
) -> Deployment:
    """The name says the execution and, by a digest, the job: a retried job needs another one."""
    execution = execution_arn.rpartition("/")[2] or "by-hand"
    attempt = hashlib.sha256(job_name.encode()).hexdigest()[:6]
    tags = {
        **config.infrastructure.tags,
        PIPELINE_TAG: config.pipeline.name,
        EXECUTION_TAG: execution_arn or "by-hand",
        CREATED_TAG: dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        PACKAGE_TAG: package.arn[:256],
    }
    head = f"{name_prefix(config.pipeline.name)}{execution}"
    return Deployment(f"{head[: NAME_LENGTH - len(attempt) - 1]}-{attempt}", tags)


def create(
    client: Any, deployment: Deployment, package: CandidatePackage, config: EvaluationConfig
) -> None:
    """Model, endpoint configuration, endpoint. Raises CandidateError where AWS refuses."""
    from botocore.exceptions import BotoCoreError, ClientError

    name = deployment.name
    tags = [{"Key": key, "Value": value} for key, value in deployment.tags.items()]
    try:
        client.create_model(
            ModelName=name, Tags=tags, **_model_request(package, config), **_network(config)
        )
        client.create_endpoint_config(
            **endpoint_config_request(name, config, package.images), Tags=tags
        )
        client.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=tags)
    except (ClientError, BotoCoreError) as error:
        raise CandidateError(
            f"candidate {package.arn} cannot be deployed: {explain(error, 'job')}"
        ) from error


def _model_request(package: CandidatePackage, config: EvaluationConfig) -> dict[str, Any]:
    """Several containers are an inference pipeline, a single one is not."""
    candidate = candidate_section(config)
    containers = model_containers(package, candidate.environment)
    request: dict[str, Any] = {
        "ExecutionRoleArn": config.infrastructure.model_role,
        **(
            {"PrimaryContainer": containers[0]}
            if len(containers) == 1
            else {"Containers": containers}
        ),
    }
    return {**request, "EnableNetworkIsolation": True} if candidate.network_isolation else request


def _network(config: EvaluationConfig) -> dict[str, Any]:
    """The candidate goes where the jobs are."""
    infrastructure = config.infrastructure
    if not infrastructure.subnets:
        return {}
    return {
        "VpcConfig": {
            "Subnets": infrastructure.subnets,
            "SecurityGroupIds": infrastructure.security_group_ids,
        }
    }


def endpoint_config_request(
    name: str, config: EvaluationConfig, images: Iterable[str] = ()
) -> dict[str, Any]:
    """Of CreateEndpointConfig, without tags. `name` is the model's too, `images` are in it."""
    candidate = candidate_section(config)
    optional = {
        "InferenceAmiVersion": inference_ami_version(
            candidate.instance_type, candidate.inference_ami_version, images
        ),
        "VolumeSizeInGB": candidate.volume_gb,
        "ModelDataDownloadTimeoutInSeconds": candidate.download_seconds,
        "ContainerStartupHealthCheckTimeoutInSeconds": candidate.startup_seconds,
    }
    variant = {
        "VariantName": VARIANT,
        "ModelName": name,
        "InstanceType": candidate.instance_type,
        "InitialInstanceCount": candidate.instance_count,
        **{member: value for member, value in optional.items() if value is not None},
    }
    request = {"EndpointConfigName": name, "ProductionVariants": [variant]}
    if config.endpoint.asynchronous is None:
        return request
    return {**request, "AsyncInferenceConfig": _asynchronous(name, config)}


def _asynchronous(name: str, config: EvaluationConfig) -> dict[str, Any]:
    """Results and failures go below the pipeline's own prefix."""
    infrastructure, candidate = config.infrastructure, candidate_section(config)
    place = f"{scratch_uri(infrastructure)}/{name}"
    output = {"S3OutputPath": f"{place}/output", "S3FailurePath": f"{place}/failure"}
    if infrastructure.output_kms_key:
        output["KmsKeyId"] = infrastructure.output_kms_key
    at_once = candidate.invocations_per_instance
    client = {"MaxConcurrentInvocationsPerInstance": at_once} if at_once else {}
    return {"OutputConfig": output, **({"ClientConfig": client} if client else {})}


def candidate_section(config: EvaluationConfig) -> Candidate:
    """Raises ConfigError if the file has none."""
    if config.candidate is None:
        raise ConfigError(
            "ModelPackageArn was given, but evaluation.yaml has no section candidate: "
            "it says on which instances a model package is deployed"
        )
    return config.candidate


def wait_until_in_service(client: Any, deployment: Deployment, seconds: float) -> None:
    """Raises CandidateError, with SageMaker's reason, if it fails or takes too long."""
    started = reported = time.monotonic()
    pause = FIRST_PAUSE_SECONDS
    while True:
        described = client.describe_endpoint(EndpointName=deployment.name)
        status, now = described["EndpointStatus"], time.monotonic()
        if status == "InService":
            print(f"endpoint {deployment.name} is in service after {now - started:.0f} s")
            return
        if status != "Creating":
            reason = described.get("FailureReason", "SageMaker gives no reason")
            raise CandidateError(
                f"candidate {deployment.tags[PACKAGE_TAG]} did not start: endpoint "
                f"{deployment.name} is {status}: {reason}; its log is "
                f"/aws/sagemaker/Endpoints/{deployment.name}"
            )
        if now - started > seconds:
            raise CandidateError(
                f"candidate {deployment.tags[PACKAGE_TAG]} is still not in service after "
                f"{seconds:.0f} s (candidate.wait_seconds, and no longer than the job's "
                "evaluate.max_runtime_seconds allows); its log is "
                f"/aws/sagemaker/Endpoints/{deployment.name}"
            )
        if now - reported > REPORT_SECONDS:
            reported = now
            print(f"endpoint {deployment.name} is {status} ({now - started:.0f} s)", flush=True)
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


def delete(client: Any, name: str, deadline: Callable[[], float]) -> list[str]:
    """Delete endpoint, configuration and model of that name; what is not there is no error.

    SageMaker refuses to delete an endpoint that is still being created, so this goes on trying
    until `deadline()` (of `time.monotonic()`; it may come nearer). The other two wait for the
    endpoint: without them nobody could tell what it runs on. Returns what is left, with reasons.
    """
    deletions = {
        "endpoint": lambda: client.delete_endpoint(EndpointName=name),
        "endpoint configuration": lambda: client.delete_endpoint_config(EndpointConfigName=name),
        "model": lambda: client.delete_model(ModelName=name),
    }
    waiting = list(deletions)
    for kind, call in deletions.items():
        reason = _deleted(call, deadline)
        if reason:
            return [f"{left} {name}: {reason}" for left in waiting]
        waiting.remove(kind)
    return []


def _deleted(call: Callable[[], object], deadline: Callable[[], float]) -> str:
    """Why it could not be deleted; empty if it is gone."""
    from botocore.exceptions import BotoCoreError, ClientError

    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            call()
        except ClientError as error:
            reason = str(error.response["Error"].get("Message", error))
            if "could not find" in reason.lower():
                return ""
            if error.response["Error"].get("Code", "").startswith("AccessDenied"):
                return reason
        except BotoCoreError as error:
            reason = str(error)
        else:
            return ""
        if time.monotonic() + pause > deadline():
            return reason
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
