"""The whole evaluation from Python, with the SageMaker SDK's own calls.

    python -m examples.python.run_pipeline

Environment: see README.md in this folder.
"""

import logging
import os

from botocore.exceptions import WaiterError

from pipeline_definition import get_pipeline

missing = [name for name in ("ENDPOINT_NAME", "MLFLOW_TRACKING_URI") if name not in os.environ]
if missing:
    raise SystemExit(f"set {', '.join(missing)}: README.md in examples/python says to what")

logging.disable(logging.WARNING)  # the SDK says a good deal

pipeline = get_pipeline(os.environ.get("EVALUATION_CONFIG", "evaluation.yaml"))

# Creates the pipeline, or updates it. The configuration, the scorers' files and a local dataset go
# to S3 first; role, description and tags are those of the configuration.
pipeline.upsert()

# Only what is different this time: every other parameter has the configuration's value.
execution = pipeline.start(
    parameters={
        "EndpointName": os.environ["ENDPOINT_NAME"],
        "MlflowTrackingUri": os.environ["MLFLOW_TRACKING_URI"],
    }
)
print("started", execution.arn)

# The SDK's waiter raises when the execution fails, and a closed gate fails it: that is a result to
# look at. It gives up after delay x max_attempts seconds.
try:
    execution.wait(delay=int(os.environ.get("POLL_SECONDS", "30")), max_attempts=480)
except WaiterError:
    print("did not succeed")

for step in sorted(execution.list_steps(), key=lambda step: step["StartTime"]):
    print(f"{step['StepName']:16} {step['StepStatus']:10} {step.get('FailureReason', '')}")
print(execution.describe()["PipelineExecutionStatus"])
