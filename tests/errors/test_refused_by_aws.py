"""What AWS refuses ends a command in one line: its own words, and how to fix it."""

from __future__ import annotations

from dataclasses import dataclass

import boto3
import pytest
from errors.aws_double import Refusal, aws_double
from local_definitions import definition, fail
from local_runs import eventually
from running_aws import ConfigWriter
from typed_command import CREDENTIALS, the_line, typed

PIPELINE_ROLE = "arn:aws:iam::123456789012:role/llm-evaluation-pipeline"
ONE_RETRY = {**CREDENTIALS, "AWS_MAX_ATTEMPTS": "2"}  # the waits between more are only slow


@dataclass(frozen=True)
class Case:
    """A `command` when AWS refuses `operation` ("*": all); the line has all that is in `helps`."""

    name: str
    command: str
    operation: str
    refusal: Refusal
    helps: tuple[str, ...]


def not_authorized(action: str, resource: str = "arn:aws:s3:::llm-evaluation-demo/x") -> str:
    return (
        f"User: arn:aws:sts::123456789012:assumed-role/Dev/me is not authorized to perform: "
        f"{action} on resource: {resource} because no identity-based policy allows the {action} "
        "action"
    )


NOT_TRUSTED = (
    f"The execution role ARN '{PIPELINE_ROLE}' is invalid. Please ensure that the role exists and "
    "that its trust relationship policy allows the action 'sts:AssumeRole' for the service "
    "principal 'sagemaker.amazonaws.com'."
)
ELSEWHERE = (
    "The bucket you are attempting to access must be addressed using the specified endpoint."
)
LIMIT = "The account-level service limit 'Maximum number of pipelines' is 500 pipelines."
EXPIRED = "The security token included in the request is expired"
UNKNOWN = "The security token included in the request is invalid."
SKEWED = "Signature expired: 20261123T190000Z is now earlier than 20261123T191500Z"
NO_ROLE = "The role with name llm-evaluation-pipeline cannot be found."
OUR_BUCKET = {"BucketName": "llm-evaluation-demo"}
DENIED = "AccessDeniedException"

CASES = [
    Case("credentials have expired", "list", "*",
         Refusal(400, "ExpiredTokenException", EXPIRED),
         ("ListPipelineExecutions: ", EXPIRED, "log in again")),
    Case("credentials are unknown", "list", "*",
         Refusal(400, "UnrecognizedClientException", UNKNOWN),
         ("request is invalid", "AWS_PROFILE", "get-caller-identity")),
    Case("the clock is wrong", "list", "*",
         Refusal(403, "InvalidSignatureException", SKEWED), (SKEWED, "clock")),
    Case("S3 has its own word for expired", "upsert", "PutObject",
         Refusal(400, "ExpiredToken", "The provided token has expired."),
         ("PutObject: ", "token has expired", "log in again")),
    Case("no right to the pipeline", "list", "*",
         Refusal(400, DENIED, not_authorized("sagemaker:ListPipelineExecutions")),
         ("perform: sagemaker:ListPipelineExecutions", "permissions show caller")),
    Case("no right to start it", "start", "DescribePipeline",  # asked first: what it would start
         Refusal(400, DENIED, not_authorized("sagemaker:DescribePipeline")),
         ("perform: sagemaker:DescribePipeline", "permissions show caller")),
    Case("no right to hand on the role", "upsert", "CreatePipeline",
         Refusal(400, DENIED, not_authorized("iam:PassRole", PIPELINE_ROLE)),
         (f"iam:PassRole on resource: {PIPELINE_ROLE}", "hand that role on")),
    Case("no right to make roles", "permissions create", "GetRole",
         Refusal(403, "AccessDenied", not_authorized("iam:GetRole", PIPELINE_ROLE)),
         ("perform: iam:GetRole", "permissions show administrator")),
    Case("the role does not trust SageMaker", "upsert", "CreatePipeline",
         Refusal(400, "ValidationException", NOT_TRUSTED), (PIPELINE_ROLE, "permissions create")),
    Case("the role is not there", "upsert", "GetRole",
         Refusal(404, "NoSuchEntity", NO_ROLE),
         (f"evaluation.yaml: infrastructure.pipeline_role: {PIPELINE_ROLE} is not there",
          "permissions create")),
    Case("no bucket", "upsert", "PutObject",
         Refusal(404, "NoSuchBucket", "The specified bucket does not exist", OUR_BUCKET),
         ("does not exist (llm-evaluation-demo)", "infrastructure.bucket in evaluation.yaml")),
    Case("no right to the bucket", "upsert", "PutObject",
         Refusal(403, "AccessDenied", not_authorized("s3:PutObject")),
         ("s3:PutObject on resource", "permissions show caller")),
    Case("the bucket is in another region", "upsert", "PutObject",
         Refusal(301, "PermanentRedirect", ELSEWHERE, OUR_BUCKET),
         ("(llm-evaluation-demo)", "another region", "infrastructure.region")),
    Case("too many pipelines", "upsert", "CreatePipeline",
         Refusal(400, "ResourceLimitExceeded", LIMIT), ("500 pipelines", "Service Quotas")),
    Case("throttled", "list", "*",
         Refusal(400, "ThrottlingException", "Rate exceeded"),
         ("Rate exceeded", "try again in a minute")),
    Case("AWS fails", "list", "*",
         Refusal(500, "InternalFailure", ""), ("no reason given", "AWS itself failed")),
    Case("a proxy answers", "list", "*",
         Refusal(502, "", "<html>Bad Gateway</html>"), ("HTTP 502", "HTTPS_PROXY")),
]  # fmt: skip

