"""QualityGate and GateNotPassed: the evaluation's verdict and every hard threshold, all must hold.

The container has judged by the same parameters; comparing the numbers again here shows them in
Studio and can only be as strict or stricter.

Two conditions side by side, each the other's opposite, because there are three ways to end:
registered, failed, and neither, for a candidate that had been evaluated already. A condition inside
another one's branch would say it shorter, but SageMaker does not take that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.definition.descriptions import described
from pipeline.definition.parameters import PipelineParameters
from processing.config.model import EvaluationConfig
from processing.config.thresholds import threshold_parameters

if TYPE_CHECKING:
    from sagemaker.core.workflow.properties import PropertyFile
    from sagemaker.mlops.workflow.condition_step import ConditionStep
    from sagemaker.mlops.workflow.fail_step import FailStep
    from sagemaker.mlops.workflow.steps import ProcessingStep, Step


def gate_steps(
    config: EvaluationConfig,
    parameters: PipelineParameters,
    evaluated: ProcessingStep,
    report: PropertyFile,
    *,
    passed: Sequence[Step],
    not_passed: Sequence[Step],
) -> list[ConditionStep]:
    """The steps of `passed` run if all holds, else those of `not_passed`, and then GateFailed."""
    from sagemaker.core.workflow.conditions import ConditionEquals, ConditionOr
    from sagemaker.mlops.workflow.condition_step import ConditionStep

    evaluated_here = ConditionEquals(left=from_report(evaluated, report, "evaluated_here"), right=1)
    gate = ConditionStep(
        name="QualityGate",
        display_name="Quality gate",
        description=described(
            "Yes if the evaluation's verdict is passed and every hard threshold holds: "
            f"{_listed(config)}."
        ),
        conditions=[evaluated_here, *_holding(config, parameters, evaluated, report)],
        if_steps=list(passed),
        else_steps=[],
    )
    opposite = ConditionStep(
        name="GateNotPassed",
        display_name="Gate not passed",
        description=described(
            "Yes if the verdict is not passed, or one of QualityGate's thresholds does not hold. "
            "Neither gate says yes where nothing was evaluated: the candidate has its verdict."
        ),
        conditions=[
            evaluated_here,
            ConditionOr(conditions=_missing(config, parameters, evaluated, report)),
        ],
        if_steps=[*not_passed, _gate_failed(evaluated, report, after=not_passed)],
        else_steps=[],
    )
    return [gate, opposite]


def _listed(config: EvaluationConfig) -> str:
    """`Safety >= MinSafety, ...`: the metric, and the parameter that it is compared with."""
    signs = {"min": ">=", "max": "<="}
    listed = [
        f"{threshold.metric} {signs[threshold.rule]} {threshold.name}"
        for threshold in threshold_parameters(config.thresholds)
        if threshold.tier == "hard"
    ]
    return ", ".join(listed) or "there is none"


def _holding(
    config: EvaluationConfig,
    parameters: PipelineParameters,
    evaluated: ProcessingStep,
    report: PropertyFile,
) -> list[Any]:
    """The verdict is passed; each hard threshold holds."""
    from sagemaker.core.workflow.conditions import (
        ConditionEquals,
        ConditionGreaterThanOrEqualTo,
        ConditionLessThanOrEqualTo,
    )

    comparisons = {"min": ConditionGreaterThanOrEqualTo, "max": ConditionLessThanOrEqualTo}
    return [
        ConditionEquals(left=from_report(evaluated, report, "gate.passed"), right=1),
        *_compared(comparisons, config, parameters, evaluated, report),
    ]


def _missing(
    config: EvaluationConfig,
    parameters: PipelineParameters,
    evaluated: ProcessingStep,
    report: PropertyFile,
) -> list[Any]:
    """The opposite of each of `_holding`."""
    from sagemaker.core.workflow.conditions import (
        ConditionEquals,
        ConditionGreaterThan,
        ConditionLessThan,
    )

    comparisons = {"min": ConditionLessThan, "max": ConditionGreaterThan}
    return [
        ConditionEquals(left=from_report(evaluated, report, "gate.passed"), right=0),
        *_compared(comparisons, config, parameters, evaluated, report),
    ]


def _compared(
    comparisons: Mapping[str, Any],
    config: EvaluationConfig,
    parameters: PipelineParameters,
    evaluated: ProcessingStep,
    report: PropertyFile,
) -> list[Any]:
    return [
        comparisons[threshold.rule](
            left=from_report(evaluated, report, f"thresholds.{threshold.name}.compared"),
            right=parameters.thresholds[threshold.name],
        )
        for threshold in threshold_parameters(config.thresholds)
        if threshold.tier == "hard"
    ]


def from_report(evaluated: ProcessingStep, report: PropertyFile, path: str) -> Any:
    """A value of evaluation.json, read by Pipelines when the step that needs it starts."""
    from sagemaker.core.workflow.functions import JsonGet

    return JsonGet(step_name=evaluated.name, property_file=report, json_path=path)


def _gate_failed(
    evaluated: ProcessingStep, report: PropertyFile, after: Sequence[Step]
) -> FailStep:
    """A Fail step ends the execution, so it waits for what is still to be done."""
    from sagemaker.core.workflow.functions import Join
    from sagemaker.mlops.workflow.fail_step import FailStep

    reason = from_report(evaluated, report, "gate.summary")
    return FailStep(
        name="GateFailed",
        display_name="Gate failed",
        description=described(
            "Ends the execution as failed; its message says which thresholds were missed, and by "
            "how much. The rows are in report.html, in EvaluateModel's output."
        ),
        error_message=Join(on=" ", values=["Quality gate not passed:", reason]),
        depends_on=list(after) or None,
    )
