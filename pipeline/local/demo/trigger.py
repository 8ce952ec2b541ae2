"""`make demo-trigger`: one boto3 call registers a candidate; the rest happens by itself.

Starts the local AWS, types the README's own commands, registers a model package in the candidates
group, and follows what EventBridge starts. Exit code 0 only if exactly one execution was started,
it registered a model, nothing that it wrote started another, and no endpoint is left.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any

from pipeline.definition.bundle import Bundle, load_bundle
from pipeline.local.demo.__main__ import CONFIG, STATE, echo, model_packages, run, say
from pipeline.local.demo.services import GOOD, four_free_ports, local_aws
from pipeline.local.mlflow_server import end_on_signals
from pipeline.local.server.account import DEMO_IMAGE

_STARTS_WITHIN_SECONDS = 30.0
_NOTHING_MORE_SECONDS = 5.0


def main() -> int:
    started = time.monotonic()
    say("starting the local AWS, MLflow, a demo endpoint and a demo judge on loopback")
    first_port = four_free_ports(4566)
    config = _config_for(first_port + 3)
    bundle = load_bundle(config)
    with local_aws(bundle.config, first_port, STATE, echo=echo):
        file = ("--config", str(config))
        run("upsert", *file)
        run("trigger", "put", *file)
        run("trigger", "show", *file)
        say("a training job registers a candidate: one boto3 call")
        candidate = register_candidate(bundle)
        started_by_event = wait_for_an_execution(bundle)
        ended = run("status", "--follow", *file) if started_by_event else 1
        time.sleep(_NOTHING_MORE_SECONDS)
        count = len(list_executions(bundle))
        registered = model_packages(bundle.config) if count else []
        left = candidate_endpoints(bundle)
        say("and the trigger is taken away again")
        run("trigger", "remove", *file)
    say(f"done in {time.monotonic() - started:.0f} s")
    print(f"candidate:  {candidate}")
    print(f"executions: {count}, started by EventBridge{'' if count == 1 else ': EXPECTED ONE'}")
    print(f"registered: {', '.join(registered) or 'NOTHING'}, which started nothing")
    print(f"endpoint:   {f'LEFT BEHIND: {left}' if left else 'made for the candidate, and gone'}")
    return 0 if (ended, count, len(registered), left) == (0, 1, 1, []) else 1


def register_candidate(bundle: Bundle) -> str:
    """What a training pipeline's last step does. Returns the model package's ARN."""
    import boto3

    sagemaker, trigger = boto3.client("sagemaker"), bundle.config.trigger
    assert trigger is not None
    sagemaker.create_model_package_group(ModelPackageGroupName=trigger.candidates_group)
    request: dict[str, Any] = {
        "ModelPackageGroupName": trigger.candidates_group,
        "ModelApprovalStatus": trigger.approval_status,
        "InferenceSpecification": {
            "Containers": [
                {
                    "Image": DEMO_IMAGE,
                    "ModelDataUrl": f"s3://{bundle.config.infrastructure.bucket}/models/{GOOD}.tar.gz",
                }
            ],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    }
    print(f"sagemaker.create_model_package(**{request})")
    arn = str(sagemaker.create_model_package(**request)["ModelPackageArn"])
    print(f"-> {arn}")
    return arn


def wait_for_an_execution(bundle: Bundle) -> bool:
    deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
    while not (executions := list_executions(bundle)):
        if time.monotonic() > deadline:
            print("NOTHING WAS STARTED: `trigger show` prints the dead letters")
            return False
        time.sleep(0.2)
    say(f"EventBridge has started {executions[0]}")
    return True


def list_executions(bundle: Bundle) -> list[str]:
    import boto3

    from pipeline.executions import launch

    client = boto3.client("sagemaker")
    listed = launch.list_executions(client, bundle.config.pipeline.name)
    return [str(summary["PipelineExecutionArn"]) for summary in listed]


def candidate_endpoints(bundle: Bundle) -> list[str]:
    import boto3

    from processing.candidate.deployment import name_prefix

    prefix = name_prefix(bundle.config.pipeline.name)
    listed = boto3.client("sagemaker").list_endpoints(NameContains=prefix)
    return [endpoint["EndpointName"] for endpoint in listed["Endpoints"]]


def _config_for(mlflow_port: int) -> Path:
    """The example's file, or a copy that names MLflow's port where the usual one is taken."""
    bundle = load_bundle(CONFIG)
    address = f"http://127.0.0.1:{mlflow_port}"
    if bundle.config.mlflow.tracking_uri == address:
        return CONFIG
    source = bundle.config.dataset.source
    text = CONFIG.read_text(encoding="utf-8")
    text = text.replace(bundle.config.mlflow.tracking_uri, address)
    text = text.replace(f"source: {source}", f"source: {Path(source).resolve()}", 1)
    for name in bundle.config.named_files():
        (STATE / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CONFIG.parent / name, STATE / name)
    STATE.mkdir(exist_ok=True)
    copy = STATE / "evaluation.yaml"
    copy.write_text(text, encoding="utf-8")
    return copy


if __name__ == "__main__":
    end_on_signals()
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nstopped")
