"""`check --online`: everything that the file names is checked once, before a pipeline pays for it.

With the caller's credentials: that the job role may do the same is `permissions`' matter.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.checks.endpoint import ask_one_row
from pipeline.checks.judges import judge_looks
from pipeline.definition.architecture import architectures
from pipeline.definition.bundle import Bundle
from pipeline.definition.image import is_index, pushed_architecture
from pipeline.definition.lookup import group_is_there
from pipeline.definition.variants import Variant
from pipeline.permissions.artifact_store import check_artifact_store
from pipeline.permissions.platform import ECR_IMAGE
from pipeline.trigger.show import is_put, show
from processing.base.aws_hints import acting_as
from processing.base.errors import LaunchError
from processing.base.lent_variables import lend_environment
from processing.base.stored_secrets import StoredSecret, lend_mlflow_login

if TYPE_CHECKING:
    from boto3 import Session


@dataclass(frozen=True)
class Finding:
    """`outcome` is what was found, or why nothing was."""

    what: str
    outcome: str | Exception


def check_online(session: Session, bundle: Bundle) -> Iterator[Finding]:
    """One finding for each thing, in the order in which a pipeline needs them."""
    for what, look in [*account_looks(session, bundle), *service_looks(session, bundle)]:
        try:
            yield Finding(what, as_the_caller(look))
        except Exception as error:  # noqa: BLE001 whatever it is, the others are looked at too
            yield Finding(what, error)


def as_the_caller(look: Callable[[], str]) -> str:
    with acting_as("caller"):
        return look()


Look = tuple[str, Callable[[], str]]
"""What is looked at, and what tells what it is like, or raises."""


def account_looks(session: Session, bundle: Bundle) -> Iterator[Look]:
    """Whose account it is, and what has been made in it for the pipeline."""
    infrastructure = bundle.config.infrastructure
    yield "credentials", lambda: _account(session, bundle)
    yield f"bucket {infrastructure.bucket}", lambda: _bucket(session, bundle)
    roles = {
        "pipeline": infrastructure.pipeline_role,
        "job": infrastructure.job_role,
        "model": infrastructure.model_role,
        "stamp": infrastructure.stamp_role,
        "register": infrastructure.register_role,
    }
    for kind, arn in roles.items():
        if arn:
            yield f"{kind} role {arn.rpartition('/')[2]}", _role_look(session, arn)


def service_looks(session: Session, bundle: Bundle) -> Iterator[Look]:
    """What a run calls: image, endpoint, judges, secrets, MLflow, registry, trigger."""
    config, infrastructure = bundle.config, bundle.config.infrastructure
    lend_environment(infrastructure.environment)
    if found := ECR_IMAGE.fullmatch(infrastructure.image):
        yield f"image {found['name']}", _image_look(session, found, bundle)
    if not config.dataset.answers_given:
        yield f"endpoint {config.endpoint.name}", lambda: ask_one_row(session, bundle)
    yield from judge_looks(session, bundle)
    for variant in bundle.variants:
        yield from _variant_looks(session, bundle, variant)
    for variable, secret in config.secrets.items():
        yield f"secret {variable}", _secret_look(session, secret)
    uri = config.mlflow.tracking_uri
    yield f"MLflow {uri}", lambda: _mlflow(bundle)
    if config.mlflow.is_managed:
        yield "MLflow's artifacts", lambda: check_artifact_store(session, bundle)
    group = config.registration.model_package_group
    if config.registers:
        yield f"registry group {group}", lambda: _group(session, group)
    if config.has_rules:
        yield "trigger", lambda: _trigger(session, bundle)


def _variant_looks(session: Session, bundle: Bundle, variant: Variant) -> Iterator[Look]:
    """What a variant asks otherwise than the file does."""
    varied, named = replace(bundle, config=variant.config), f" of variant {variant.name}"
    asked = not variant.config.dataset.answers_given
    if asked and variant.config.endpoint != bundle.config.endpoint:
        endpoint = f"endpoint {variant.config.endpoint.name}{named}"
        yield endpoint, lambda: ask_one_row(session, varied)
    if variant.config.judge != bundle.config.judge:
        for judge, look in judge_looks(session, varied):
            yield f"{judge}{named}", look


def _account(session: Session, bundle: Bundle) -> str:
    identity = session.client("sts").get_caller_identity()
    role = bundle.config.infrastructure.pipeline_role
    if role.split(":")[4] != identity["Account"]:
        raise LaunchError(
            f"they are of account {identity['Account']} ({identity['Arn']}), and "
            f"infrastructure.pipeline_role is in {role.split(':')[4]}"
        )
    return str(identity["Arn"])


def _bucket(session: Session, bundle: Bundle) -> str:
    bucket = bundle.config.infrastructure.bucket
    answer = session.client("s3").get_bucket_location(Bucket=bucket)
    # API reference, GetBucketLocation: nothing is us-east-1, EU is eu-west-1
    where = {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(
        answer.get("LocationConstraint"), answer.get("LocationConstraint")
    )
    if where != session.region_name:
        raise LaunchError(
            f"it is in {where}, and the pipeline in {session.region_name}: its jobs take only "
            "buckets of their own region; infrastructure.bucket and .region belong together"
        )
    return str(where)


def _role_look(session: Session, arn: str) -> Callable[[], str]:
    def look() -> str:
        role = session.client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
        document: Any = role.get("AssumeRolePolicyDocument") or {}
        if isinstance(document, str):
            document = json.loads(urllib.parse.unquote(document))
        if "sagemaker.amazonaws.com" not in json.dumps(document):
            raise LaunchError(
                "it does not trust sagemaker.amazonaws.com; `pipeline_definition.py permissions "
                "create` fixes it"
            )
        return "there, and trusts SageMaker"

    return look


def _image_look(session: Session, found: re.Match[str], bundle: Bundle) -> Callable[[], str]:
    identity = {"imageDigest": found["digest"]} if found["digest"] else {
        "imageTag": found["tag"] or "latest"
    }  # fmt: skip

    def look() -> str:
        ecr = session.client("ecr", region_name=found["region"])
        described = ecr.describe_images(
            registryId=found["account"], repositoryName=found["name"], imageIds=[identity]
        )
        image = described["imageDetails"][0]
        if is_index(image.get("imageManifestMediaType", "")):
            raise LaunchError("it is an index of several manifests: make image, then `image`")
        built = pushed_architecture(image.get("imageTags", []))
        for key, wanted in architectures(bundle.config.infrastructure).items():
            if built not in (None, wanted):
                raise LaunchError(f"it is linux/{built}, and {key} needs linux/{wanted}")
        return str(image["imageDigest"])

    return look


def _secret_look(session: Session, secret: StoredSecret) -> Callable[[], str]:
    """Whether it is there; its value is the job's alone."""

    def look() -> str:
        if not secret.in_parameter_store:
            client = session.client("secretsmanager", region_name=secret.region)
            described = client.describe_secret(SecretId=secret.arn)
            if "DeletedDate" in described:
                raise LaunchError(f"{secret.arn} is about to be deleted: restore it")
            return "there"
        pages = (
            session.client("ssm", region_name=secret.region)
            .get_paginator("describe_parameters")
            .paginate(ParameterFilters=[{"Key": "Name", "Values": [secret.name]}])
        )
        if not any(page["Parameters"] for page in pages):
            raise LaunchError(f"there is no parameter {secret.arn}: put it, or correct the ARN")
        return "there"

    return look


def _mlflow(bundle: Bundle) -> str:
    """As the job tries it before its first call, in a run of its own."""
    from processing.config.judge import silence_libraries
    from processing.mlflow_record.trial import try_in_a_run_of_its_own

    silence_libraries()
    lend_mlflow_login(bundle.config.secrets, bundle.config.infrastructure.environment)
    mlflow, lacking = bundle.config.mlflow, list[str]()
    try_in_a_run_of_its_own(mlflow.tracking_uri, mlflow.experiment, lacking.append, patience=0)
    return "; ".join(["keeps traces, spans, verdicts and artifacts", *lacking])


def _group(session: Session, group: str) -> str:
    there = group_is_there(session.client("sagemaker"), group)
    return "there" if there else "not there yet: the first model that passes makes it"


def _trigger(session: Session, bundle: Bundle) -> str:
    """Raises LaunchError for what `trigger show` finds wrong, once `trigger put` has been typed."""
    if not is_put(session, bundle):
        return "not there yet: `trigger put` makes it"
    _, problems = show(session, bundle)
    if problems:
        raise LaunchError("; ".join(problems))
    return "there, and as the configuration says"
