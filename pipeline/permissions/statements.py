"""IAM policy documents and their statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.definition.account import Account
from processing.base.s3 import bucket_and_key

Statement = dict[str, Any]
Document = dict[str, Any]


def allow(
    sid: str,
    actions: Iterable[str],
    resources: Iterable[str],
    condition: Mapping[str, Mapping[str, Any]] | None = None,
) -> Statement:
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": list(dict.fromkeys(resources)),
    }
    return {**statement, "Condition": dict(condition)} if condition else statement


def object_or_below(uri: str) -> tuple[str, list[str]]:
    """Of s3://bucket/key: the bucket, and patterns for the key and for all below it as a folder."""
    bucket, key = bucket_and_key(uri)
    key = key.rstrip("/")
    return bucket, [key, f"{key}/*"] if key else ["*"]


def list_statement(sid: str, account: Account, bucket: str, below: list[str]) -> Statement:
    """Listing these keys of a bucket, and being told that one is missing.

    GetObject of a key that is not there is answered with 404 only to who may list the bucket, and
    with 403 else; such a request has no s3:prefix, hence IfExists.
    """
    condition = {"StringLikeIfExists": {"s3:prefix": below}}
    return allow(sid, ["s3:ListBucket"], account.s3(bucket), condition)


def pass_role(sid: str, roles: Iterable[str], service: str) -> Statement:
    """These roles, to this service, and no other."""
    return allow(sid, ["iam:PassRole"], roles, {"StringEquals": {"iam:PassedToService": service}})


def document(statements: Iterable[Statement]) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(service: str, account: str, source_arns: Iterable[str]) -> Document:
    """A service may take the role, but only for these resources of this account."""
    return document(
        [
            {
                "Sid": "Service",
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account},
                    "ArnLike": {"aws:SourceArn": list(source_arns)},
                },
            }
        ]
    )


def key_use(sid: str, account: Account, key: str | None, actions: Iterable[str]) -> list[Statement]:
    """Use of a KMS key given as an ARN, an id or an alias; nothing without a key.

    An alias is no resource in IAM: it is named in a condition on whatever key it belongs to.
    """
    if key is None:
        return []
    name = key.rpartition(":")[2] if key.startswith("arn:") else key
    if name.startswith("alias/"):
        alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": name}}
        return [allow(sid, actions, [account.arn("kms", "key/*")], alias)]
    arn = key if key.startswith("arn:") else account.arn("kms", f"key/{key}")
    return [allow(sid, actions, [arn])]
