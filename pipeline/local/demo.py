"""`make demo`: what a user does, for real, against the local AWS: a good model, then a worse one.

Starts the local AWS and then types the README's own commands. Exit code 0 only if the good model
was registered and the worse one was not.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from pipeline.bundle import load_bundle
from pipeline.local.services import GOOD, WORSE, four_free_ports, local_aws
from processing.config import EvaluationConfig

STATE = Path(".demo")
CONFIG = Path("evaluation.yaml")


def main() -> int:
    started = time.monotonic()
    bundle = load_bundle(CONFIG)
    port = four_free_ports(4566)
    say("starting the local AWS, MLflow, a demo endpoint and a demo judge on loopback")
    with local_aws(bundle.config, port, STATE) as addresses:
        mlflow = f"MlflowTrackingUri={addresses.mlflow}"
        run("upsert")
        say("a good model")
        good = run("start", "--wait", "--poll-seconds", "0.5", "-p", f"EndpointName={GOOD}",
                   "-p", mlflow)  # fmt: skip
        say("a worse model")
        worse = run("start", "--wait", "--poll-seconds", "0.5", "-p", f"EndpointName={WORSE}",
                    "-p", mlflow)  # fmt: skip
        registered = model_packages(bundle.config)
    say(f"done in {time.monotonic() - started:.0f} s")
    return report(good, worse, registered)


def report(good: int, worse: int, registered: list[str]) -> int:
    """Say how both went; 0 only if the good model, and it alone, was registered."""
    print(f"good model:  {'passed the gate' if good == 0 else 'DID NOT PASS: see above'}")
    print(f"worse model: {'stopped by the gate' if worse == 1 else 'NOT STOPPED: see above'}")
    print(f"registered:  {', '.join(registered) or 'NOTHING'}")
    print(
        "MLflow:      make mlflow   (then open the MLflow address above: every row, every verdict)"
    )
    print(f"logs:        {STATE}/logs")
    return 0 if (good, worse, len(registered)) == (0, 1, 1) else 1


def run(*arguments: str) -> int:
    """Type a command of the README; its exit code."""
    command = [sys.executable, "pipeline_definition.py", *arguments]
    print(f"\n$ python {shlex.join(command[1:])}", flush=True)
    return subprocess.run(command, check=False).returncode


def model_packages(config: EvaluationConfig) -> list[str]:
    """ARNs in the configuration's model package group."""
    import boto3

    client = boto3.client("sagemaker", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    group = config.registration.model_package_group
    listed = client.list_model_packages(ModelPackageGroupName=group)
    return [summary["ModelPackageArn"] for summary in listed["ModelPackageSummaryList"]]


def say(text: str) -> None:
    print(f"\n=== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
