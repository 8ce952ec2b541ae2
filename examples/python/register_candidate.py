"""Register a candidate and find the execution that its registration started.

    python -m examples.python.register_candidate

The pipeline must be there (`pipeline_definition.py upsert`). Environment: see README.md in this
folder.
"""

import os
import time
from pathlib import Path

import boto3

from pipeline.definition.bundle import load_bundle
from pipeline.trigger import rules

missing = [name for name in ("MODEL_IMAGE", "MODEL_DATA") if name not in os.environ]
if missing:
    raise SystemExit(f"set {', '.join(missing)}: README.md in examples/python says to what")

bundle = load_bundle(Path(os.environ.get("EVALUATION_CONFIG", "evaluation.yaml")))
sagemaker = boto3.client("sagemaker")
group = bundle.config.trigger.candidates_group

# Once: what `pipeline_definition.py trigger put` does, an EventBridge rule with its role and its
# dead-letter queue. To do it again changes nothing.
for line in rules.put(boto3.Session(), bundle):
    print(line)

# Then, for each new model, what a training job does at its end. This is all that it has to know.
there = sagemaker.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
if group not in [summary["ModelPackageGroupName"] for summary in there]:
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
candidate = sagemaker.create_model_package(
    ModelPackageGroupName=group,
    ModelApprovalStatus=bundle.config.trigger.approval_status,
    InferenceSpecification={
        "Containers": [
            {"Image": os.environ["MODEL_IMAGE"], "ModelDataUrl": os.environ["MODEL_DATA"]}
        ],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    },
)["ModelPackageArn"]
print("registered", candidate)


def started_for(candidate: str) -> str | None:
    """The execution that has this candidate as its parameter; None if there is none yet."""
    listed = sagemaker.list_pipeline_executions(PipelineName=bundle.config.pipeline.name)
    for summary in listed["PipelineExecutionSummaries"]:
        execution: str = summary["PipelineExecutionArn"]
        parameters = sagemaker.list_pipeline_parameters_for_execution(
            PipelineExecutionArn=execution
        )["PipelineParameters"]
        if {"Name": "ModelPackageArn", "Value": candidate} in parameters:
            return execution
    return None


# EventBridge usually needs a few seconds.
for _ in range(60):
    if execution := started_for(candidate):
        print("started", execution)
        break
    time.sleep(1)
else:
    raise SystemExit("nothing was started: pipeline_definition.py trigger show says why")
