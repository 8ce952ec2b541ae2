"""EvaluateModel: our container asks the endpoint, scores, logs to MLflow and gives the verdict.

With ModelPackageArn it also makes the endpoint and deletes it; `processing.candidate.deployment`
says why the pipeline has no steps of its own for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.definition.bundle import Bundle
from pipeline.definition.descriptions import described
from pipeline.definition.parameters import PipelineParameters
from pipeline.definition.steps.processing_job import (
    INPUT_FOLDER,
    processor,
    retry_policies,
    run_file_uri,
    run_output,
    s3_input,
    step_arguments,
    store_output,
)
from processing.config.infrastructure import Machine
from processing.config.model import EvaluationConfig
from processing.dataset.manifest import MANIFEST_FILE
from processing.dataset.shards import SHARDS_FOLDER

if TYPE_CHECKING:
    from sagemaker.core.shapes.shapes import ProcessingInput
    from sagemaker.core.workflow.pipeline_context import PipelineSession
    from sagemaker.core.workflow.properties import PropertyFile
    from sagemaker.mlops.workflow.steps import ProcessingStep


def evaluation_report() -> PropertyFile:
    """evaluation.json, which the gate and the registration read."""
    from sagemaker.core.workflow.properties import PropertyFile

    return PropertyFile(name="EvaluationReport", output_name="evaluation", path="evaluation.json")


def evaluate_step(
    bundle: Bundle,
    parameters: PipelineParameters,
    session: PipelineSession,
    prepared: ProcessingStep,
    report: PropertyFile,
) -> ProcessingStep:
    """Not cached: the model behind an endpoint changes without its name changing."""
    from sagemaker.mlops.workflow.steps import ProcessingStep

    machine = bundle.config.infrastructure.evaluate
    return ProcessingStep(
        name="EvaluateModel",
        display_name="Evaluate model",
        description=_description(bundle.config),
        step_args=step_arguments(
            processor(bundle, session, machine, "processing.evaluate"),
            inputs=[s3_input("config", parameters.config_uri), *_dataset(machine, prepared)],
            outputs=[run_output(bundle, "evaluation"), store_output(bundle)],
            arguments=_arguments(bundle, parameters),
        ),
        property_files=[report],
        retry_policies=retry_policies(),
    )


def _description(config: EvaluationConfig) -> str:
    if config.dataset.answers_given:
        return described(
            f"Scores the answers that the dataset has with {len(config.scorers)} scorers"
            f"{f' (judge {config.judge.model})' if config.judge else ''} and logs all of it to "
            "MLflow; no endpoint is called. Writes evaluation.json (the verdict, every metric), "
            "rows.jsonl (every answer) and report.html, a page to read them on."
        )
    candidate = ", or to the candidate ModelPackageArn on an endpoint of its own"
    judge = f" (judge {config.judge.model})" if config.judge else ""
    return described(
        f"Puts every row to the endpoint EndpointName{candidate if config.candidate else ''}; "
        f"scores each answer with {len(config.scorers)} scorers{judge} and logs all of it to "
        "MLflow. Writes evaluation.json (the verdict, every metric), "
        "rows.jsonl (every answer) and report.html, a page to read them on."
    )


def _dataset(machine: Machine, prepared: ProcessingStep) -> list[ProcessingInput]:
    """For several instances the manifest comes apart from the rows, of which each gets a share."""
    from sagemaker.core.workflow.functions import Join

    written = prepared.properties.ProcessingOutputConfig.Outputs["dataset"].S3Output.S3Uri
    if machine.instance_count == 1:
        return [s3_input("dataset", written)]
    return [
        s3_input("dataset", Join(on="/", values=[written, f"{SHARDS_FOLDER}/"]), sharded=True),
        s3_input("manifest", Join(on="/", values=[written, MANIFEST_FILE])),
    ]


def _arguments(bundle: Bundle, parameters: PipelineParameters) -> list[Any]:
    from sagemaker.core.workflow.execution_variables import ExecutionVariables
    from sagemaker.core.workflow.functions import Join

    options = {
        "--endpoint-name": parameters.endpoint_name,
        "--inference-component": parameters.inference_component,
        "--model-package-arn": parameters.model_package_arn,
        "--reevaluate": parameters.reevaluate,
        "--mlflow-tracking-uri": parameters.mlflow_tracking_uri,
        "--mlflow-experiment": parameters.mlflow_experiment,
        "--store-uri": bundle.uri("store"),
        "--reuse": parameters.reuse_answers,
        "--execution-arn": ExecutionVariables.PIPELINE_EXECUTION_ARN,
    }
    if bundle.config.infrastructure.evaluate.instance_count > 1:
        options |= {
            "--manifest": f"{INPUT_FOLDER}/manifest/{MANIFEST_FILE}",
            "--parts-uri": run_file_uri(bundle, "parts"),
        }
    arguments = [part for name, value in options.items() if value is not None
                 for part in (name, value)]  # fmt: skip
    for name, threshold in parameters.thresholds.items():
        arguments += ["--threshold", Join(on="=", values=[name, threshold])]
    return arguments
