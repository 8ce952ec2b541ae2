"""QualityGate and GateFailed: the evaluation's verdict and every hard threshold, all must hold.

The container has judged by the same parameters; comparing the numbers again here shows them in
Studio and can only be as strict or stricter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.parameters import PipelineParameters
from processing.config import EvaluationConfig
from processing.thresholds import threshold_parameters

if TYPE_CHECKING:
    from sagemaker.core.workflow.properties import PropertyFile
    from sagemaker.mlops.workflow.condition_step import ConditionStep
    from sagemaker.mlops.workflow.fail_step import FailStep
    from sagemaker.mlops.workflow.steps import ProcessingStep, Step


def gate_step(
    config: EvaluationConfig,
    parameters: PipelineParameters,
    evaluated: ProcessingStep,
    report: PropertyFile,
    register: Step,
) -> ConditionStep:
    from sagemaker.core.workflow.conditions import (
        ConditionEquals,
        ConditionGreaterThanOrEqualTo,
        ConditionLessThanOrEqualTo,
    )
    from sagemaker.mlops.workflow.condition_step import ConditionStep

    comparisons = {"min": ConditionGreaterThanOrEqualTo, "max": ConditionLessThanOrEqualTo}
    passed = from_report(evaluated, report, "gate.passed")
    return ConditionStep(
        name="QualityGate",
        display_name="Quality gate",
        description="The evaluation's verdict is passed and every metric keeps its threshold.",
        conditions=[
            ConditionEquals(left=passed, right=1),
            *(
                comparisons[threshold.rule](
                    left=from_report(evaluated, report, f"thresholds.{threshold.name}.compared"),
                    right=parameters.thresholds[threshold.name],
                )
                for threshold in threshold_parameters(config.thresholds)
                if threshold.tier == "hard"
            ),
        ],
        if_steps=[register],
        else_steps=[_gate_failed(evaluated, report)],
    )


def from_report(evaluated: ProcessingStep, report: PropertyFile, path: str) -> Any:
    """A value of evaluation.json, read by Pipelines when the step that needs it starts."""
    from sagemaker.core.workflow.functions import JsonGet

    return JsonGet(step_name=evaluated.name, property_file=report, json_path=path)


def _gate_failed(evaluated: ProcessingStep, report: PropertyFile) -> FailStep:
    from sagemaker.core.workflow.functions import Join
    from sagemaker.mlops.workflow.fail_step import FailStep

    reason = from_report(evaluated, report, "gate.summary")
    return FailStep(
        name="GateFailed",
        display_name="Gate failed",
        description="Says which thresholds were missed, and by how much.",
        error_message=Join(on=" ", values=["Quality gate not passed:", reason]),
    )
