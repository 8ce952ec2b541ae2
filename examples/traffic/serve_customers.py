"""Stands for production: an endpoint with data capture, and the customers who write to it.

It is made for the local AWS, where the demo endpoint answers, which is no model. On AWS your own
endpoint has its customers already.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import boto3

ENDPOINT = "customer-service-live"
BUCKET = "llm-evaluation-demo"
QUESTIONS = Path(__file__).parents[1] / "customer-service" / "questions.jsonl"


def main() -> None:
    """Make the endpoint if it is not there, and put every question to it once."""
    sagemaker = boto3.client("sagemaker")
    if ENDPOINT not in [each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]]:
        make(sagemaker)
    while sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"] == "Creating":
        time.sleep(0.2)
    runtime = boto3.client("sagemaker-runtime")
    questions = [json.loads(line)["question"] for line in QUESTIONS.read_text().splitlines()]
    for number, question in enumerate(questions):
        asked = f"{question} Please answer to customer{number}@example.org."
        body = {"messages": [{"role": "user", "content": asked}], "max_tokens": 200}
        runtime.invoke_endpoint(
            EndpointName=ENDPOINT, ContentType="application/json", Body=json.dumps(body)
        )
    print(f"{len(questions)} customers have had their answers from {ENDPOINT}")


def make(sagemaker) -> None:  # noqa: ANN001 a boto3 client
    sagemaker.create_model(
        ModelName=ENDPOINT,
        ExecutionRoleArn="arn:aws:iam::123456789012:role/llm-evaluation-job",
        PrimaryContainer={
            "Image": "demo-endpoint:not-a-model",
            "ModelDataUrl": f"s3://{BUCKET}/models/{ENDPOINT}.tar.gz",
            "Environment": {"DEMO_KNOWLEDGE": "customer-service", "DEMO_MODEL": "good"},
        },
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=ENDPOINT,
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": ENDPOINT,
                "InstanceType": "ml.g5.xlarge",
                "InitialInstanceCount": 1,
            }
        ],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{BUCKET}/captured-calls",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        },
    )
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=ENDPOINT)


if __name__ == "__main__":
    main()
