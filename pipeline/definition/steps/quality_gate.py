"""QualityGate and GateNotPassed: the evaluation's verdict and every hard threshold, all must hold.

The container has judged by the same parameters; comparing the numbers again here shows them in
Studio and can only be as strict or stricter. The report has to be this execution's own: all
executions write below one prefix with one role, so that another's could stand in its place.

Two conditions side by side, each the other's opposite, because there are three ways to end:
registered, failed, and neither, for a candidate that had been evaluated already. A condition inside
another one's branch would say it shorter, but SageMaker does not take that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.definition.descriptions import described
from pipeline.definition.parameters import PipelineParameters
from processing.config.model import EvaluationConfig
from processing.config.thresholds import ThresholdParameter, threshold_parameters

if TYPE_CHECKING:
    from sagemaker.core.workflow.properties import PropertyFile
    from sagemaker.mlops.workflow.condition_step import ConditionStep
    from sagemaker.mlops.workflow.fail_step import FailStep
    from sagemaker.mlops.workflow.steps import ProcessingStep, Step


NOTHING_REGISTERED = (
    "Nothing is registered: the answers were given, and registration.model does not say whose."
)


def gate_steps(
    config: EvaluationConfig,
    parameters: PipelineParameters,
    evaluated: ProcessingStep,
    report: PropertyFile,
    *,
    passed: Sequence[Step],
    not_passed: Sequence[Step],
    reason_in: Any = None,
) -> list[ConditionStep]:
    """The steps of `passed` run if all holds, else those of `not_passed`, and then GateFailed.

    Where nothing is registered, and so nothing was deployed either, one gate does for both ways.

    GateFailed's message has the reason by JsonGet or, with `reason_in`, where the report is.
    """
    from sagemaker.core.workflow.conditions import ConditionEquals, ConditionOr
    from sagemaker.mlops.workflow.condition_step import ConditionStep

    evaluated_here = ConditionEquals(left=from_report(evaluated, report, "evaluated_here"), right=1)
    pairs = _holding_and_missing(config, parameters, evaluated, report)
    failed = [*not_passed, _gate_failed(evaluated, report, reason_in, after=not_passed)]
    gate = ConditionStep(
        name="QualityGate",
        display_name="Quality gate",
        description=described(
            "Yes if this execution's verdict is passed and every hard threshold holds: "
            f"{_listed(config)}.{'' if passed else f' {NOTHING_REGISTERED}'}"
        ),
        conditions=[evaluated_here, *(holds for holds, _ in pairs)],
        if_steps=list(passed),
        else_steps=[] if passed else failed,
    )
    if not passed:
        return [gate]
    opposite = ConditionStep(
        name="GateNotPassed",
        display_name="Gate not passed",
        description=described(
            "Yes if the verdict is not passed, or one of QualityGate's thresholds does not hold. "
            "Neither gate says yes where nothing was evaluated: the candidate has already been "
            "evaluated."
        ),
        conditions=[evaluated_here, ConditionOr(conditions=[misses for _, misses in pairs])],
        if_steps=failed,
        else_steps=[],
    )
    return [gate, opposite]


def _hard(config: EvaluationConfig) -> Iterator[ThresholdParameter]:
    return (t for t in threshold_parameters(config.thresholds) if t.tier == "hard")


def _listed(config: EvaluationConfig) -> str:
    """`Safety >= MinSafety, ...`: the metric, and the parameter that it is compared with."""
    signs = {"min": ">=", "max": "<="}
    listed = [f"{t.metric} {signs[t.rule]} {t.name}" for t in _hard(config)]
    return ", ".join(listed) or "there is none"


def _holding_and_missing(
    config: EvaluationConfig,
    parameters: PipelineParameters,
    evaluated: ProcessingStep,
    report: PropertyFile,
) -> list[tuple[Any, Any]]:
    """What must hold, each with its opposite: own report, passed verdict, each hard threshold."""
    from sagemaker.core.workflow import conditions
    from sagemaker.core.workflow.execution_variables import ExecutionVariables

    opposites = {
        "min": (conditions.ConditionGreaterThanOrEqualTo, conditions.ConditionLessThan),
        "max": (conditions.ConditionLessThanOrEqualTo, conditions.ConditionGreaterThan),
    }
    verdict = from_report(evaluated, report, "gate.passed")
    passed, not_passed = (conditions.ConditionEquals(left=verdict, right=is_) for is_ in (1, 0))
    own = conditions.ConditionEquals(
        left=from_report(evaluated, report, "execution_arn"),
        right=ExecutionVariables.PIPELINE_EXECUTION_ARN,
    )
    pairs = [(own, conditions.ConditionNot(own)), (passed, not_passed)]
    for threshold in _hard(config):
        sides = {
            "left": from_report(evaluated, report, f"thresholds.{threshold.name}.compared"),
            "right": parameters.thresholds[threshold.name],
        }
        holds, misses = opposites[threshold.rule]
        pairs.append((holds(**sides), misses(**sides)))
    return pairs


def from_report(evaluated: ProcessingStep, report: PropertyFile, path: str) -> Any:
    """A value of evaluation.json, read by Pipelines when the step that needs it starts."""
    from sagemaker.core.workflow.functions import JsonGet

    return JsonGet(step_name=evaluated.name, property_file=report, json_path=path)


def _gate_failed(
    evaluated: ProcessingStep, report: PropertyFile, reason_in: Any, *, after: Sequence[Step]
) -> FailStep:
    """A Fail step ends the execution, so it waits for what is still to be done."""
    from sagemaker.core.workflow.functions import Join
    from sagemaker.mlops.workflow.fail_step import FailStep

    values = (
        ["Quality gate not passed:", from_report(evaluated, report, "gate.summary")]
        if reason_in is None
        else ["Quality gate not passed; gate.summary says why, in", reason_in]
    )
    return FailStep(
        name="GateFailed",
        display_name="Gate failed",
        description=described(
            "Ends the execution as failed; its message says which thresholds were missed, and by "
            "how much. The rows are in report.html, in EvaluateModel's output."
        ),
        error_message=Join(on=" ", values=values),
        depends_on=list(after) or None,
    )
