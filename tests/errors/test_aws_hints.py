"""What AWS and Bedrock are known to say, in steps' failure reasons too, and how to fix it.

The sentences are as people have reported them; each stands in an issue or a page on the web.
"""

from __future__ import annotations

import time

import pytest

from pipeline.cli.error_line import mend_lines
from pipeline.executions.launch import StepStatus
from processing.base.aws_hints import hint
from processing.mlflow_record.errors import tracking_line

NOT_ENABLED = "You don't have access to the model with the specified model ID."
NO_PROFILE = (
    "Invocation of model ID anthropic.claude-sonnet-4-20250514-v1:0 with on-demand throughput "
    "isn\u2019t supported. Retry your request with the ID or ARN of an inference profile that "
    "contains this model."
)
NO_QUOTA = (
    "The account-level service limit 'ml.m5.xlarge for processing job usage' is 0 Instances, with "
    "current utilization of 0 Instances and a request delta of 1 Instances. Please use AWS Service "
    "Quotas to request an increase for this quota."
)
NO_TRUST = (
    "Could not assume role arn:aws:iam::123456789012:role/llm-evaluation-job. Please ensure that "
    "the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role."
)


@pytest.mark.parametrize(
    ("said", "helps"),
    [
        (f"the judge failed (AccessDeniedException: {NOT_ENABLED})", "Model access"),
        (f"the judge failed: ValidationException: {NO_PROFILE}", "bedrock:/us.anthropic"),
        ("the judge failed: ValidationException: The provided model identifier is invalid.",
         "judge.model names no model"),
        ("ResourceNotFoundException: Could not resolve the foundation model from the model "
         "identifier: x", "list-foundation-models"),
        ("ResourceNotFoundException: This model version has reached the end of its life.",
         "switched this model off, and for good"),
        ("ResourceNotFoundException: Access denied. This Model is marked by provider as Legacy and "
         "you have not been actively using the model in the last 30 days.", "name an active one"),
        (f"ClientError: Failed to invoke sagemaker:CreateProcessingJob. {NO_QUOTA}",
         "Service Quotas"),
        (f"ClientError: Failed to invoke sagemaker:CreateProcessingJob. {NO_TRUST}",
         "permissions create"),
        ("ClientError: Failed to invoke sagemaker:CreateProcessingJob. User: x is not authorized "
         "to perform: iam:PassRole on resource: y", "permissions show pipeline"),
        ("User: x is not authorized to perform: sagemaker:CreateProcessingJob on resource: y",
         "permissions show pipeline"),
        ("Requested image 123456789012.dkr.ecr.us-east-1.amazonaws.com/e:latest not found.",
         "make image"),
        ("Could not find endpoint \"arn:aws:sagemaker:us-east-1:1:endpoint/x\".", "is the name"),
    ],
)  # fmt: skip
def test_known_words_have_their_mend(said: str, helps: str) -> None:
    assert helps in hint(said, "pipeline")


APP = "arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-X"
SERVER = "https://mlflow.example"
NOT_REACHED = (
    "API request to https://x/api/2.0/mlflow/experiments/get-by-name failed with exception "
    "HTTPSConnectionPool(host='x', port=443): Max retries exceeded with url: /api (Caused by "
    "NameResolutionError(\"HTTPSConnection(host='x', port=443): Failed to resolve 'x' ([Errno -2] "
    'Name or service not known)"))'
)


@pytest.mark.parametrize(
    ("uri", "said", "helps"),
    [
        (APP, "PERMISSION_DENIED: User: x is not authorized to perform: "
         "sagemaker:CallMlflowAppApi", "permissions show job"),
        (APP, "API request to endpoint /api failed with error code 404 != 200", "such an App"),
        (APP, NOT_REACHED, "Failed to resolve 'x': Name or service not known (NameResolution"),
        (SERVER, "API request to endpoint /api failed with error code 401 != 200", "let the jobs"),
        (SERVER, "API request to endpoint was successful but the response body was not in a valid "
         "JSON format.", "is it an MLflow server"),
        (SERVER, "RESOURCE_EXHAUSTED: no more", "see mlflow.tracking_uri"),
    ],
)  # fmt: skip
def test_what_mlflow_says_has_its_mend(uri: str, said: str, helps: str) -> None:
    line = tracking_line(uri, said)
    assert line.startswith(f"MLflow at {uri} cannot be used: ")
    assert helps in line


def test_words_that_nobody_knows_have_none() -> None:
    assert hint("rougeL_fmeasure 0.16 < min 0.35 (n=129)") == ""


def test_status_says_what_to_do_about_a_step_that_aws_could_not_run() -> None:
    failed = StepStatus("PrepareDataset", "Failed", None, None, f"ClientError: {NO_QUOTA}", "")
    ours = StepStatus("EvaluateModel", "Failed", None, None, f"{NO_QUOTA}, exit code: 1", "")
    good = StepStatus("Register", "Succeeded", None, None, "", "")
    [line] = mend_lines([failed, ours, good])
    assert line.startswith("PrepareDataset: have the quota raised")


@pytest.mark.parametrize("words", ["Image ", "Model package ", "Pipeline execution ", "token "])
def test_a_long_text_of_somebody_else_s_takes_no_time(words: str) -> None:
    began = time.process_time()
    hint(words * 200_000)
    assert time.process_time() - began < 2  # looking at all of it would take hours
