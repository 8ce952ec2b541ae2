"""The server as a whole: what it does not have, the SDK against it, several at once, its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_definitions import (
    IMAGE,
    ROLE,
    WRITE_REPORT,
    definition,
    job,
    processing,
    s3_input,
    s3_output,
)
from local_runs import ENVIRONMENT, Runs, eventually, local_client

from pipeline.local.aws import REPOSITORY, LocalAws, serve
from pipeline.local.jobs.process_runner import Isolation, _works, process_runner


@pytest.mark.slow
@pytest.mark.parametrize(
    ("service", "call", "arguments", "named"),
    [
        ("sagemaker", "list_mlflow_apps", {}, "SageMaker.ListMlflowApps"),
        (
            "sagemaker",
            "send_pipeline_execution_step_success",
            {"CallbackToken": "abcdefghij"},
            "SageMaker.SendPipelineExecutionStepSuccess",
        ),
        (
            "iam",
            "simulate_custom_policy",
            {"PolicyInputList": ["{}"], "ActionNames": ["s3:GetObject"]},
            "simulate_custom_policy",
        ),
        ("bedrock-runtime", "converse", {"modelId": "m"}, "converse"),
    ],
)
def test_what_moto_does_not_have_is_an_error_that_names_it(
    client: Callable[[str], Any], service: str, call: str, arguments: dict[str, Any], named: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(client(service), call)(**arguments)
    answer = refused.value.response
    assert answer["Error"]["Code"] == "UnsupportedOperation"
    assert named in answer["Error"]["Message"]
    assert "not supported by the local AWS" in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501


@pytest.mark.integration
def test_with_mapped_paths_a_job_finds_all_it_needs(tmp_path: Path, s3: Any, bucket: str) -> None:
    """As on macOS: OPT_ML says where the files are, and the command and environment agree."""
    s3.put_object(Bucket=bucket, Key="in/a.txt", Body=b"A")
    server = serve(
        0,
        state_dir=tmp_path,
        job_environment=ENVIRONMENT,
        job_runner=process_runner(repo_root=REPOSITORY, home=tmp_path, isolation=Isolation.MAPPED),
        echo=lambda _: None,
    )
    code = (
        "import json,os,sys; o=os.environ['OPT_ML']; "
        "text=open(sys.argv[1]+'/a.txt').read()+json.load(open(o+'/config/resourceconfig.json'))"
        "['current_host']; open(os.environ['OUT']+'/b.txt','w').write(text)"
    )
    arguments = job(
        code,
        "/opt/ml/processing/input/data",
        Environment={"OUT": "/opt/ml/processing/output/report"},
        ProcessingInputs=[s3_input(f"s3://{bucket}/in")],
        ProcessingOutputConfig=s3_output(f"s3://{bucket}/out"),
    )
    sagemaker = local_client(server.url, "sagemaker")
    name = f"mapped-{uuid.uuid4().hex[:8]}"
    try:
        sagemaker.create_processing_job(ProcessingJobName=name, **arguments)
        eventually(
            lambda: (
                sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"]
                == "Completed"
            )
        )
    finally:
        server.stop()
    assert s3.get_object(Bucket=bucket, Key="out/b.txt")["Body"].read() == b"Aalgo-1"


@pytest.mark.integration
def test_many_executions_at_once(runs: Runs) -> None:
    name = runs.create(definition(processing("A"), processing("B", DependsOn=["A"])))
    started = [runs.start_pipeline(name) for _ in range(6)]
    assert [runs.wait(arn) for arn in started] == ["Succeeded"] * 6
    jobs = {
        step["Metadata"]["ProcessingJob"]["Arn"]
        for arn in started
        for step in runs.steps(arn).values()
    }
    assert len(jobs) == 12


SDK_SCRIPT = """
import json, sys
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.parameters import ParameterFloat
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.processing import Processor
from sagemaker.core.shapes.shapes import ProcessingOutput, ProcessingS3Output
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
import boto3
role, image, bucket, code = sys.argv[1:]
boto3.client("s3").create_bucket(Bucket=bucket)
session = PipelineSession(default_bucket=bucket)
least = ParameterFloat("Least", default_value=0.5)
uri = Join(on="/", values=["s3:/", bucket, ExecutionVariables.PIPELINE_EXECUTION_ID])
path = "/opt/ml/processing/output/report"
output = ProcessingOutput(
    output_name="report",
    s3_output=ProcessingS3Output(s3_uri=uri, local_path=path, s3_upload_mode="EndOfJob"),
)
processor = Processor(role=role, image_uri=image, instance_count=1, instance_type="ml.m5.large",
                      sagemaker_session=session, entrypoint=["python3", "-c", code])
