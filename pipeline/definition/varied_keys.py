"""Which keys of evaluation.yaml an execution can take from elsewhere than the last upsert."""

from __future__ import annotations

READ_BY_THE_JOB = (
    "endpoint",
    "judge",
    "scorers",
    "budgets",
    "slices",
    "champion",
    "prices",
    "stop_early",
)
"""Sections that EvaluateModel alone reads."""

PARAMETERS = {
    "dataset.sample_size": "SampleSize",
    "dataset.source": "DatasetUri",
    "endpoint.name": "EndpointName",
    "endpoint.inference_component": "InferenceComponent",
    "mlflow.experiment": "MlflowExperiment",
    "mlflow.tracking_uri": "MlflowTrackingUri",
    "registration.approval_status": "ApprovalStatus",
}
"""Key -> the pipeline's parameter that the execution takes it from."""

AS_PARAMETERS = (
    "endpoint.name",
    "endpoint.inference_component",
    "mlflow.experiment",
    "registration.approval_status",
)
"""Those of them that a variant may override."""
