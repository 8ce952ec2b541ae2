"""The sweep pipeline: one job that deletes what killed jobs have left of their candidates.

A pipeline of its own, because no step of an execution runs after its job was killed with it.
`trigger put` makes it, with the rules that start it; an upsert of the evaluation pipeline brings it
up to date, so that both run the same image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.definition.bundle import Bundle
from pipeline.definition.descriptions import described
from pipeline.definition.lookup import find_pipeline
from pipeline.definition.steps.processing_job import (
    processor,
    retry_policies,
    sdk_tags,
    step_arguments,
)
from pipeline.definition.trigger_names import names_of

if TYPE_CHECKING:
    from sagemaker.core.workflow.pipeline_context import PipelineSession
    from sagemaker.mlops.workflow.pipeline import Pipeline

VOLUME_GB = 10
MAX_RUNTIME_SECONDS = 3600
"""Longer than `processing.candidate.sweep` waits for an endpoint that is still being created."""


def build_sweep(bundle: Bundle, session: PipelineSession) -> Pipeline:
    """On PrepareDataset's instance type, which the account is known to have."""
    from sagemaker.mlops.workflow.pipeline import Pipeline
    from sagemaker.mlops.workflow.steps import ProcessingStep

    names, infrastructure = names_of(bundle), bundle.config.infrastructure
    machine = infrastructure.prepare.model_copy(
        update={"volume_gb": VOLUME_GB, "max_runtime_seconds": MAX_RUNTIME_SECONDS}
    )
    longest = infrastructure.evaluate.max_runtime_seconds
    step = ProcessingStep(
        name="SweepCandidates",
        display_name="Sweep candidates",
        description=described(
            "Deletes endpoints, endpoint configurations and models of candidates whose execution "
            f"of {bundle.config.pipeline.name} no longer runs."
        ),
        step_args=step_arguments(
            processor(
                bundle,
                session,
                machine,
                "processing.candidate.sweep",
                role=names.sweep_role_arn,
            ),
            inputs=[],
            outputs=[],
            arguments=[
                *("--pipeline", bundle.config.pipeline.name),
                *("--longest-job-seconds", str(longest)),
            ],
        ),
        retry_policies=retry_policies(),
    )
    return Pipeline(
        name=names.sweep,
        parameters=[],
        steps=[step],
        pipeline_experiment_config=None,
        sagemaker_session=session,
    )


def put_sweep(bundle: Bundle, session: PipelineSession, tags: dict[str, str]) -> str:
    """Create the sweep pipeline, or bring it up to date; its ARN. `tags` beside the configured.

    Raises botocore's ClientError.
    """
    answer: dict[str, Any] = build_sweep(bundle, session).upsert(
        role_arn=bundle.config.infrastructure.pipeline_role,
        description=sweep_description(bundle),
        tags=[
            *sdk_tags(bundle.config.infrastructure),
            *({"Key": key, "Value": value} for key, value in tags.items()),
        ],
    )
    return str(answer["PipelineArn"])


def sweep_description(bundle: Bundle) -> str:
    return described(
        f"Deletes what killed jobs of {bundle.config.pipeline.name} have left of candidates."
    )


def update_sweep(bundle: Bundle, session: PipelineSession) -> None:
    """Only if it is there: what makes it is `trigger put`."""
    if bundle.config.candidate is None:
        return
    if find_pipeline(session.sagemaker_client, names_of(bundle).sweep):
        put_sweep(bundle, session, {})
