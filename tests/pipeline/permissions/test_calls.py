"""Every call that the code makes is allowed to who makes it; nobody may do what no code does.

The calls are recorded: the commands and the jobs run against the local AWS with a hook in botocore.
What SageMaker itself does with the roles is listed here, with where it is documented.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore import xform_name
from configuration_file import read_document, write_document
from configurations import ASYNCHRONOUS, BY_JOB, FULL, PROFILE, TRACKING_SERVER
from local_runs import local_client
from recorder.recorded_calls import calls_recorded
from running_aws import REPOSITORY, ConfigWriter
from typed_command import typed

from pipeline.definition.build import build, pipeline_session
from pipeline.definition.bundle import Bundle, load_bundle
from pipeline.definition.sweep_pipeline import build_sweep
from pipeline.local.demo.services import four_free_ports
from pipeline.local.server.iam_policy import Request, allows
from pipeline.permissions.roles import permissions_of
from processing.candidate.deployment import CREATED_TAG, EXECUTION_TAG, PIPELINE_TAG, name_prefix

IAM_ACTIONS = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "sagemaker-runtime:InvokeEndpoint": "sagemaker:InvokeEndpoint",
    "sagemaker-runtime:InvokeEndpointAsync": "sagemaker:InvokeEndpointAsync",
    # API reference, InvokeEndpointWithResponseStream: "your IAM permissions must allow the
    # sagemaker:InvokeEndpoint action"
    "sagemaker-runtime:InvokeEndpointWithResponseStream": "sagemaker:InvokeEndpoint",
    "bedrock-runtime:Converse": "bedrock:InvokeModel",
}
TAGGING = {
    "sagemaker:CreatePipeline": ("Tags", "sagemaker:AddTags"),
    "events:PutRule": ("Tags", "events:TagResource"),
    "sqs:CreateQueue": ("tags", "sqs:TagQueue"),
    "iam:CreateRole": ("Tags", "iam:TagRole"),
    "sagemaker:CreateModel": ("Tags", "sagemaker:AddTags"),
    "sagemaker:CreateEndpointConfig": ("Tags", "sagemaker:AddTags"),
    "sagemaker:CreateEndpoint": ("Tags", "sagemaker:AddTags"),
}
PASSING = {
    "sagemaker:CreatePipeline": "sagemaker.amazonaws.com",
    "sagemaker:UpdatePipeline": "sagemaker.amazonaws.com",
    "sagemaker:CreateModel": "sagemaker.amazonaws.com",
    "events:PutTargets": "events.amazonaws.com",
}
# Not seen in a recording, and why they are needed all the same.
CALLER_ALSO = {
    "s3:AbortMultipartUpload",  # boto3's upload_file, when the upload of a large file fails
    "s3:DeleteObject",  # `check --online` of an App whose artifacts are in S3 tries one
}
STAMP_ROLE = "arn:aws:iam::123456789012:role/llm-evaluation-stamp"
REGISTER_ROLE = "arn:aws:iam::123456789012:role/llm-evaluation-register"
HUB_TOKEN = "arn:aws:ssm:us-east-1:123456789012:parameter/hub/token"
KEY_ACTIONS = {"kms:Decrypt", "kms:GenerateDataKey"}  # reading and writing under an SSE-KMS key
JOB_PLATFORM = {
    # developer guide, "How to use SageMaker execution roles", CreateProcessingJob
    *("s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:AbortMultipartUpload"),
    *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
    *("logs:DescribeLogStreams", "cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"),
    *("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
    *("ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission"),
    *("ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission"),
    *("ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcs", "ec2:DescribeDhcpOptions"),
    *("ec2:DescribeSubnets", "ec2:DescribeSecurityGroups"),
    *("kms:CreateGrant", *KEY_ACTIONS),
}
JOB_SELDOM = {
    "sagemaker:ListTags",  # is something that is named as a candidate's of this pipeline?
    "sagemaker:DescribePipelineExecution",  # another execution claims to evaluate the candidate
    "s3:DeleteObject",  # the evaluation failed: its own claim is taken back
    "sagemaker:DescribeProcessingJob",  # a killed job has left its MLflow run open
}
JOB_OVER_HTTP = {
    "bedrock:InvokeModel",  # where litellm signs Converse itself; the demo judge counts them
    "sagemaker:CallMlflowAppApi",  # sagemaker-mlflow signs requests to an MLflow App itself
}

# whoever comes first waits for some sixty commands and two executions, beside other tests
pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class Recorded:
    """The requests by who made them, and the models that the judge was asked under."""

    bundle: Bundle
    requests: dict[str, list[Request]]
    judges: list[str]


def requests_of(call: dict[str, Any]) -> Iterator[Request]:
    """What IAM decides about for a recorded call."""
    operation, given, parameters = call["operation"], call["given"], call["parameters"]
    action = IAM_ACTIONS.get(operation, operation)
    resource, context = resource_of(operation, parameters)
    yield Request(action, resource, context)
    tags, tagging = TAGGING.get(operation, ("", ""))
    if tags in given:
        yield Request(tagging, resource)
    if operation in PASSING:
        passed = {"iam:PassedToService": PASSING[operation]}
        for target in parameters.get("Targets", [parameters]):
            role = target.get("RoleArn") or target["ExecutionRoleArn"]
            yield Request("iam:PassRole", role, passed)


def resource_of(operation: str, given: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The resource's ARN, and what IAM's conditions see of the call."""
    here = "us-east-1:123456789012"
    match operation.partition(":")[0]:
        case "s3":
            arn = f"arn:aws:s3:::{given['Bucket']}"
            if "Key" in given:
                return f"{arn}/{given['Key']}", {}
            return arn, {"s3:prefix": given.get("Prefix", "")}
        case "sts" | "pricing":
            resource = "*"
        case "iam":
            resource = f"arn:aws:iam::123456789012:role{given.get('Path', '/')}{given['RoleName']}"
        case "events":
            rule = given.get("Rule") or given.get("Name")
            resource = f"arn:aws:events:{here}:rule/{rule}" if rule else "*"
        case "ssm":
            resource = given.get("Name", "*")
        case "logs":
            stream = given.get("logStreamName")
            of_stream = f":log-stream:{stream}" if stream else ""
            resource = f"arn:aws:logs:{here}:log-group:{given['logGroupName']}{of_stream}"
        case "sqs":
            name = given.get("QueueName") or given["QueueUrl"].rpartition("/")[2]
            resource = f"arn:aws:sqs:{here}:{name}"
        case "bedrock-runtime":
            resource = f"arn:aws:bedrock:{here}:inference-profile/{given['modelId']}"
        case _:
            resource = sagemaker_resource(f"arn:aws:sagemaker:{here}", given)
    return resource, {}


