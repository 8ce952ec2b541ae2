"""RegisterModel as a processing job, for where Pipelines refuses a member of the step's request.

The job has a role of its own, the only one that may register: what evaluates cannot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.definition.bundle import Bundle
from pipeline.definition.descriptions import described
from pipeline.definition.parameters import PipelineParameters
from pipeline.definition.steps.processing_job import (
    processor,
    retry_policies,
    run_file_uri,
    run_output,
    s3_input,
    step_arguments,
)
from processing.report.evaluation_json import EVALUATION_FILE

if TYPE_CHECKING:
    from sagemaker.core.workflow.pipeline_context import PipelineSession
    from sagemaker.mlops.workflow.steps import ProcessingStep


def register_job_step(
    bundle: Bundle, parameters: PipelineParameters, session: PipelineSession
) -> ProcessingStep:
    """A job that reads evaluation.json itself and sends CreateModelPackage."""
    from sagemaker.core.workflow.execution_variables import ExecutionVariables
    from sagemaker.mlops.workflow.steps import ProcessingStep

    infrastructure = bundle.config.infrastructure
    return ProcessingStep(
        name="RegisterModel",
        display_name="Register model",
        description=described(
            "A job that registers the model that was measured as a version of "
            f"{bundle.config.registration.model_package_group}, with the approval status "
            "ApprovalStatus, its metrics, its model card and its MLflow run."
        ),
        step_args=step_arguments(
            processor(
                bundle,
                session,
                infrastructure.prepare,
                "processing.candidate.registration",
                role=infrastructure.register_role,
            ),
            inputs=[
                s3_input("config", bundle.config_uri),
                s3_input("evaluation", run_file_uri(bundle, "evaluation", EVALUATION_FILE)),
            ],
            outputs=[run_output(bundle, "registration")],
            arguments=[
                *("--approval-status", parameters.approval_status),
                *("--execution-arn", ExecutionVariables.PIPELINE_EXECUTION_ARN),
            ],
        ),
        retry_policies=retry_policies(),
    )