SLOW = pytest.mark.integration  # upsert imports the SDK
TABLE = [
    pytest.param(case, id=case.name, marks=[SLOW] if case.command == "upsert" else [])
    for case in CASES
]


@pytest.mark.slow
@pytest.mark.parametrize("case", TABLE)
def test_what_aws_refuses_is_one_line_with_its_mend(case: Case, account: str) -> None:
    with aws_double({case.operation: case.refusal}, account) as double:
        done = typed(*case.command.split(), AWS_ENDPOINT_URL=double.url, **ONE_RETRY)
    line = the_line(done)
    assert [part for part in case.helps if part not in line] == [], line
    assert case.operation in {*double.asked, "*"}, "the refused operation was not asked for"


@pytest.mark.slow
@pytest.mark.parametrize("command", ["start", "status", "list", "stop"])
def test_a_pipeline_that_was_not_upserted(command: str, account: str) -> None:
    line = the_line(typed(command, AWS_ENDPOINT_URL=account, **CREDENTIALS))
    assert "pipeline/health-qa-evaluation' does not exist; create it with" in line
    assert "`pipeline_definition.py upsert`" in line


@pytest.mark.parametrize(
    ("parameter", "helps"),
    [
        ("EndpointName", "give a parameter as Name=Value"),
        ("EndpointName=my_endpoint", "letters, digits and single hyphens"),
        ("ModelPackageArn=my-package/1", "model-package/GROUP/VERSION, or none"),
        (
            "DatasetUri=rows.jsonl",
            "s3://bucket/key, hf://owner/name, mlflow://dataset, or capture://endpoint",
        ),
        ("MlflowTrackingUri=arn:aws:sagemaker:us-east-1:1:app", "mlflow-app/NAME"),
    ],
)
def test_a_parameter_that_no_job_could_use(parameter: str, helps: str) -> None:
    """Nobody is asked: there are not even credentials."""
    line = the_line(typed("start", "-p", parameter))
    assert line.startswith(f"error: -p {parameter}: ")
    assert helps in line


@pytest.mark.integration
def test_what_was_typed_wrong_once_there_is_a_pipeline(account: str) -> None:
    there = {"AWS_ENDPOINT_URL": account, **CREDENTIALS}
    upserted = typed("upsert", **there)
    assert upserted.returncode == 0, upserted.stderr
    missing = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/health-qa-evaluation/execution/abc"
    for arguments, said in {
        ("start", "-p", "Endpoint=x"): "no parameter 'Endpoint', did you mean 'EndpointName'?",
        ("start", "-p", "SampleSize=many"): "SampleSize",
        ("start", "-p", "ApprovalStatus=maybe"): "'Approved', 'Rejected'",
    }.items():
        line = the_line(typed(*arguments, **there))
        assert said in line
        assert "definition` prints them" in line
    assert "id or whole ARN" in the_line(typed("status", "arn:foo", **there))
    assert "`pipeline_definition.py list` shows" in the_line(typed("status", missing, **there))
    assert "no executions yet" in the_line(typed("status", "abc", **there))


@pytest.mark.slow
def test_a_finished_execution_cannot_be_stopped(account: str, write_config: ConfigWriter) -> None:
    there = {"AWS_ENDPOINT_URL": account, **CREDENTIALS}
    sagemaker = boto3.client(
        "sagemaker", endpoint_url=account, region_name="us-east-1",
        aws_access_key_id="testing", aws_secret_access_key="testing",
    )  # fmt: skip
    sagemaker.create_pipeline(
        PipelineName="finished",
        RoleArn="arn:aws:iam::123456789012:role/SageMakerPipelineRole",
        PipelineDefinition=definition(fail("End", "at once")),
    )
    arn = sagemaker.start_pipeline_execution(PipelineName="finished")["PipelineExecutionArn"]
    config = write_config(pipeline={"name": "finished"})

    def has_failed() -> bool:
        described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        return bool(described["PipelineExecutionStatus"] == "Failed")

    eventually(has_failed)
    line = the_line(typed("stop", "--config", str(config), **there))
    execution = arn.rpartition("/")[2]
    assert line == (
        f"error: execution {execution} has already ended (Failed): there is nothing to stop"
    )


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("list", "--debug"), ("--debug", "list")])
def test_debug_shows_where_it_comes_from(arguments: tuple[str, ...], account: str) -> None:
    refused = {"*": Refusal(400, "ThrottlingException", "Rate exceeded")}
    with aws_double(refused, account) as double:
        done = typed(*arguments, AWS_ENDPOINT_URL=double.url, **ONE_RETRY)
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: AWS: ListPipelineExecutions: Throttl")
