"""PrepareDataset: the dataset, validated and written in the one form that EvaluateModel reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.definition.bundle import Bundle
from pipeline.definition.descriptions import described
from pipeline.definition.parameters import PipelineParameters
from pipeline.definition.steps.processing_job import (
    processor,
    retry_policies,
    run_output,
    s3_input,
    step_arguments,
)

if TYPE_CHECKING:
    from sagemaker.core.workflow.pipeline_context import PipelineSession
    from sagemaker.mlops.workflow.steps import ProcessingStep


def prepare_step(
    bundle: Bundle, parameters: PipelineParameters, session: PipelineSession
) -> ProcessingStep:
    """Cached for `pipeline.cache`, if that is set.

    The cache goes by image, arguments, environment and the inputs' URIs (developer guide, "Default
    cache key attributes"), not by the outputs, whose URI has the execution's id. An input's objects
    may be replaced, so DatasetVersion is in the environment too, which only the cache reads.
    """
    from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep

    config = bundle.config
    version = parameters.dataset_version
    inputs = [s3_input("config", bundle.dataset_config_uri)]
    if not config.dataset.read_by_job:
        inputs.append(s3_input("raw", parameters.dataset_uri))
    mlflow = ["--mlflow-tracking-uri", parameters.mlflow_tracking_uri]
    machine = config.infrastructure.prepare
    return ProcessingStep(
        name="PrepareDataset",
        display_name="Prepare dataset",
        description=described(
            "Reads DatasetUri, checks every row, draws SampleSize of them (0 takes all) with the "
            f"seed {config.dataset.seed} and writes dataset.jsonl; manifest.json lists each row "
            "that cannot be used, and why."
        ),
        step_args=step_arguments(
            processor(
                bundle,
                session,
                machine,
                "processing.prepare_dataset",
                environment={"DATASET_VERSION": version} if version is not None else {},
            ),
            inputs=inputs,
            outputs=[run_output(bundle, "dataset")],
            arguments=[
                "--source",
                parameters.dataset_uri,
                "--sample-size",
                parameters.sample_size.to_string(),
                *(mlflow if config.dataset.from_mlflow else []),
            ],
        ),
        cache_config=(
            CacheConfig(enable_caching=True, expire_after=config.pipeline.cache)
            if config.pipeline.cache
            else None
        ),
        retry_policies=retry_policies(),
    )