def sagemaker_resource(here: str, given: dict[str, Any]) -> str:
    arns = {"PipelineExecutionArn", "ResourceArn", "ModelPackageName", "ModelPackageArn"}
    arns &= given.keys()
    if arns:
        return str(given[arns.pop()])
    kinds = {
        "PipelineName": "pipeline",
        "EndpointName": "endpoint",
        "EndpointConfigName": "endpoint-config",
        "ModelName": "model",
        "ModelPackageGroupName": "model-package-group",
    }
    if "NameContains" in given:  # a list
        return "*"
    key = next(key for key in kinds if key in given)
    return f"{here}:{kinds[key]}/{given[key]}"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The commands of the README, typed by a caller and an administrator; two executions' jobs."""
    state = tmp_path_factory.mktemp("recorded")
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    port = four_free_ports(19566 + 400 * worker)
    config = write_small_config(state, mlflow=f"http://127.0.0.1:{port + 3}")
    with recording_aws(config, state, port) as environment:

        def types(who: str, *arguments: str) -> None:
            # the secrets are the job's to read; `try` has a key of the caller's own
            own = {**environment, "HF_TOKEN": "a-token"}
            with calls_recorded(state / f"{who}.jsonl"):
                done = typed(*arguments, "--config", str(config), folder=state, **own)
            assert done.returncode == 0, done.stdout + done.stderr

        use_everything(types, environment)
        judge = environment["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"]
        counted = httpx.get(f"{judge}/_demo/calls").json()["by_name"]
    calls = {
        "caller": calls_in(state / "caller.jsonl"),
        "administrator": calls_in(state / "administrator.jsonl"),
        "approver": calls_in(state / "approver.jsonl"),
        **jobs_calls(calls_in(state / "job.jsonl")),
    }
    return Recorded(
        bundle=load_bundle(config),
        requests={who: [r for c in made for r in requests_of(c)] for who, made in calls.items()},
        judges=[name for name, counts in counted.items() if counts],
    )


