"""The pipeline's parameters: what a person may change from run to run without an upsert.

CamelCase throughout: EventBridge targets refuse underscores in parameter names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.definition.bundle import Bundle
from processing.config.thresholds import threshold_parameters
from processing.evaluation.job import NO_PACKAGE

if TYPE_CHECKING:
    from sagemaker.core.workflow.parameters import Parameter

NOT_LOOKED_AT = "not-looked-at"
"""DatasetVersion's default: only the dataset's address says whether it is the same."""

APPROVAL_STATUSES = ["PendingManualApproval", "Approved", "Rejected"]


@dataclass(frozen=True)
class PipelineParameters:
    """The SDK's parameters, by what they are for. `thresholds` is by parameter name.

    Where answers are given, there is no endpoint and no candidate to name.
    """

    endpoint_name: Parameter | None
    inference_component: Parameter | None
    model_package_arn: Parameter | None
    dataset_uri: Parameter
    dataset_version: Parameter | None
    sample_size: Parameter
    approval_status: Parameter | None
    mlflow_tracking_uri: Parameter
    mlflow_experiment: Parameter
    reuse_answers: Parameter
    reevaluate: Parameter | None
    config_uri: Parameter
    thresholds: dict[str, Parameter]

    def all(self) -> list[Parameter]:
        """In the order in which Studio shows them."""
        given = [
            self.endpoint_name,
            self.inference_component,
            self.model_package_arn,
            self.dataset_uri,
            self.dataset_version,
            self.sample_size,
            self.approval_status,
            self.mlflow_tracking_uri,
            self.mlflow_experiment,
            self.reuse_answers,
            self.reevaluate,
            self.config_uri,
            *self.thresholds.values(),
        ]
        return [parameter for parameter in given if parameter is not None]


def pipeline_parameters(bundle: Bundle) -> PipelineParameters:
    """Parameters with the configuration's values as defaults."""
    from sagemaker.core.workflow.parameters import (
        ParameterFloat,
        ParameterInteger,
        ParameterString,
    )

    config = bundle.config
    component = config.endpoint.inference_component
    asked = not config.dataset.answers_given
    return PipelineParameters(
        endpoint_name=ParameterString("EndpointName", config.endpoint.name) if asked else None,
        inference_component=(
            ParameterString("InferenceComponent", component) if component and asked else None
        ),
        model_package_arn=ParameterString("ModelPackageArn", NO_PACKAGE) if asked else None,
        dataset_uri=ParameterString("DatasetUri", bundle.dataset_uri),
        dataset_version=(
            ParameterString("DatasetVersion", NOT_LOOKED_AT) if config.pipeline.cache else None
        ),
        sample_size=ParameterInteger("SampleSize", config.dataset.sample_size),
        approval_status=(
            ParameterString(
                "ApprovalStatus", config.registration.approval_status, enum_values=APPROVAL_STATUSES
            )
            if config.registers
            else None
        ),
        mlflow_tracking_uri=ParameterString("MlflowTrackingUri", config.mlflow.tracking_uri),
        mlflow_experiment=ParameterString("MlflowExperiment", config.mlflow.experiment),
        reuse_answers=ParameterString("ReuseAnswers", "yes", enum_values=["yes", "no"]),
        reevaluate=(
            ParameterString("Reevaluate", "no", enum_values=["yes", "no"]) if asked else None
        ),
        config_uri=ParameterString("ConfigUri", bundle.config_uri),
        thresholds={
            threshold.name: ParameterFloat(threshold.name, threshold.bound)
            for threshold in threshold_parameters(config.thresholds)
        },
    )
