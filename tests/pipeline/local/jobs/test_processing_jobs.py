"""Processing jobs: what the code sees, what comes back, and how jobs end."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_definitions import definition, job, processing, s3_input, s3_output
from local_runs import Runs, eventually

Start = Callable[[dict[str, Any]], str]
Wait = Callable[[str], dict[str, Any]]


@pytest.fixture
def start(sagemaker: Any) -> Start:
    def create(arguments: dict[str, Any]) -> str:
        name = f"job-{uuid.uuid4().hex[:8]}"
        sagemaker.create_processing_job(ProcessingJobName=name, **arguments)
        return name

    return create


@pytest.fixture
def wait(sagemaker: Any) -> Wait:
    def until_ended(name: str) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            described: dict[str, Any] = sagemaker.describe_processing_job(ProcessingJobName=name)
            is_open = described["ProcessingJobStatus"] in {"InProgress", "Stopping"}
            return None if is_open else described

        return dict(eventually(ended))

    return until_ended


def body(s3: Any, bucket: str, key: str) -> str:
    return str(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())


def keys(s3: Any, bucket: str) -> set[str]:
    return {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def test_the_code_sees_what_sagemaker_gives_it(
    start: Start, wait: Wait, s3: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_USER", "x")
    s3.put_object(Bucket=bucket, Key="in/deep/a.txt", Body=b"A")
    code = (
        "import json,os,sys; o='/opt/ml/'; r=lambda f: json.load(open(o+'config/'+f+'.json')); "
        "json.dump([r('processingjobconfig'),r('resourceconfig'),dict(os.environ),sys.argv,"
        "os.listdir(o+'processing/input/data/deep')], open(o+'processing/output/report/s','w'))"
    )
    arguments = job(
        code,
        "--model",
        "m",
        Environment={"MODE": "test"},
        ProcessingInputs=[s3_input(f"s3://{bucket}/in")],
        ProcessingOutputConfig=s3_output(f"s3://{bucket}/seen"),
    )
    name = start(arguments)
    assert wait(name)["ProcessingJobStatus"] == "Completed"
    config, resources, environment, argv, files = json.loads(body(s3, bucket, "seen/s"))
    assert config["ProcessingJobName"] == name
    assert config["AppSpecification"] == arguments["AppSpecification"]
    assert resources == {"current_host": "algo-1", "hosts": ["algo-1"]}
    assert environment["MODE"] == "test"
    assert environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert "SECRET_OF_THE_USER" not in environment
    assert argv[1:] == ["--model", "m"]
    assert files == ["a.txt"]


def test_an_input_is_a_prefix_or_an_object(start: Start, wait: Wait, s3: Any, bucket: str) -> None:
    for key in ("d/rows.jsonl", "d/rows.jsonl.bak", "d/x/y.txt", "other"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    code = (
        "import glob,shutil; [shutil.copytree(f'/opt/ml/processing/input/{n}', "
        "f'/opt/ml/processing/output/report/{n}') for n in ('one','all')]"
    )
    inputs = [
        s3_input(f"s3://{bucket}/d/x/y.txt", "one"),
        s3_input(f"s3://{bucket}/d/", "all"),
    ]
    name = start(
        job(
            code,
            ProcessingInputs=inputs,
            ProcessingOutputConfig=s3_output(f"s3://{bucket}/out"),
        )
    )
    assert wait(name)["ProcessingJobStatus"] == "Completed"
    assert {key for key in keys(s3, bucket) if key.startswith("out/")} == {
        "out/one/y.txt",
        "out/all/rows.jsonl",
        "out/all/rows.jsonl.bak",
        "out/all/x/y.txt",
    }


def test_no_objects_is_a_clients_error_in_sagemakers_words(
    start: Start, wait: Wait, bucket: str
) -> None:
    described = wait(start(job("pass", ProcessingInputs=[s3_input(f"s3://{bucket}/nothing")])))
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith(
        f'ClientError: No S3 objects found under S3 URL "s3://{bucket}/nothing" given in input'
    )


@pytest.mark.slow
def test_two_instances_share_the_shards(start: Start, wait: Wait, s3: Any, bucket: str) -> None:
    for number in range(5):
        s3.put_object(Bucket=bucket, Key=f"shards/{number}", Body=b"x")
    code = (
        "import json,os; o='/opt/ml/'; r=json.load(open(o+'config/resourceconfig.json')); "
        "json.dump([r['hosts'],sorted(os.listdir(o+'processing/input/data')),"
        "os.listdir(o+'processing/input/all')],"
        "open(o+'processing/output/report/'+r['current_host'],'w'))"
    )
    sharded = s3_input(f"s3://{bucket}/shards/", S3DataDistributionType="ShardedByS3Key")
    arguments = job(
        code,
        ProcessingInputs=[sharded, s3_input(f"s3://{bucket}/shards/", "all")],
        ProcessingOutputConfig=s3_output(f"s3://{bucket}/seen"),
    )
    arguments["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 2
    assert wait(start(arguments))["ProcessingJobStatus"] == "Completed"
    seen = [json.loads(body(s3, bucket, f"seen/algo-{number}")) for number in (1, 2)]
    assert [hosts for hosts, _, _ in seen] == [["algo-1", "algo-2"]] * 2
    assert [share for _, share, _ in seen] == [["0", "2", "4"], ["1", "3"]]
    assert [len(everything) for _, _, everything in seen] == [5, 5]


@pytest.mark.slow
def test_continuous_output_is_in_s3_while_the_job_runs(
    start: Start, wait: Wait, sagemaker: Any, s3: Any, bucket: str
) -> None:
    code = (
        "import time; f=open('/opt/ml/processing/output/report/rows','w'); "
        "f.write('one '); f.flush(); time.sleep(60)"
    )
    name = start(
        job(code, ProcessingOutputConfig=s3_output(f"s3://{bucket}/live", mode="Continuous"))
    )
    eventually(lambda: "live/rows" in keys(s3, bucket))
    assert body(s3, bucket, "live/rows") == "one "
    described = sagemaker.describe_processing_job(ProcessingJobName=name)
    assert described["ProcessingJobStatus"] == "InProgress"
    sagemaker.stop_processing_job(ProcessingJobName=name)
    assert wait(name)["ProcessingJobStatus"] == "Stopped"


def test_a_job_that_fails_still_leaves_its_output(
    start: Start, wait: Wait, s3: Any, bucket: str
) -> None:
    code = "open('/opt/ml/processing/output/report/part','w').write('x'); raise SystemExit(7)"
    described = wait(start(job(code, ProcessingOutputConfig=s3_output(f"s3://{bucket}/out"))))
    assert described["FailureReason"] == (
        "AlgorithmError: See job logs for more information, exit code: 7"
    )
    assert body(s3, bucket, "out/part") == "x"


@pytest.mark.slow
def test_a_job_over_its_time_is_ended(start: Start, wait: Wait) -> None:
    arguments = job("import time; time.sleep(60)")
    arguments["StoppingCondition"] = {"MaxRuntimeInSeconds": 1}
    described = wait(start(arguments))
    assert described["ProcessingJobStatus"] == "Failed"
    assert "MaxRuntimeInSeconds (1)" in described["FailureReason"]


@pytest.mark.slow
def test_a_job_that_ignores_sigterm_is_killed_with_its_children(
    start: Start, wait: Wait, sagemaker: Any, tmp_path: Path
) -> None:
    beat = tmp_path / "beat"
    child = f"while sleep 0.1; do date +%N > {beat}; done"
    code = (
        "import signal,subprocess,time; signal.signal(15, signal.SIG_IGN); "
        f"subprocess.Popen(['sh','-c','{child}']); time.sleep(60)"
    )
    name = start(job(code))
    eventually(beat.exists)
    sagemaker.stop_processing_job(ProcessingJobName=name)
    assert wait(name)["ProcessingJobStatus"] == "Stopped"
    last = beat.read_text()
    time.sleep(0.4)
    assert beat.read_text() == last


@pytest.mark.slow
def test_what_a_job_leaves_running_ends_with_it(start: Start, wait: Wait, tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    child = f"while sleep 0.05; do date +%N > {beat}; done"
    code = f"import subprocess,time; subprocess.Popen(['sh','-c','{child}']); time.sleep(0.4)"
    assert wait(start(job(code)))["ProcessingJobStatus"] == "Completed"
    last = beat.read_text()
    time.sleep(0.3)
    assert beat.read_text() == last


def test_one_failing_instance_ends_the_others(start: Start, wait: Wait) -> None:
    code = (
        "import json,time; r=json.load(open('/opt/ml/config/resourceconfig.json')); "
        "exit(5) if r['current_host']=='algo-2' else time.sleep(60)"
    )
    arguments = job(code)
    arguments["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 2
    described = wait(start(arguments))
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("AlgorithmError: ")


def test_exit_message_of_a_job_that_succeeds(start: Start, wait: Wait) -> None:
    code = "open('/opt/ml/output/message','w').write('200 rows')"
    assert wait(start(job(code)))["ExitMessage"] == "200 rows"


@pytest.mark.slow
def test_output_goes_to_terminal_file_and_cloudwatch(
    runs: Runs, terminal: list[str], state_dir: Path, client: Callable[[str], Any]
) -> None:
    code = "import sys; print('to stdout'); print('to stderr', file=sys.stderr)"
    status, steps = runs.run(definition(processing("Speaks", job(code))))
    assert status == "Succeeded"
    assert "[Speaks] to stdout" in terminal
    assert "[Speaks] to stderr" in terminal
    name = steps["Speaks"]["Metadata"]["ProcessingJob"]["Arn"].split("/")[-1]
    assert (state_dir / "logs" / f"{name}.log").read_text() == "to stdout\nto stderr\n"
    logs, group = client("logs"), "/aws/sagemaker/ProcessingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/algo-1-")[
        "logStreams"
    ]
    events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"])
    assert [event["message"] for event in events["events"]] == ["to stdout", "to stderr"]


def test_jobs_are_listed_newest_first_and_names_are_used_once(
    start: Start, wait: Wait, sagemaker: Any
) -> None:
    first, second = start(job("pass")), start(job("raise SystemExit(1)"))
    wait(first), wait(second)
    summaries = sagemaker.list_processing_jobs(NameContains="job-")["ProcessingJobSummaries"]
    names = [entry["ProcessingJobName"] for entry in summaries]
    assert names.index(second) < names.index(first)
    failed = sagemaker.list_processing_jobs(StatusEquals="Failed", NameContains=second)
    assert [e["ProcessingJobName"] for e in failed["ProcessingJobSummaries"]] == [second]
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        sagemaker.create_processing_job(ProcessingJobName=first, **job("pass"))
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_processing_job(ProcessingJobName="nowhere")


def test_a_request_that_aws_refuses_is_refused(start: Start) -> None:
    arguments = job("pass")
    arguments["ProcessingResources"]["ClusterConfig"]["InstanceType"] = "ml.huge"
    with pytest.raises(ClientError, match=r"InstanceType.*enum value set"):
        start(arguments)


def test_an_image_without_entrypoint_is_refused_by_name(start: Start, wait: Wait) -> None:
    arguments = job("pass")
    del arguments["AppSpecification"]["ContainerEntrypoint"]
    assert "ContainerEntrypoint" in wait(start(arguments))["FailureReason"]


@pytest.mark.parametrize("prefix", ["in", "in/"])
def test_no_key_writes_a_file_outside_of_the_job(
    *, start: Start, wait: Wait, s3: Any, bucket: str, tmp_path: Path, prefix: str
) -> None:
    """`in//home/me/.profile` is a key that S3 takes."""
    target = tmp_path / "profile"
    target.write_text("mine")
    s3.put_object(Bucket=bucket, Key=f"in/{target}", Body=b"theirs")
    arguments = job("pass", ProcessingInputs=[s3_input(f"s3://{bucket}/{prefix}")])
    ended = wait(start(arguments))
    assert target.read_text() == "mine"
    assert ended["ProcessingJobStatus"] == "Failed"
    assert "leads out of the input's folder" in ended["FailureReason"]


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
@pytest.mark.parametrize("link", ["output/report/stolen", "output/report"])
def test_no_link_takes_a_file_of_this_machine_to_s3(
    *, start: Start, wait: Wait, s3: Any, bucket: str, tmp_path: Path, mode: str, link: str
) -> None:
    """In Docker a link that means a file of the container would be read on this machine."""
    (tmp_path / "secret").write_text("secret")
    code = (
        "import os,shutil,sys; p='/opt/ml/processing/'+sys.argv[1]; "
        "os.path.isdir(p) and os.rmdir(p); os.symlink(sys.argv[2], p)"
    )
    arguments = job(
        code, link, str(tmp_path), ProcessingOutputConfig=s3_output(f"s3://{bucket}/o", mode=mode)
    )
    ended = wait(start(arguments))
    assert keys(s3, bucket) == set()
    assert ended["ProcessingJobStatus"] == "Failed"
    assert "leads out of" in ended["FailureReason"]


def test_no_link_shows_a_file_of_this_machine_as_the_exit_message(
    start: Start, wait: Wait, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("for my eyes only")
    code = "import os,sys; os.symlink(sys.argv[1], '/opt/ml/output/message'); sys.exit(1)"
    ended = wait(start(job(code, str(tmp_path / "secret"))))
    assert "eyes" not in json.dumps(ended, default=str)
    assert ended["FailureReason"].startswith("AlgorithmError")


def test_a_link_within_the_job_is_uploaded_as_the_file_that_it_means(
    start: Start, wait: Wait, s3: Any, bucket: str
) -> None:
    code = (
        "import os; os.chdir('/opt/ml/processing/output/report'); "
        "open('a','w').write('A'); os.symlink('a','b')"
    )
    name = start(job(code, ProcessingOutputConfig=s3_output(f"s3://{bucket}/o")))
    assert wait(name)["ProcessingJobStatus"] == "Completed"
    assert body(s3, bucket, "o/b") == "A"


@pytest.mark.parametrize("kind", ["Input", "Output"])
def test_no_name_of_an_input_or_output_is_a_path(
    sagemaker: Any, s3: Any, bucket: str, tmp_path: Path, kind: str
) -> None:
    """Where LocalPath is left out, the name makes it."""
    s3.put_object(Bucket=bucket, Key="in/a.txt", Body=b"A")
    name = "../" * 20 + str(tmp_path).lstrip("/")
    inputs, outputs = s3_input(f"s3://{bucket}/in"), s3_output(f"s3://{bucket}/o")
    entry = inputs if kind == "Input" else outputs["Outputs"][0]
    entry[f"{kind}Name"] = name
    del entry[f"S3{kind}"]["LocalPath"]
    arguments = job("pass", ProcessingInputs=[inputs], ProcessingOutputConfig=outputs)
    with pytest.raises(ClientError, match="it must be under /opt/ml/processing"):
        sagemaker.create_processing_job(
            ProcessingJobName=f"job-{uuid.uuid4().hex[:8]}", **arguments
        )
    assert list(tmp_path.iterdir()) == []
