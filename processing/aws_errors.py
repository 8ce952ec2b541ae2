"""AWS's errors, and those on the way to it, as one line each: what, where, how to mend it.

AWS's own message is always in the line. What mends it depends on who asked: on a user's machine the
`caller`, in a job the `job` role, between them the `pipeline` role.
Sources: the API references' common errors, and what people report of each service; the sentences
of Bedrock's and SageMaker's that are matched here were not seen by us on AWS.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST_MESSAGE = 700

_LOCAL = "`pipeline_definition.py local`"
_POLICY = "`pipeline_definition.py permissions show {who}`"


@dataclass(frozen=True)
class _Mend:
    """`advice` for what says `pattern`, in "Operation: Code: message", by whoever `{policy}` is."""

    pattern: str
    advice: str


_MENDS = (
    # credentials
    _Mend(
        r"ExpiredToken|RequestExpired|TokenRefreshRequired|token .*(is|has) expired",
        "the credentials have expired: log in again (aws sso login), or export new ones",
    ),
    _Mend(
        r"RequestTimeTooSkewed|Signature expired|Signature not yet current",
        "this machine's clock is wrong: set it",
    ),
    _Mend(
        r"UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch"
        r"|InvalidSignature|AuthFailure|IncompleteSignature|MissingAuthenticationToken",
        "AWS does not know these credentials: see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, "
        "AWS_SESSION_TOKEN and AWS_PROFILE; `aws sts get-caller-identity` says whose they are",
    ),
    # roles
    _Mend(
        r"iam:PassRole",
        "who starts it must be allowed to hand that role on: {policy} prints the policy",
    ),
    _Mend(
        r"[Cc]ould not assume role|unable to (assume|perform: sts:AssumeRole)"
        r"|execution role ARN .* is invalid|trust relationship",
        "the role is not there, or does not trust the service: `pipeline_definition.py "
        "permissions create` makes and mends the roles that infrastructure: names",
    ),
    # judges
    _Mend(
        r"have access to the model|aws-marketplace:|use case details",
        "enable the model for this account (Bedrock console, Model access, in the region that "
        "asks), or name another in judge.model",
    ),
    _Mend(
        r"on-demand throughput isn",
        "write an inference profile into judge.model: the id with its area before it, as in "
        "bedrock:/us.anthropic.claude-..., or the profile's ARN",
    ),
    _Mend(
        r"model identifier is invalid|resolve the foundation model|end of its life"
        r"|ResourceNotFoundException: .*[Mm]odel",
        "judge.model names no model that Bedrock has in this region: `aws bedrock "
        "list-foundation-models` and `list-inference-profiles` say which there are",
    ),
    # rights in general
    _Mend(
        r"perform: iam:",
        "`pipeline_definition.py permissions show administrator` prints the policy of who makes "
        "roles",
    ),
    _Mend(
        r"AccessDenied|not authorized to perform|UnauthorizedOperation|: (403|Forbidden): "
        r"|AllAccessDisabled",
        "{policy} prints the policy that is needed",
    ),
    # buckets
    _Mend(
        r"NoSuchBucket|bucket does not exist",
        "create the bucket, or mend infrastructure.bucket in {config}",
    ),
    _Mend(
        r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint"
        r"|addressed using the specified endpoint|: 301: ",
        "the bucket is in another region: infrastructure.bucket and infrastructure.region in "
        "{config} have to belong together",
    ),
    # quotas and pace
    _Mend(
        r"ResourceLimitExceeded|service limit|ServiceQuotaExceeded|LimitExceeded",
        "have the quota raised (Service Quotas, in this region), or change what counts against "
        "it: infrastructure.prepare and .evaluate, candidate.instance_type",
    ),
    _Mend(
        r"Throttl|Rate exceeded|TooManyRequests|SlowDown|RequestLimitExceeded",
        "AWS is asked too often at the moment: try again in a minute",
    ),
    # what was typed
    _Mend(
        r"not defined in the pipeline|StartPipelineExecution: ValidationException: .*[Pp]arameter",
        "-p takes the parameters of the pipeline as it was upserted last: "
        "`pipeline_definition.py definition` prints them first",
    ),
    _Mend(
        r"'[Pp]ipelineExecutionArn' failed to satisfy",
        "give an execution's id or whole ARN: `pipeline_definition.py list` shows the ids",
    ),
    # what is not there
    _Mend(
        r"[Pp]ipeline execution .*(does not exist|not found)",
        "`pipeline_definition.py list` shows the executions that there are",
    ),
    _Mend(
        r"[Pp]ipeline .*(does not exist|not found)",
        "create it with `pipeline_definition.py upsert`; or is it elsewhere? See pipeline.name "
        "and infrastructure.region in {config}",
    ),
    _Mend(
        r"[Cc]ould not find (endpoint|model|inference)|(Endpoint|[Mm]odel package) .*"
        r"(not found|does not exist)",
        "is the name right, and in this region and account?",
    ),
    _Mend(
        r"CannotPull|ImageNotFound|RepositoryNotFound"
        r"|[Ii]mage .*(not found|does not exist|be found)|no such image",
        "`make image` and `pipeline_definition.py image` bring the image to ECR and write its "
        "name into infrastructure.image; then upsert",
    ),
    _Mend(r": <(html|!DOCTYPE)", "is it AWS that answers there? See AWS_ENDPOINT_URL, HTTPS_PROXY"),
    _Mend(
        r"ServiceUnavailable|Internal(Failure|Error|Server)|InternalService",
        "AWS itself failed: try again",
    ),
)


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
        return f"AWS: {said}{_after(mend(said, who, config))}"
    if isinstance(found, BotoCoreError):
        return f"AWS: {_on_the_way(found)}"
    return f"AWS: {_single(str(found))}"


def mend(said: str, who: str = "caller", config: str = "evaluation.yaml") -> str:
    """What to do about a text of AWS's, such as a step's FailureReason; empty if nothing is known.

    `who` and `config` as in `explain`.
    """
    for known in _MENDS:
        if re.search(known.pattern, said):
            return known.advice.format(policy=_POLICY.format(who=who), config=config)
    return ""


def with_mend(error: Any, who: str = "job") -> str:
    """A ClientError's own message with what mends it, for a line that says the rest."""
    said = _said(error.response, error.operation_name)
    message = _single(str(error.response["Error"].get("Message") or error)).rstrip(".")
    return f"{message}{_after(mend(said, who))}"


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
    """AWS_ENDPOINT_URL, or one of its like, is no address; botocore says so with a ValueError."""

    def __str__(self) -> str:
        return f"{self.args[0]!r} is no address: AWS_ENDPOINT_URL has to begin with http:// or https://"


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
    "ProfileNotFound": "mend AWS_PROFILE; `aws configure list-profiles` says which there are",
    "ConfigParseError": "mend that file, or AWS_CONFIG_FILE",
    "SSOError": "log in again (aws sso login)",
    "TokenRetrievalError": "log in again (aws sso login)",
    "CredentialRetrievalError": "log in again (aws sso login)",
    "NoRegionError": "set infrastructure.region in the file, or AWS_DEFAULT_REGION",
    "InvalidRegionError": "mend infrastructure.region, or AWS_DEFAULT_REGION",
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


def _after(advice: str) -> str:
    return f"; {advice}" if advice else ""


def _single(text: str) -> str:
    """One line, and not endless."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]} ..."
