"""Asynchronous endpoints: who queues requests, and who reads and writes what comes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.definition.account import Account
from pipeline.definition.bundle import Bundle
from pipeline.permissions.statements import (
    Statement,
    allow,
    key_use,
    list_statement,
    object_or_below,
)
from processing.base.aws_errors import explain
from processing.base.s3 import bucket_and_key
from processing.candidate.deployment import name_prefix
from processing.config.asynchronous import scratch_uri
from processing.config.endpoint import Endpoint
from processing.config.model import EvaluationConfig
from processing.endpoint.asynchronous import ResultPlace, result_place

if TYPE_CHECKING:
    from boto3 import Session


def invoke_action(endpoint: Endpoint) -> str:
    """What IAM decides about, for a call of the endpoint's kind."""
    return "sagemaker:InvokeEndpointAsync" if endpoint.asynchronous else "sagemaker:InvokeEndpoint"


def result_statements(
    configs: list[EvaluationConfig], places: tuple[ResultPlace, ...], account: Account
) -> list[Statement]:
    """For who asks: large requests are put and taken away, results are read where they are."""
    if not any(config.endpoint.asynchronous for config in configs):
        return []
    bucket, key = bucket_and_key(scratch_uri(configs[0].infrastructure))
    actions = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    statements = [allow("Queued", actions, account.s3(bucket, f"{key}/*"))]
    for number, place in enumerate(places, start=1):
        for kind, uri in (("Output", place.output), ("Failure", place.failure)):
            if uri:
                bucket, [*_, below] = object_or_below(uri)
                statements += [
                    allow(f"Queued{kind}{number}", ["s3:GetObject"], account.s3(bucket, below)),
                    list_statement(f"Queued{kind}List{number}", account, bucket, [below]),
                ]
        statements += key_use(f"QueuedKey{number}", account, place.kms_key, ["kms:Decrypt"])
    return statements


def container_statements(config: EvaluationConfig, account: Account) -> list[Statement]:
    """For a candidate's execution role, with which SageMaker reads requests and writes results."""
    if config.endpoint.asynchronous is None:
        return []
    bucket, key = bucket_and_key(scratch_uri(config.infrastructure))
    results = f"{key}/{name_prefix(config.pipeline.name)}*"
    kms_key = config.infrastructure.output_kms_key
    return [
        allow("QueuedInput", ["s3:GetObject"], account.s3(bucket, f"{key}/input/*")),
        allow("QueuedResults", ["s3:AbortMultipartUpload", "s3:PutObject"],
              account.s3(bucket, results)),
        *key_use("QueuedKey", account, kms_key, ["kms:Decrypt", "kms:GenerateDataKey"]),
    ]  # fmt: skip


def with_result_places(session: Session, bundle: Bundle) -> tuple[Bundle, list[str]]:
    """The bundle with where its asynchronous endpoints put results, and lines that say so."""
    from botocore.exceptions import BotoCoreError, ClientError

    configs = [bundle.config, *(variant.config for variant in bundle.variants)]
    asked = [config.endpoint for config in configs if not config.dataset.answers_given]
    names = dict.fromkeys(endpoint.name for endpoint in asked if endpoint.asynchronous)
    client = session.client("sagemaker") if names else None
    places, lines = [], []
    for name in names:
        try:
            place = result_place(client, name)
        except (BotoCoreError, ClientError) as error:
            said = explain(error, "caller")
            lines.append(f"note: the job role gets no right to the results of {name}: {said}")
            continue
        if place is None:
            lines.append(
                f"note: the job role gets no right to the results of {name}: it is no "
                "asynchronous endpoint"
            )
        else:
            places.append(place)
            lines.append(f"endpoint {name} puts results into {place.output}")
    return replace(bundle, result_places=tuple(places)), lines
