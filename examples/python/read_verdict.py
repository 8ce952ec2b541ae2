"""Start a pipeline that is there already, and read its verdict: boto3 and nothing else.

    python -m examples.python.read_verdict

It needs neither this repository nor its configuration, so it can be copied into a Lambda function
or a deployment job as it is. Environment: see README.md in this folder.
"""

import json
import os
import time

import boto3

missing = [
    name
    for name in ("PIPELINE_NAME", "ENDPOINT_NAME", "MLFLOW_TRACKING_URI")
    if name not in os.environ
]
if missing:
    raise SystemExit(f"set {', '.join(missing)}: README.md in examples/python says to what")

sagemaker, s3 = boto3.client("sagemaker"), boto3.client("s3")

started = sagemaker.start_pipeline_execution(
    PipelineName=os.environ["PIPELINE_NAME"],
    PipelineParameters=[
        {"Name": "EndpointName", "Value": os.environ["ENDPOINT_NAME"]},
        {"Name": "MlflowTrackingUri", "Value": os.environ["MLFLOW_TRACKING_URI"]},
    ],
)
execution = started["PipelineExecutionArn"]

while True:
    described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
    if described["PipelineExecutionStatus"] not in ("Executing", "Stopping"):
        break
    time.sleep(float(os.environ.get("POLL_SECONDS", "30")))
print(described["PipelineExecutionStatus"], described.get("FailureReason", ""))

# Where the verdict lies says the job that wrote it; it is there whether the gate is open or not.
listed = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution)
steps = {step["StepName"]: step for step in listed["PipelineExecutionSteps"]}
if "EvaluateModel" not in steps:
    raise SystemExit("it did not come to an evaluation")
job = steps["EvaluateModel"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
outputs = sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingOutputConfig"]
folders = {output["OutputName"]: output["S3Output"]["S3Uri"] for output in outputs["Outputs"]}
bucket, _, prefix = folders["evaluation"].removeprefix("s3://").partition("/")
body = s3.get_object(Bucket=bucket, Key=f"{prefix.rstrip('/')}/evaluation.json")["Body"]
evaluation = json.loads(body.read())

print(evaluation["gate"]["summary"])
for name, check in evaluation["thresholds"].items():
    print(f"{'holds ' if check['passed'] else 'MISSED'} {name} {check['compared']}")
if "RegisterModel" in steps:
    print("registered", steps["RegisterModel"]["Metadata"]["RegisterModel"]["Arn"])
