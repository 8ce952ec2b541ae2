"""`make demo`: what a user does, for real, against the local AWS: a good model, then a worse one.

Starts the local AWS and then types the README's own commands. Exit code 0 only if the good model
was registered and the worse one was not. With --docker each job runs in the image.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from pipeline.definition.bundle import Bundle, load_bundle
from pipeline.local.demo.services import GOOD, WORSE, four_free_ports, local_aws
from pipeline.local.mlflow_server import end_on_signals
from processing.base.errors import LaunchError
from processing.calls.progress_display import is_terminal
from processing.config.model import EvaluationConfig

STATE = Path(".demo")
CONFIG = Path("evaluation.yaml")


def main(*, docker: bool) -> int:
    started = time.monotonic()
    bundle = load_bundle(CONFIG)
    say("starting the local AWS, MLflow, a demo endpoint and a demo judge on loopback")
    first_port = four_free_ports(4566)
    with local_aws(bundle.config, first_port, STATE, docker=docker, echo=echo) as addresses:
        run("upsert")
        codes = {}
        for quality, endpoint in {"good": GOOD, "worse": WORSE}.items():
            say(f"a {quality} model")
            codes[quality] = run("start", "--wait", "--poll-seconds", "0.5",
                                 "-p", f"EndpointName={endpoint}",
                                 "-p", f"MlflowTrackingUri={addresses.mlflow}")  # fmt: skip
        registered = model_packages(bundle.config)
        pages = run_pages(bundle)
        reports = fetch_reports(bundle, list(codes))
    seconds = time.monotonic() - started
    say(f"done in {seconds:.0f} s; the local AWS is gone, MLflow's record stays")
    print(f"good model:  {'passed the gate' if codes['good'] == 0 else 'DID NOT PASS: see above'}")
    print(
        f"worse model: {'stopped by the gate' if codes['worse'] == 1 else 'NOT STOPPED: see above'}"
    )
    print(f"registered:  {', '.join(registered) or 'NOTHING'}")
    print("reports:     open in a browser")
    print("\n".join(f"             {report}" for report in reports))
    print(f"logs:        {STATE}/logs")
    print(f"MLflow:      make mlflow PORT={addresses.first_port + 3}, then open the runs:")
    print("\n".join(f"             {page}" for page in pages))
    return 0 if codes == {"good": 0, "worse": 1} and len(registered) == 1 and len(pages) == 2 else 1


def echo(line: str) -> None:
    """A job's line, unless `start --wait` shows it itself: on a terminal it draws all of it."""
    if not is_terminal(sys.stdout) and "] progress " not in line:
        print(line, flush=True)


def run(*arguments: str, folder: Path = Path()) -> int:
    """Type a command of the README in a folder; its exit code."""
    script = os.path.relpath("pipeline_definition.py", folder)
    command = [sys.executable, script, *arguments]
    changes = "" if folder == Path() else f"cd {folder} && "
    print(f"\n$ {changes}python {shlex.join(command[1:])}", flush=True)
    return subprocess.run(command, cwd=folder, check=False).returncode


def model_packages(config: EvaluationConfig) -> list[str]:
    """ARNs in the configuration's model package group."""
    import boto3

    group = config.registration.model_package_group
    listed = boto3.client("sagemaker").list_model_packages(ModelPackageGroupName=group)
    return [summary["ModelPackageArn"] for summary in listed["ModelPackageSummaryList"]]


def run_pages(bundle: Bundle) -> list[str]:
    """The MLflow address of each execution's run, oldest first."""
    import boto3

    from pipeline.executions.launch import list_executions, read_evaluation

    session = boto3.Session()
    pages = []
    for summary in reversed(
        list_executions(session.client("sagemaker"), bundle.config.pipeline.name)
    ):
        execution = summary["PipelineExecutionArn"].rpartition("/")[2]
        uri = bundle.uri("runs", execution, "evaluation", "evaluation.json")
        evaluation = read_evaluation(session, uri)
        if evaluation and evaluation["mlflow"]:
            pages.append(str(evaluation["mlflow"]["url"]))
    return pages


def fetch_reports(bundle: Bundle, qualities: list[str]) -> list[Path]:
    """The executions' report.html out of S3, oldest first, before the local AWS is gone."""
    import boto3
    from botocore.exceptions import ClientError

    from pipeline.executions.launch import list_executions

    session = boto3.Session()
    executions = list_executions(session.client("sagemaker"), bundle.config.pipeline.name)
    reports = []
    for quality, summary in zip(qualities, reversed(executions), strict=False):
        execution = summary["PipelineExecutionArn"].rpartition("/")[2]
        uri = bundle.uri("runs", execution, "evaluation", "report.html")
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        path = STATE / f"report-{quality}.html"
        try:
            session.client("s3").download_file(bucket, key, str(path))
        except ClientError:  # it did not come to an evaluation, which has been said by then
            continue
        reports.append(path.resolve())
    return reports


def say(text: str) -> None:
    print(f"\n=== {text}", flush=True)


if __name__ == "__main__":
    end_on_signals()
    try:
        sys.exit(main(docker="--docker" in sys.argv[1:]))
    except LaunchError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("\nstopped")