report = PropertyFile(name="Report", output_name="report", path="evaluation.json")
evaluate = ProcessingStep(name="Evaluate", property_files=[report],
                          step_args=processor.run(outputs=[output], arguments=['{"value": 0.75}']))
value = JsonGet(step_name="Evaluate", property_file=report, json_path="value")
failed = FailStep(name="GateFailed", error_message=Join(on=" ", values=[value, "<", least]))
gate = ConditionStep(name="Gate", conditions=[ConditionGreaterThanOrEqualTo(value, least)],
                     if_steps=[], else_steps=[failed])
pipeline = Pipeline(name="sdk", parameters=[least], steps=[evaluate, gate],
                    sagemaker_session=session)
pipeline.upsert(role_arn=role)
pipeline.upsert(role_arn=role, tags=[{"Key": "project", "Value": "llm-eval"}])
good, bad = pipeline.start(), pipeline.start(parameters={"Least": 0.9})
good.wait(delay=1, max_attempts=60)
try:
    bad.wait(delay=1, max_attempts=60)
except Exception as error:
    print(type(error).__name__)
steps = {s["StepName"]: s.get("FailureReason") for s in bad.list_steps()}
print(json.dumps([good.describe()["PipelineExecutionStatus"],
                  bad.describe()["PipelineExecutionStatus"], steps]))
"""


@pytest.mark.integration
def test_the_sdk_upserts_starts_waits_and_lists(aws: LocalAws) -> None:
    environment = {
        **os.environ,
        **ENVIRONMENT,
        "AWS_ENDPOINT_URL": aws.url,
        "SAGEMAKER_VALIDATE_ROLE": "false",
    }
    bucket = f"sdk-{uuid.uuid4().hex[:8]}"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SDK_SCRIPT, ROLE, IMAGE, bucket, WRITE_REPORT],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *_, error, last = done.stdout.splitlines()
    assert error == "WaiterError"
    assert json.loads(last) == [
        "Succeeded",
        "Failed",
        {"Evaluate": None, "Gate": None, "GateFailed": "0.75 < 0.9"},
    ]


@pytest.mark.integration
def test_stopping_the_server_ends_its_jobs(tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    server = serve(0, state_dir=tmp_path, job_environment={}, echo=lambda _: None)
    sagemaker = local_client(server.url, "sagemaker")
    name = f"endless-{uuid.uuid4().hex[:8]}"
    sagemaker.create_pipeline(
        PipelineName=name,
        PipelineDefinition=definition(processing("Endless", job(_beats(beat)))),
        RoleArn=ROLE,
    )
    sagemaker.start_pipeline_execution(PipelineName=name)
    eventually(beat.exists)
    server.stop()
    _assert_quiet(beat)
    server.stop()


KILLED = """
import sys, time
from pathlib import Path
from pipeline.local.jobs.process_runner import Isolation, process_runner
from pipeline.local.aws import serve
from local_definitions import job
import boto3
folder = sys.argv[1]
runners = {
    way.name: process_runner(repo_root=Path.cwd(), home=Path(folder), isolation=way)
    for way in Isolation
}
server = serve(0, state_dir=Path(folder), job_environment={},
               job_runner=lambda job, write: runners[job.environment["WAY"]](job, write))
client = boto3.client("sagemaker", endpoint_url=server.url, region_name="us-east-1",
                      aws_access_key_id="testing", aws_secret_access_key="testing")
for argument in sys.argv[2:]:
    way, code = argument.split("=", 1)
    client.create_processing_job(ProcessingJobName=way, **job(code, Environment={"WAY": way}))
time.sleep(60)
"""


@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="the parent's death is a signal on Linux only")
def test_a_job_does_not_outlive_a_server_that_was_killed(tmp_path: Path) -> None:
    beats = {
        way.name: tmp_path / way.name for way in Isolation if way is Isolation.MAPPED or _works(way)
    }
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}"}
    server = subprocess.Popen(
        [
            *(sys.executable, "-c", KILLED, str(tmp_path)),
            *(f"{way}={_beats(path)}" for way, path in beats.items()),
        ],
        env=environment,
    )
    try:
        eventually(lambda: all(path.exists() for path in beats.values()))
    finally:
        server.kill()
        server.wait()
    _assert_quiet(*beats.values())


def _beats(path: Path) -> str:
    """A line of Python that writes on and on."""
    beat = f"open({str(path)!r}, 'a').write('x'), time.sleep(0.05)"
    return f"import time; [({beat}) for _ in range(9**9)]"


def _assert_quiet(*beats: Path) -> None:
    time.sleep(0.2)
    sizes = [beat.stat().st_size for beat in beats]
    time.sleep(0.4)
    assert [beat.stat().st_size for beat in beats] == sizes
