"""StampApproved and StampRejected: the candidate's own package hears the verdict.

Pipelines has no step that updates a model package. This job does, with a role of its own, the only
one that may: what evaluates cannot approve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pipeline.definition.bundle import Bundle
from pipeline.definition.descriptions import described
from pipeline.definition.parameters import PipelineParameters
from pipeline.definition.steps.processing_job import (
    processor,
    retry_policies,
    run_file_uri,
    s3_input,
    step_arguments,
)
from processing.report.evaluation_json import EVALUATION_FILE

if TYPE_CHECKING:
    from sagemaker.core.workflow.pipeline_context import PipelineSession
    from sagemaker.mlops.workflow.steps import ProcessingStep, Step


def stamp_step(
    bundle: Bundle,
    parameters: PipelineParameters,
    session: PipelineSession,
    decision: Literal["Approved", "Rejected"],
    *,
    after: list[Step],
) -> ProcessingStep:
    """Reads evaluation.json itself: a job's arguments cannot be taken from it by JsonGet."""
    from sagemaker.mlops.workflow.steps import ProcessingStep

    infrastructure = bundle.config.infrastructure
    report = run_file_uri(bundle, "evaluation", EVALUATION_FILE)
    return ProcessingStep(
        name=f"Stamp{decision}",
        display_name=f"Stamp candidate: {decision.lower()}",
        description=described(
            f"Makes the candidate's own model package {decision}, with the verdict's reason; does "
            "nothing where an endpoint was evaluated."
        ),
        step_args=step_arguments(
            processor(
                bundle,
                session,
                infrastructure.prepare,
                "processing.candidate.approval",
                role=infrastructure.stamp_role,
            ),
            inputs=[s3_input("evaluation", report)],
            outputs=[],
            arguments=[
                *("--model-package-arn", parameters.model_package_arn),
                *("--decision", decision),
                *("--stage", bundle.config.registration.stage),
            ],
        ),
        retry_policies=retry_policies(),
        depends_on=after or None,
    )
