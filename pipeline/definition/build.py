"""From a configuration file to a SageMaker pipeline. Building it calls no AWS service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.definition.account import region
from pipeline.definition.bundle import Bundle, load_bundle
from pipeline.definition.sdk_internals import validate_defaults_once
from processing.report.evaluation_json import EVALUATION_FILE

if TYPE_CHECKING:
    from sagemaker.core.workflow.pipeline_context import PipelineSession
    from sagemaker.mlops.workflow.pipeline import Pipeline

TELEMETRY_OFF = {
    "SchemaVersion": "1.0",
    "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
}


def get_pipeline(config: str | Path, session: PipelineSession | None = None) -> Pipeline:
    """The evaluation pipeline of a configuration file, as the SageMaker SDK's Pipeline.

    `upsert`, `start` and the rest work as the SDK documents. `create`, `update` and `upsert` first
    upload the configuration and a local dataset, and take role, description and tags from the file
    where they are not given. Raises ConfigError for mistakes in the file.
    """
    return build(load_bundle(Path(config)), session)


def build(bundle: Bundle, session: PipelineSession | None = None) -> Pipeline:
    """The pipeline of a configuration that has been read already."""
    region(bundle)
    validate_defaults_once()
    from pipeline.definition.parameters import pipeline_parameters
    from pipeline.definition.sdk_pipeline import EvaluationPipeline
    from pipeline.definition.steps.candidate_approval import stamp_step
    from pipeline.definition.steps.evaluate_model import evaluate_step, evaluation_report
    from pipeline.definition.steps.prepare_dataset import prepare_step
    from pipeline.definition.steps.processing_job import run_file_uri
    from pipeline.definition.steps.quality_gate import gate_steps
    from pipeline.definition.steps.register_job import register_job_step
    from pipeline.definition.steps.register_model import register_step

    session = session or pipeline_session(bundle)
    parameters = pipeline_parameters(bundle)
    report = evaluation_report()
    prepare = prepare_step(bundle, parameters, session)
    evaluate = evaluate_step(bundle, parameters, session, prepare, report)
    by_job = bundle.config.registration.by == "job"
    passed, not_passed = [], []
    if bundle.config.registers:
        register = (
            register_job_step(bundle, parameters, session)
            if by_job
            else register_step(bundle, parameters, evaluate, report)
        )
        passed.append(register)
    if bundle.config.registration.stamp_candidate:
        passed.append(stamp_step(bundle, parameters, session, "Approved", after=[*passed]))
        not_passed.append(stamp_step(bundle, parameters, session, "Rejected", after=[]))
    gates = gate_steps(
        bundle.config,
        parameters,
        evaluate,
        report,
        passed=passed,
        not_passed=not_passed,
        reason_in=run_file_uri(bundle, "evaluation", EVALUATION_FILE) if by_job else None,
    )
    return EvaluationPipeline(
        bundle,
        name=bundle.config.pipeline.name,
        parameters=parameters.all(),
        steps=[prepare, evaluate, *gates],
        mlflow_config=_mlflow_config(bundle),
        pipeline_experiment_config=None,  # MLflow holds the record, not SageMaker Experiments
        sagemaker_session=session,
    )


def pipeline_session(bundle: Bundle) -> PipelineSession:
    """The SDK's session for building and sending definitions; telemetry is off."""
    import boto3
    from sagemaker.core.workflow.pipeline_context import PipelineSession

    return PipelineSession(
        boto_session=boto3.Session(region_name=region(bundle)),
        default_bucket=bundle.config.infrastructure.bucket,
        sagemaker_config=TELEMETRY_OFF,
    )


def _mlflow_config(bundle: Bundle) -> Any:
    """Ties executions to the MLflow App or tracking server in Studio; an address cannot be tied."""
    from sagemaker.core.shapes.shapes import MlflowConfig

    mlflow = bundle.config.mlflow
    if not mlflow.is_managed:
        return None
    return MlflowConfig(
        mlflow_resource_arn=mlflow.tracking_uri, mlflow_experiment_name=mlflow.experiment
    )
