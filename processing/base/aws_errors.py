"""AWS's errors, and those on the way to it, as one line each: what, where, how to fix it.

AWS's own message is always in the line. How to fix it depends on who asked: on a user's machine the
`caller`, in a job the `job` role, between them the `pipeline` role.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from processing.base.aws_hints import and_hint, who_acts
from processing.base.visible_text import visible

_LONGEST_MESSAGE = 700

_LOCAL = "`pipeline_definition.py local`"


def explain(error: BaseException, who: str = "caller", config: str = "evaluation.yaml") -> str:
    """The line for an exception of boto3's or botocore's; empty for any other.

    `who` acts: caller, pipeline or job. `config`: the file's name in the line.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    found = _of_boto(error)
    if found is None:
        return ""
    if isinstance(found, ClientError):
        said = _said(found.response, found.operation_name)
        return f"AWS: {said}{and_hint(said, who, config)}"
    if isinstance(found, BotoCoreError):
        return f"AWS: {_on_the_way(found)}"
    return f"AWS: {_single(str(found))}"


def with_hint(error: Any) -> str:
    """A ClientError's own message and how to fix it, for a line that says the rest."""
    said = _said(error.response, error.operation_name)
    message = _single(str(error.response["Error"].get("Message") or error)).rstrip(".")
    return f"{message}{and_hint(said, who_acts())}"


def _of_boto(error: BaseException) -> BaseException | None:
    """The exception that is AWS's or botocore's: the error itself, or what it was made from."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, ClientError | BotoCoreError):
        return error
    if isinstance(error, Boto3Error):  # S3UploadFailedError holds only the text of its cause
        inner = error.__cause__ or error.__context__
        return (_of_boto(inner) if inner else None) or error
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint: "):
        return _BadAddress(str(error).removeprefix("Invalid endpoint: "))
    return None


class _BadAddress(Exception):
    """AWS_ENDPOINT_URL, or a variable like it, is not an address; botocore raises a ValueError."""

    def __str__(self) -> str:
        return f"{self.args[0]!r} is not an address: AWS_ENDPOINT_URL must begin with http:// or https://"


def _said(response: Mapping[str, Any], operation: str) -> str:
    """Operation, code and AWS's message; with the bucket that S3 means."""
    error = response.get("Error", {})
    about = [str(error[name]) for name in ("BucketName", "Bucket") if error.get(name)]
    message = _single(str(error.get("Message") or "no reason given")).rstrip(".")
    where = f" ({about[0]})" if about and about[0] not in message else ""
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", "no code")
    return f"{operation}: {error.get('Code') or f'HTTP {status}'}: {message}{where}"


def _on_the_way(error: Any) -> str:
    """What kept a request from being made or answered."""
    from botocore import exceptions as of

    said = _single(str(error)).rstrip(".")
    if isinstance(error, of.HTTPClientError | of.ConnectionError):
        return f"{said}: {_unreachable(str(error.kwargs.get('endpoint_url', '')))}"
    for name, advice in _BEFORE_A_REQUEST.items():
        if isinstance(error, getattr(of, name)):
            return f"{said}: {advice}"
    return said


_BEFORE_A_REQUEST = {
    "NoCredentialsError": "export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, set AWS_PROFILE, or "
    f"log in (aws sso login); for the local AWS paste the lines that {_LOCAL} prints",
    "PartialCredentialsError": "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither",
    "ProfileNotFound": "correct AWS_PROFILE; `aws configure list-profiles` lists the profiles",
    "ConfigParseError": "correct that file, or AWS_CONFIG_FILE",
    "SSOError": "log in again (aws sso login)",
    "TokenRetrievalError": "log in again (aws sso login)",
    "CredentialRetrievalError": "log in again (aws sso login)",
    "NoRegionError": "set infrastructure.region in the file, or AWS_DEFAULT_REGION",
    "InvalidRegionError": "correct infrastructure.region, or AWS_DEFAULT_REGION",
}
"""By the names of botocore's exceptions, which are imported only when there is one."""


def _unreachable(address: str) -> str:
    given = [value for name, value in os.environ.items() if name.startswith("AWS_ENDPOINT_URL")]
    if re.match(r"https?://(127\.|localhost|\[::1\])", address) or any(
        address.startswith(value.rstrip("/")) for value in given if value
    ):
        return (
            f"AWS_ENDPOINT_URL leads there: start the local AWS ({_LOCAL}), or, for AWS itself, "
            "unset AWS_ENDPOINT_URL and its like"
        )
    return (
        "no network, a proxy that is not named (HTTPS_PROXY), or a region that AWS does not have "
        "(infrastructure.region, AWS_DEFAULT_REGION)"
    )


def _single(text: str) -> str:
    """One line, and not endless."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]} ..."
