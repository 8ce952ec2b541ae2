"""What to do about an error of AWS's: a table of patterns, of which the first that matches counts.

Sources: the API references' common errors, and what people report of each service; the sentences
of Bedrock's and SageMaker's that are matched here were not seen by us on AWS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_POLICY = "`pipeline_definition.py permissions show {who}`"


@dataclass(frozen=True)
class _Hint:
    """`advice` for what says `pattern`, in "Operation: Code: message"; `{policy}` is who asked."""

    pattern: str
    advice: str


_HINTS = (
    # credentials
    _Hint(
        r"ExpiredToken|RequestExpired|TokenRefreshRequired|token .*(is|has) expired",
        "the credentials have expired: log in again (aws sso login), or export new ones",
    ),
    _Hint(
        r"RequestTimeTooSkewed|Signature expired|Signature not yet current",
        "this machine's clock is wrong: set it",
    ),
    _Hint(
        r"UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch"
        r"|InvalidSignature|AuthFailure|IncompleteSignature|MissingAuthenticationToken",
        "AWS does not know these credentials: see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, "
        "AWS_SESSION_TOKEN and AWS_PROFILE; `aws sts get-caller-identity` says whose they are",
    ),
    # roles
    _Hint(
        r"iam:PassRole",
        "who starts it must be allowed to hand that role on: {policy} prints the policy",
    ),
    _Hint(
        r"GetRole: NoSuchEntity|[Cc]ould not assume role|unable to (assume|perform: sts:AssumeRole)"
        r"|execution role ARN .* is invalid|trust relationship",
        "the role is not there, or does not trust the service: `pipeline_definition.py "
        "permissions create` creates and updates the roles that infrastructure: names",
    ),
    # judges
    _Hint(
        r"end of its life",
        "Bedrock has switched this model off, and for good: name a newer one in judge.model "
        "(`aws bedrock list-inference-profiles` says which there are)",
    ),
    _Hint(
        r"marked by provider as Legacy",
        "Bedrock is about to switch this model off, and takes no account for it any more that has "
        "not asked it lately: name an active one in judge.model (`aws bedrock "
        "list-foundation-models` has each model's modelLifecycle)",
    ),
    _Hint(
        r"have access to the model|[Mm]odel access is denied|aws-marketplace:|use case details",
        "enable the model for this account (Bedrock console, Model access, in the region that "
        "asks), or name another in judge.model",
    ),
    _Hint(
        r"on-demand throughput isn",
        "write an inference profile into judge.model: the id with its area before it, as in "
        "bedrock:/us.anthropic.claude-..., or the profile's ARN",
    ),
    _Hint(
        r"model identifier is invalid|resolve the foundation model"
        r"|ResourceNotFoundException: .*[Mm]odel",
        "judge.model names no model that Bedrock has in this region: `aws bedrock "
        "list-foundation-models` and `list-inference-profiles` say which there are",
    ),
    # secrets
    _Hint(
        r"find the specified secret|ParameterNotFound|secret .*marked for deletion",
        "put the secret there, or correct its ARN under secrets: in {config}",
    ),
    _Hint(
        r"perform: secretsmanager:|perform: ssm:GetParameter|Access to KMS is not allowed",
        "`pipeline_definition.py permissions create` gives the job role what secrets: names; a "
        "secret or key of another account has to allow the role as well",
    ),
    # rights in general
    _Hint(
        r"perform: ecr:",
        "`pipeline_definition.py image` makes the repository, looks into it and pushes: ecr:"
        "CreateRepository, DescribeRepositories, DescribeImages, PutLifecyclePolicy, "
        "GetAuthorizationToken, and what a push needs",
    ),
    _Hint(
        r"perform: iam:",
        "`pipeline_definition.py permissions show administrator` prints the policy of who makes "
        "roles",
    ),
    _Hint(
        r"AccessDenied|not authorized to perform|UnauthorizedOperation|: (403|Forbidden): "
        r"|AllAccessDisabled",
        "{policy} prints the policy that is needed",
    ),
    _Hint(
        r"EndpointConnectionError|ConnectTimeoutError|APIConnectionError",
        "can the job reach it? In a VPC it needs an interface endpoint (bedrock-runtime), or a NAT "
        "gateway",
    ),
    # the definition
    _Hint(
        r"(Create|Update)Pipeline: ValidationException: .*"
        r"([Uu]nknown (Argument )?[Mm]ember|JsonGet|SourceUri|ModelCard|ModelLifeCycle"
        r"|CustomerMetadataProperties)",
        "write registration.by: job (with infrastructure.register_role, which `permissions create` "
        "makes) into {config}, and `upsert`: then a job registers, and the definition has only "
        "what the documentation of Pipelines shows",
    ),
    _Hint(
        r"JsonGet.*ModelCard|invoke sagemaker:CreateModelPackage.*ModelCard",
        "write registration.by: job into {config} (with infrastructure.register_role, which "
        "`permissions create` makes), so that a job registers the card; or registration.model_card"
        ": false, which leaves the card out; then `upsert`",
    ),
    # buckets
    _Hint(
        r"No S3 objects found",
        "nothing is at that address: if PrepareDataset was taken from the cache, what it wrote has "
        "been deleted since, and `pipeline_definition.py start -p DatasetVersion=again` prepares "
        "it anew; else correct dataset.source in {config}, or -p DatasetUri",
    ),
    _Hint(
        r"NoSuchBucket|bucket does not exist",
        "create the bucket, or correct infrastructure.bucket in {config}",
    ),
    _Hint(
        r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint"
        r"|addressed using the specified endpoint|: 301: ",
        "the bucket is in another region: infrastructure.bucket and infrastructure.region in "
        "{config} have to belong together",
    ),
    # quotas and rates
    _Hint(
        r"ResourceLimitExceeded|service limit|ServiceQuotaExceeded|LimitExceeded",
        "have the quota raised (Service Quotas, in this region), or change what counts against "
        "it: infrastructure.prepare and .evaluate, candidate.instance_type",
    ),
    _Hint(
        r"Throttl|Rate exceeded|TooManyRequests|SlowDown|RequestLimitExceeded",
        "AWS is asked too often at the moment: try again in a minute",
    ),
    # what was typed
    _Hint(
        r"not defined in the pipeline|StartPipelineExecution: ValidationException: .*[Pp]arameter",
        "-p takes the parameters of the pipeline as it was upserted last: "
        "`pipeline_definition.py definition` prints them first",
    ),
    _Hint(
        r"'[Pp]ipelineExecutionArn' failed to satisfy",
        "give an execution's id or whole ARN: `pipeline_definition.py list` shows the ids",
    ),
    # what is not there
    _Hint(
        r"[Pp]ipeline execution .*(does not exist|not found)",
        "`pipeline_definition.py list` shows the executions that there are",
    ),
    _Hint(
        r"[Pp]ipeline .*(does not exist|not found)",
        "create it with `pipeline_definition.py upsert`; or is it elsewhere? See pipeline.name "
        "and infrastructure.region in {config}",
    ),
    _Hint(
        r"[Cc]ould not find (endpoint|model|inference)|(Endpoint|[Mm]odel package) .*"
        r"(not found|does not exist)",
        "is the name right, and in this region and account?",
    ),
    _Hint(
        r"CannotPull|ImageNotFound|RepositoryNotFound"
        r"|[Ii]mage .*(not found|does not exist|be found)|no such image",
        "`make image` and `pipeline_definition.py image` bring the image to ECR and write its "
        "name into infrastructure.image; then upsert",
    ),
    _Hint(r": <(html|!DOCTYPE)", "is it AWS that answers there? See AWS_ENDPOINT_URL, HTTPS_PROXY"),
    _Hint(
        r"ServiceUnavailable|Internal(Failure|Error|Server)|InternalService",
        "AWS itself failed: try again",
    ),
)


_acting = ["job"]
"""The last one: who acts in this process. Of all its threads, hence no context variable."""


@contextmanager
def acting_as(who: str) -> Iterator[None]:
    """Within the block advice is for `who`, such as the caller of a command that asks itself."""
    _acting.append(who)
    try:
        yield
    finally:
        _acting.pop()


def who_acts() -> str:
    return _acting[-1]


_LOOKED_AT = 4_000
"""Characters: a judge's own words can be long, and the time of a pattern grows squared."""


def hint(said: str, who: str = "caller", config: str = "evaluation.yaml") -> str:
    """What to do about a text of AWS's, such as a step's FailureReason; empty if nothing is known.

    `who` acts: caller, pipeline or job. `config`: the file's name in the line.
    """
    beginning = said[:_LOOKED_AT]
    for known in _HINTS:
        if re.search(known.pattern, beginning):
            return known.advice.format(policy=_POLICY.format(who=who), config=config)
    return ""


def and_hint(said: str, who: str = "caller", config: str = "evaluation.yaml") -> str:
    """`hint` as the end of a sentence: "; what to do", or nothing."""
    advice = hint(said, who, config)
    return f"; {advice}" if advice else ""
