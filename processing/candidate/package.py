"""The candidate: a model package of the registry that is deployed to be evaluated.

SageMaker deploys a package of a group by name only once it is Approved (API reference,
CreateModelPackage, ModelApprovalStatus). A candidate that still waits for its verdict is therefore
made from the containers that its package describes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from processing.base.aws_errors import with_hint
from processing.base.errors import CandidateError
from processing.calls.paid_store import key_of
from processing.endpoint.client import MeasuredModel, describe_model
from processing.endpoint.given import given_model

if TYPE_CHECKING:
    from processing.config.candidate import Candidate
    from processing.evaluation.job import EvaluationJob

PACKAGE_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:model-package/.+")

CONTAINER_MEMBERS = (
    *(
        "ContainerHostname",
        "Image",
        "ModelDataSource",
        "ModelDataUrl",
        "AdditionalModelDataSources",
    ),
    "Environment",
)
"""What a package says of a container and CreateModel takes too."""
DEPLOYED_AS = {"instance_type", "instance_count", "environment", "invocations_per_instance"}
"""What can change an answer or how long it takes."""
ONLY_BY_NAME = ("ProductId", "AdditionalS3DataSource")
"""What only SageMaker itself can deploy: Marketplace products, extra data beside the model."""


@dataclass(frozen=True)
class CandidatePackage:
    """A model package as DescribeModelPackage tells it; `group` is None for an unversioned one."""

    arn: str
    group: str | None
    approval: str
    containers: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """`group/version`, as the end of the ARN has it."""
        return self.arn.partition(":model-package/")[2]

    @property
    def images(self) -> list[str]:
        return [container["Image"] for container in self.containers if container.get("Image")]

    def identity(self, candidate: Candidate) -> str:
        """What an answer is kept under: the package, what is in it, and how it is deployed."""
        deployed = candidate.model_dump(include=DEPLOYED_AS, exclude_none=True)
        return f"{self.arn} {key_of(self.containers, deployed)}"


def read_package(client: Any, arn: str, approved_group: str) -> CandidatePackage:
    """Look up the candidate (a boto3 `sagemaker` client).

    Raises CandidateError if there is no such package, if it is not ready to be deployed, or if it
    is in `approved_group`, the one that evaluated models are registered in.
    """
    from botocore.exceptions import ClientError

    if not PACKAGE_ARN.fullmatch(arn):
        raise CandidateError(f"ModelPackageArn={arn} is not the ARN of a model package")
    try:
        described = client.describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        raise CandidateError(f"candidate {arn} cannot be described: {with_hint(error)}") from error
    status = described["ModelPackageStatus"]
    if status != "Completed":
        raise CandidateError(f"candidate {arn} is {status}, not Completed: it cannot be deployed")
    containers = described.get("InferenceSpecification", {}).get("Containers", [])
    if not containers:
        raise CandidateError(f"candidate {arn} has no InferenceSpecification: nothing to deploy")
    group = described.get("ModelPackageGroupName")
    if group == approved_group:
        raise CandidateError(
            f"candidate {arn} is in registration.model_package_group {approved_group} itself: "
            "candidates need a group of their own, or each registration would be the next candidate"
        )
    return CandidatePackage(arn, group, described.get("ModelApprovalStatus", ""), containers)


def model_containers(
    package: CandidatePackage, environment: dict[str, str]
) -> list[dict[str, Any]]:
    """CreateModel's Containers, one at least; a package that is deployed by name is one.

    Raises CandidateError for a package without an image, and for what cannot be deployed
    unapproved.
    """
    _require_images(package)
    if package.group is None or package.approval == "Approved":
        by_name: dict[str, Any] = {"ModelPackageName": package.arn}
        return [{**by_name, "Environment": environment} if environment else by_name]
    return [_container(package, container, environment) for container in package.containers]


def _require_images(package: CandidatePackage) -> None:
    """A Marketplace product has its image elsewhere; every other container needs one."""
    for container in package.containers:
        if container.get("Image") or container.get("ProductId"):
            continue
        base = container.get("BaseModel", {}).get("HubContentName")
        what = (
            f"is a fine-tuning job's output: weights for {base} of SageMaker's hub, without an "
            "inference image"
            if base
            else "has a container without Image"
        )
        raise CandidateError(
            f"candidate {package.arn} {what}, so CreateModel cannot make a model of it: register "
            "it again with an image in InferenceSpecification.Containers, or deploy it yourself "
            "(sagemaker.serve.ModelBuilder finds the base model's image) and evaluate that "
            "endpoint with -p EndpointName=..."
        )


def _container(
    package: CandidatePackage, container: dict[str, Any], environment: dict[str, str]
) -> dict[str, Any]:
    hindrance = next((name for name in ONLY_BY_NAME if container.get(name)), None)
    if hindrance:
        raise CandidateError(
            f"candidate {package.arn} is {package.approval} and has {hindrance}: SageMaker deploys "
            "it only by its name, and that only when it is Approved"
        )
    taken = {name: container[name] for name in CONTAINER_MEMBERS if container.get(name)}
    if "ModelDataSource" in taken:
        taken.pop("ModelDataUrl", None)  # CreateModel takes one of the two; Describe may show both
    together = {**container.get("Environment", {}), **environment}
    return {**taken, "Environment": together} if together else taken


def measured_model(client: Any, job: EvaluationJob) -> MeasuredModel:
    """The model that `job.endpoint` serves; for a candidate, as the package that it is made from.

    Of given answers it is the one that the file names. Raises EndpointError or CandidateError.
    """
    if job.config.dataset.answers_given:
        return given_model(job.config.registration.model)
    model = describe_model(client, job.endpoint)
    if job.model_package_arn is None or job.config.candidate is None:
        return model
    group = job.config.registration.model_package_group
    package = read_package(client, job.model_package_arn, group)
    return replace(
        model,
        model_name=package.name,
        source_uri=package.arn,
        kept_as=package.identity(job.config.candidate),
    )
