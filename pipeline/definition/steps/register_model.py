"""RegisterModel: the model that was measured, with its evaluation attached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.definition.bundle import Bundle
from pipeline.definition.descriptions import described
from pipeline.definition.parameters import PipelineParameters
from pipeline.definition.steps.processing_job import run_file_uri
from pipeline.definition.steps.quality_gate import from_report
from processing.report.evaluation_json import EVALUATION_FILE
from processing.report.package_request import package_request

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

    request = package_request(
        bundle.config.registration,
        bundle.config.registered_metrics(),
        approval_status=parameters.approval_status,
        evaluation_uri=run_file_uri(bundle, "evaluation", EVALUATION_FILE),
        from_report=lambda path: from_report(evaluated, report, path),
    )

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
