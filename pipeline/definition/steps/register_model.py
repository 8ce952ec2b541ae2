"""RegisterModel: the model that was measured, with its evaluation attached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.definition.bundle import Bundle
from pipeline.definition.descriptions import described
from pipeline.definition.parameters import PipelineParameters
from pipeline.definition.steps.processing_job import run_file_uri
from pipeline.definition.steps.quality_gate import from_report
from processing.report.evaluation_json import EVALUATION_FILE, METADATA_KEYS

if TYPE_CHECKING:
    from sagemaker.core.workflow.properties import PropertyFile
    from sagemaker.mlops.workflow.steps import ProcessingStep, Step


def register_step(
    bundle: Bundle,
    parameters: PipelineParameters,
    evaluated: ProcessingStep,
    report: PropertyFile,
) -> Step:
    """A RegisterModel step whose arguments are a CreateModelPackage request.

    The SDK's own ModelStep wants a ModelBuilder, which cannot register by SourceUri and calls AWS
    while the definition is built.
    """
    from sagemaker.core.workflow.properties import Properties
    from sagemaker.mlops.workflow.retry import StepExceptionTypeEnum, StepRetryPolicy
    from sagemaker.mlops.workflow.steps import ConfigurableRetryStep, StepTypeEnum

    request = _create_model_package_request(bundle, parameters, evaluated, report)

    class RegisterModelStep(ConfigurableRetryStep):  # type: ignore[misc]
        @property
        def arguments(self) -> dict[str, Any]:
            return request

        @property
        def properties(self) -> Any:
            return Properties(self.name, step=self, shape_name="DescribeModelPackageOutput")

    throttling = [StepExceptionTypeEnum.THROTTLING, StepExceptionTypeEnum.SERVICE_FAULT]
    return RegisterModelStep(
        "RegisterModel",
        StepTypeEnum.REGISTER_MODEL,
        display_name="Register model",
        description=described(
            "Registers the model that was measured as a version of "
            f"{bundle.config.registration.model_package_group}, with the approval status "
            "ApprovalStatus, its metrics, its model card and its MLflow run."
        ),
        retry_policies=[StepRetryPolicy(exception_types=throttling, max_attempts=5)],
    )


def _create_model_package_request(
    bundle: Bundle,
    parameters: PipelineParameters,
    evaluated: ProcessingStep,
    report: PropertyFile,
) -> dict[str, Any]:
    registration = bundle.config.registration
    # Unverified on AWS: that JsonGet may give a text of some ten thousand characters.
    card = {
        "ModelCard": {
            "ModelCardContent": from_report(evaluated, report, "model_card"),
            "ModelCardStatus": "PendingReview",
        }
    }
    scorers = [spec.name for spec in bundle.config.scorers]
    return {
        "ModelPackageGroupName": registration.model_package_group,
        "ModelPackageDescription": registration.description or "Registered after its evaluation.",
        # never typed by hand: the evaluation looked up what stands behind the endpoint
        "SourceUri": from_report(evaluated, report, "model.source_uri"),
        "ModelApprovalStatus": parameters.approval_status,
        "ModelMetrics": {
            "ModelQuality": {
                "Statistics": {
                    "ContentType": "application/json",
                    "S3Uri": run_file_uri(bundle, "evaluation", EVALUATION_FILE),
                }
            }
        },
        **(card if registration.model_card else {}),
        "ModelLifeCycle": {
            "Stage": registration.stage,
            "StageStatus": "Passed",
            "StageDescription": "Every threshold of its evaluation holds.",
        },
        "CustomerMetadataProperties": {
            key: from_report(evaluated, report, f"metadata.{key}")
            for key in [*METADATA_KEYS, *scorers, "latency_p95_ms"]
        },
    }