def jobs_calls(calls: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """By whose role the job runs with."""
    of = {
        "candidate.approval": "stamp",
        "candidate.registration": "register",
        "candidate.sweep": "sweep",
    }
    made: dict[str, list[dict[str, Any]]] = {who: [] for who in ("job", *of.values())}
    for call in calls:
        roles = [role for module, role in of.items() if module in call["program"]]
        made[roles[0] if roles else "job"].append(call)
    return made


def use_everything(types: Callable[..., None], environment: dict[str, str]) -> None:
    ssm = local_client(environment["AWS_ENDPOINT_URL"], "ssm")
    ssm.put_parameter(Name="/hub/token", Value="a-token", Type="SecureString")
    types("caller", "upsert")
    types("caller", "check", "--online")
    types("administrator", "trigger", "put")  # makes the role
    types("administrator", "trigger", "remove")
    types("administrator", "permissions", "create")
    types("administrator", "permissions", "create")
    types("caller", "upsert")
    types("caller", "trigger", "put", "--schedule", "rate(1 day)")
    types("caller", "trigger", "put")  # takes the schedule away
    types("caller", "trigger", "show")
    leave_a_model_behind(environment)
    sweep(environment)
    types("caller", "trigger", "remove")
    types("caller", "start")
    types("caller", "stop")
    # an endpoint, then a candidate, which is held against the first, the champion
    types("caller", "start", "--wait", "-p", "ApprovalStatus=Approved")
    candidate = register_candidate(environment)
    types("caller", "start", "--wait", "-p", f"ModelPackageArn={candidate}")
    types("caller", "status")
    types("caller", "list")
    types("caller", "history")
    types("approver", "reject", "1", "--reason", "only to be seen")
    types("approver", "approve", "1", "--reason", "as it was")
    types("caller", "try", "--rows", "7")  # six of them are paid for
    types("caller", "start", "--wait", "--set", "endpoint.parameters.temperature=0.5")
    types("caller", "compare", "--mlflow", *registered_versions(environment))
    leave_a_model_behind(environment)
    types("caller", "sweep", "--older-than", "0m")


CONTAINER = {"Image": "demo-endpoint:not-a-model", "ModelDataUrl": "s3://models/m.tar.gz"}


def sagemaker_of(environment: dict[str, str]) -> Any:
    return local_client(environment["AWS_ENDPOINT_URL"], "sagemaker")


def register_candidate(environment: dict[str, str]) -> str:
    sagemaker = sagemaker_of(environment)
    sagemaker.create_model_package_group(ModelPackageGroupName="health-qa-candidates")
    made = sagemaker.create_model_package(
        ModelPackageGroupName="health-qa-candidates",
        InferenceSpecification={"Containers": [CONTAINER]},
    )
    return str(made["ModelPackageArn"])


def registered_versions(environment: dict[str, str]) -> list[str]:
    listed = sagemaker_of(environment).list_model_packages(
        ModelPackageGroupName="health-qa-approved"
    )
    return [str(version["ModelPackageArn"]) for version in listed["ModelPackageSummaryList"]]


def leave_a_model_behind(environment: dict[str, str]) -> None:
    """As a job of an execution that is gone would, if it was killed."""
    tags = {
        PIPELINE_TAG: "health-qa-evaluation",
        EXECUTION_TAG: "arn:aws:sagemaker:us-east-1:123456789012:pipeline/health-qa-evaluation"
        "/execution/aaaabbbbcccc",
        CREATED_TAG: "2026-01-01T00:00:00+00:00",
    }
    sagemaker_of(environment).create_model(
        ModelName=f"{name_prefix('health-qa-evaluation')}left-behind",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/llm-evaluation-model",
        PrimaryContainer=CONTAINER,
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )


def sweep(environment: dict[str, str]) -> None:
    """What EventBridge starts."""
    sagemaker = sagemaker_of(environment)
    started = sagemaker.start_pipeline_execution(PipelineName="health-qa-evaluation-sweep")
    for _ in range(600):
        execution = sagemaker.describe_pipeline_execution(
            PipelineExecutionArn=started["PipelineExecutionArn"]
        )
        if execution["PipelineExecutionStatus"] != "Executing":
            break
        time.sleep(0.2)
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution


@contextmanager
def recording_aws(config: Path, state: Path, port: int) -> Iterator[dict[str, str]]:
    """The environment of a local AWS whose jobs are recorded."""
    script = Path(__file__).parent / "recorded_aws.py"
    aws = subprocess.Popen(
        [sys.executable, str(script), str(config), str(state), str(port)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=(state / "aws.log").open("w"),
        text=True,
    )
    try:
        yield json.loads(eventually_up(aws, state / "aws.log"))
    finally:
        aws.communicate(timeout=60)  # its input ends, and so does it
    assert aws.returncode == 0


def eventually_up(aws: subprocess.Popen[str], log: Path) -> str:
    for _ in range(600):
        up = [line for line in log.read_text().splitlines() if line.startswith("UP ")]
        if up:
            return up[0].removeprefix("UP ")
        assert aws.poll() is None, log.read_text()
        time.sleep(0.2)
    raise AssertionError("the local AWS did not start:\n" + log.read_text())


def write_small_config(folder: Path, mlflow: str) -> Path:
    document = read_document()
    document["dataset"]["source"] = str(REPOSITORY / "examples" / "health" / "questions.jsonl")
    document["dataset"]["sample_size"] = 6
    document["scorers"] = ["rougeL_fmeasure", "Safety"]
    document["thresholds"] = {"rougeL_fmeasure": {"min": 0.05}}
    document["champion"] = {"metrics": {"rougeL_fmeasure": {"margin": 0.5}}}
    document["budgets"]["min_rows"] = 3
    document["registration"]["stamp_candidate"] = True
    document["infrastructure"]["stamp_role"] = STAMP_ROLE
    document["secrets"] = {"HF_TOKEN": HUB_TOKEN}
    document["registration"]["by"] = "job"
    document["infrastructure"]["register_role"] = REGISTER_ROLE
    document["mlflow"]["tracking_uri"] = mlflow
    for section in ("slices", "labels"):
        document.pop(section)
    return write_document(document, folder / "evaluation.yaml")


def calls_in(file: Path) -> list[dict[str, Any]]:
    calls = {line: json.loads(line) for line in file.read_text().splitlines()}
    return list(calls.values())


def policy_of(bundle: Bundle, who: str) -> dict[str, Any]:
    return next(p.policy for p in permissions_of(bundle) if p.who == who)


def actions_of(policy: dict[str, Any]) -> set[str]:
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def refused(policies: list[dict[str, Any]], requests: list[Request]) -> list[Request]:
    return [request for request in requests if not allows(policies, request)]


@pytest.mark.integration
def test_the_caller_may_do_what_the_commands_do_and_no_more(recorded: Recorded) -> None:
    policy, requests = policy_of(recorded.bundle, "caller"), recorded.requests["caller"]
    assert refused([policy], requests) == []
    assert actions_of(policy) - CALLER_ALSO == {request.action for request in requests}


@pytest.mark.integration
def test_the_administrator_may_make_the_roles_and_no_more(recorded: Recorded) -> None:
    own, caller = (policy_of(recorded.bundle, who) for who in ("administrator", "caller"))
    requests = recorded.requests["administrator"]
    assert refused([own, caller], requests) == []
    beyond = refused([caller], requests)
    assert actions_of(own) - {"iam:GetRole"} == {r.action for r in beyond} - {"iam:GetRole"}
    assert {r.resource for r in beyond} == set(own["Statement"][0]["Resource"])


@pytest.mark.integration
def test_the_approver_may_decide_and_no_more(recorded: Recorded) -> None:
    policy, requests = policy_of(recorded.bundle, "approver"), recorded.requests["approver"]
    assert refused([policy], requests) == []
    assert actions_of(policy) == {request.action for request in requests}


@pytest.mark.integration
def test_the_jobs_may_do_what_they_do_and_no_more(recorded: Recorded) -> None:
    policy, requests = policy_of(recorded.bundle, "job"), recorded.requests["job"]
    assert refused([policy], requests) == []
    assert recorded.judges == [PROFILE]
    profile = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{PROFILE}"
    assert allows([policy], Request("bedrock:InvokeModel", profile))
    done = {request.action for request in requests}
    assert actions_of(policy) <= done | JOB_PLATFORM | JOB_OVER_HTTP | JOB_SELDOM
    assert {"sagemaker:ListModelPackages", "sagemaker:InvokeEndpoint"} <= done


@pytest.mark.integration
def test_the_stamp_may_stamp_and_no_more(recorded: Recorded) -> None:
    policy, requests = policy_of(recorded.bundle, "stamp"), recorded.requests["stamp"]
    assert refused([policy], requests) == []
    assert {request.action for request in requests} == {"sagemaker:UpdateModelPackage"}
    assert actions_of(policy) - JOB_PLATFORM == {"sagemaker:UpdateModelPackage"}


@pytest.mark.integration
def test_the_job_that_registers_may_register_and_no_more(recorded: Recorded) -> None:
    policy, requests = policy_of(recorded.bundle, "register"), recorded.requests["register"]
    assert refused([policy], requests) == []
    registers = {"sagemaker:CreateModelPackage", "sagemaker:CreateModelPackageGroup"}
    assert {request.action for request in requests} == registers
    # what SageMaker itself looks up for SourceUri, as for the step
    source = {"sagemaker:DescribeModel", "sagemaker:DescribeModelPackage"}
    assert actions_of(policy) - JOB_PLATFORM == registers | source


@pytest.mark.integration
def test_the_sweep_may_sweep_and_no_more(recorded: Recorded) -> None:
    policy, requests = policy_of(recorded.bundle, "sweep"), recorded.requests["sweep"]
    assert refused([policy], requests) == []
    assert actions_of(policy) - JOB_PLATFORM == {request.action for request in requests}
    assert {"sagemaker:DeleteEndpoint", "sagemaker:DeleteModel"} <= actions_of(policy)


def test_a_candidate_may_only_read_itself_and_log(write_config: ConfigWriter) -> None:
    policy = policy_of(load_bundle(write_config(**FULL)), "model")
    assert actions_of(policy) <= JOB_PLATFORM - {"s3:PutObject", "kms:CreateGrant"}
    read = {r for s in policy["Statement"] for r in s["Resource"] if ":s3:" in r}
    bucket = "arn:aws:s3:::training-output"
    assert read == {bucket, f"{bucket}/models", f"{bucket}/models/*"}


def test_no_other_configuration_gives_the_job_what_it_does_not_need(
    write_config: ConfigWriter,
) -> None:
    """`example` is what was recorded; the rest is the platform's, the judge's, MLflow's."""
    example = actions_of(policy_of(load_bundle(write_config()), "job"))
    full = actions_of(policy_of(load_bundle(write_config(**FULL)), "job"))
    of_components = {"sagemaker:DescribeInferenceComponent"}
    of_champion = {"sagemaker:ListModelPackages", "sagemaker:DescribeModelPackage"}
    of_secrets = {"secretsmanager:GetSecretValue", "ssm:GetParameter"}
    assert of_secrets <= full
    assert full - example <= JOB_PLATFORM | JOB_OVER_HTTP | of_components | of_champion | of_secrets
    server = actions_of(policy_of(load_bundle(write_config(**TRACKING_SERVER)), "job"))
    assert {action.partition(":")[0] for action in server - example} == {"sagemaker-mlflow"}


@pytest.mark.integration
def test_the_pipeline_role_may_do_what_its_steps_need_and_no_more(
    write_config: ConfigWriter,
) -> None:
    for change in ({}, FULL, TRACKING_SERVER, BY_JOB):
        bundle = load_bundle(write_config(**change))
        policy = policy_of(bundle, "pipeline")
        document = json.loads(build(bundle).definition())
        requests = [
            *tie_requests(document["MlflowConfig"]),
            *(
                request
                for steps in (document["Steps"], sweep_steps(bundle))
                for step in all_steps(steps)
                for request in step_requests(bundle, step)
            ),
        ]
        assert refused([policy], requests) == []
        assert actions_of(policy) - KEY_ACTIONS == {request.action for request in requests}


def tie_requests(tied: dict[str, Any] | None) -> Iterator[Request]:
    """Not documented: AWS's samples give an execution role both of an App's actions."""
    if tied is None:
        return
    arn = tied["MlflowResourceArn"]
    if ":mlflow-app/" in arn:
        yield Request("sagemaker:DescribeMlflowApp", arn)
        yield Request("sagemaker:CallMlflowAppApi", arn)
        return
    yield Request("sagemaker:DescribeMlflowTrackingServer", arn)
    for name in ("GetExperimentByName", "GetExperiment", "CreateExperiment"):
        yield Request(f"sagemaker-mlflow:{name}", arn)


def sweep_steps(bundle: Bundle) -> list[dict[str, Any]]:
    definition = build_sweep(bundle, pipeline_session(bundle)).definition()
    steps: list[dict[str, Any]] = json.loads(definition)["Steps"]
    return steps


def all_steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            yield from all_steps(step["Arguments"]["IfSteps"])
            yield from all_steps(step["Arguments"]["ElseSteps"])


def step_requests(bundle: Bundle, step: dict[str, Any]) -> Iterator[Request]:
    """Developer guide, "IAM access management" of Pipelines; a new step type must be added here."""
    here, config = "arn:aws:sagemaker:us-east-1:123456789012", bundle.config
    infrastructure, group = config.infrastructure, config.registration.model_package_group
    if "Std:JsonGet" in json.dumps(step["Arguments"]):
        key = f"{infrastructure.prefix}/runs/abc/evaluation/evaluation.json"
        yield Request("s3:GetObject", f"arn:aws:s3:::{infrastructure.bucket}/{key}")
    match step["Type"]:
        case "Processing":
            job = f"{here}:processing-job/pipelines-abc-{step['Name']}-xyz"
            for name in ("CreateProcessingJob", "DescribeProcessingJob", "StopProcessingJob"):
                yield Request(f"sagemaker:{name}", job)
            if step["Arguments"].get("Tags"):
                yield Request("sagemaker:AddTags", job)
            passed = {"iam:PassedToService": "sagemaker.amazonaws.com"}
            yield Request("iam:PassRole", step["Arguments"]["RoleArn"], passed)
        case "RegisterModel":
            for name in ("CreateModelPackageGroup", "DescribeModelPackageGroup"):
                yield Request(f"sagemaker:{name}", f"{here}:model-package-group/{group}")
            for name in ("CreateModelPackage", "DescribeModelPackage"):
                yield Request(f"sagemaker:{name}", f"{here}:model-package/{group}/1")
            # SourceUri is the model behind the endpoint, or the candidate
            yield Request("sagemaker:DescribeModel", f"{here}:model/any")
            assert config.trigger is not None
            candidate = f"{here}:model-package/{config.trigger.candidates_group}/1"
            yield Request("sagemaker:DescribeModelPackage", candidate)
        case "Condition" | "Fail":
            pass
        case other:
            raise AssertionError(f"which permissions does a step of type {other} need?")


@pytest.mark.slow
def test_every_boto3_operation_in_the_source_is_in_a_policy(write_config: ConfigWriter) -> None:
    """Also those that no recording came by."""
    bundles = [
        load_bundle(write_config(**change))
        for change in (FULL, TRACKING_SERVER, BY_JOB, ASYNCHRONOUS)
    ]
    allowed = {a for b in bundles for p in permissions_of(b) for a in actions_of(p.policy)}
    named = operations_in_source()
    assert {"describe_model", "invoke_endpoint", "set_queue_attributes"} <= named.keys()
    assert {name for name, actions in named.items() if not actions & allowed} == set()


def operations_in_source() -> dict[str, set[str]]:
    """Names of boto3 calls and paginators in the source, with the actions they may stand for."""
    operations: dict[str, set[str]] = {}
    services = ("sagemaker", "sagemaker-runtime", "bedrock-runtime", "events", "sqs", "iam", "s3")
    for service in (*services, "sts", "logs"):
        model = boto3.client(service, region_name="us-east-1").meta.service_model
        for operation in model.operation_names:
            action = IAM_ACTIONS.get(f"{service}:{operation}", f"{service}:{operation}")
            operations.setdefault(xform_name(operation), set()).add(action)
    del operations["search"]  # re.search
    del operations["create_experiment"]  # MLflow's own
    # first-run is an administrator's, who may do more than these policies say (docs/running.md)
    elsewhere = {"local", "first_run"}
    files = [
        REPOSITORY / "pipeline_definition.py",
        *(REPOSITORY / "processing").rglob("*.py"),
        *(
            file
            for file in (REPOSITORY / "pipeline").rglob("*.py")
            if not elsewhere & {*file.parts}
        ),
    ]
    names = {name for file in files for name in called_names(file)}
    return {name: operations[name] for name in names & operations.keys()}


def called_names(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr
            if node.func.attr == "get_paginator" and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)
