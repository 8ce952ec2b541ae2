"""What is evaluated, on what, and against what: for the jobs, `check --online` and `try`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.definition.account import Account
from pipeline.definition.bundle import Bundle
from pipeline.permissions.asynchronous import invoke_action, result_statements
from pipeline.permissions.statements import (
    Statement,
    allow,
    key_use,
    list_statement,
    object_or_below,
)
from processing.base.errors import DatasetError
from processing.config.capture import read_capture
from processing.config.model import EvaluationConfig
from processing.dataset.capture_files import CapturePlace, capture_place

if TYPE_CHECKING:
    from boto3 import Session


def dataset_statements(bundle: Bundle, account: Account) -> list[Statement]:
    """A dataset that stands in S3 already; one that is uploaded lies below the prefix."""
    dataset = bundle.dataset_uri
    if bundle.config.dataset.from_capture:
        return _capture_statements(bundle, account)
    if not dataset.startswith("s3://") or bundle.dataset_upload is not None:
        return []
    bucket, keys = object_or_below(dataset)
    return [
        allow("ReadDataset", ["s3:GetObject"], account.s3(bucket, *keys)),
        list_statement("ListDataset", account, bucket, keys),
    ]


def _capture_statements(bundle: Bundle, account: Account) -> list[Statement]:
    """Where the endpoint's calls are captured; without `s3=`, `permissions create` looks it up."""
    source = read_capture(bundle.config.dataset.source)
    endpoint = account.sagemaker(f"endpoint/{source.endpoint}")
    statements = [allow("CapturedEndpoint", ["sagemaker:DescribeEndpoint"], endpoint)]
    place = bundle.capture_place or CapturePlace(source.s3 or "")
    if place.uri:
        bucket, [key, *_] = object_or_below(place.uri)
        below = f"{key}/{source.endpoint}/*" if key != "*" else f"{source.endpoint}/*"
        statements += [
            allow("ReadCaptured", ["s3:GetObject"], account.s3(bucket, below)),
            list_statement("ListCaptured", account, bucket, [below]),
            *key_use("CapturedKey", account, place.kms_key, ["kms:Decrypt"]),
        ]
    return statements


def labels_statements(bundle: Bundle, account: Account) -> list[Statement]:
    """A file of people's labels that stands in S3; one beside the configuration is uploaded."""
    named = dict.fromkeys(config.labels for config in evaluated_configs(bundle))
    files = [object_or_below(name) for name in named if name and name.startswith("s3://")]
    statements = []
    for number, (bucket, [key, *_]) in enumerate(files):
        which = "" if len(files) == 1 else str(number + 1)
        statements += [
            allow(f"ReadLabels{which}", ["s3:GetObject"], account.s3(bucket, key)),
            list_statement(f"ListLabels{which}", account, bucket, [key, f"{key}/*"]),
        ]
    return statements


def endpoint_statements(bundle: Bundle, account: Account) -> list[Statement]:
    """The model behind the endpoint may change, so its configuration and model can be any."""
    if bundle.config.dataset.answers_given:
        return []
    endpoints = [config.endpoint for config in evaluated_configs(bundle)]
    names = dict.fromkeys(f"endpoint/{endpoint.name}" for endpoint in endpoints)
    statements = [
        allow("Endpoint", {"sagemaker:DescribeEndpoint", *map(invoke_action, endpoints)},
              account.sagemaker(*names)),
        allow("Measured", ["sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel"],
              account.sagemaker("endpoint-config/*", "model/*")),
        *result_statements(evaluated_configs(bundle), bundle.result_places, account),
    ]  # fmt: skip
    components = dict.fromkeys(e.inference_component for e in endpoints if e.inference_component)
    if components:
        component = account.sagemaker(*(f"inference-component/{name}" for name in components))
        actions = ["sagemaker:DescribeInferenceComponent", "sagemaker:InvokeEndpoint"]
        statements.append(allow("Component", actions, component))
    return statements


def with_capture_place(session: Session, bundle: Bundle) -> tuple[Bundle, list[str]]:
    """The bundle with where the endpoint's calls are captured, and a line that says so."""
    dataset = bundle.config.dataset
    if not dataset.from_capture:
        return bundle, []
    try:
        place = capture_place(
            session.client("sagemaker"), read_capture(dataset.source), who="caller"
        )
    except DatasetError as error:
        return bundle, [f"note: the job role gets no right to captured calls: {error}"]
    return replace(bundle, capture_place=place), [f"captured calls are in {place.uri}"]


def evaluated_configs(bundle: Bundle) -> list[EvaluationConfig]:
    """The file, and the file with each variant's overrides."""
    return [bundle.config, *(variant.config for variant in bundle.variants)]


def champion_statements(bundle: Bundle, account: Account) -> list[Statement]:
    """Which version the evaluated model is held against."""
    if all(config.champion is None for config in evaluated_configs(bundle)):
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
