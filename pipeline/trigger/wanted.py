"""What the configuration asks of EventBridge: which rules, for what, and what each starts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.definition.account import account_of
from pipeline.definition.bundle import Bundle
from pipeline.definition.dataset_version import PARAMETER
from pipeline.definition.trigger_names import names_of
from pipeline.trigger.notify import notify_target, verdict_pattern
from processing.base.errors import LaunchError
from processing.config.trigger import Trigger

TARGET_ID = "pipeline"
_SWEEP_RETRY = {"MaximumRetryAttempts": 8, "MaximumEventAgeInSeconds": 3600}


@dataclass(frozen=True)
class WantedRule:
    """`form` is EventPattern or ScheduleExpression, or None if the rule is not wanted.

    `pipeline` is what it starts; empty for the rule that tells of verdicts.
    """

    name: str
    form: dict[str, str] | None
    pipeline: str
    parameters: Mapping[str, str]
    retry: Mapping[str, int]

    @property
    def description(self) -> str:
        if self.pipeline:
            return f"Starts the SageMaker pipeline {self.pipeline}"
        return "Tells of each verdict of an evaluation"


def wanted_trigger(bundle: Bundle, schedule: str | None) -> Trigger | None:
    """The file's `trigger:`, with a schedule given on the command line in place of its own.

    None for a file that has only `candidate:`, whose abandoned endpoints are still swept, or only
    `notify:`. Raises LaunchError if EventBridge has nothing to do.
    """
    from pydantic import ValidationError

    section = bundle.config.trigger
    if section is None and schedule is None:
        if bundle.config.has_rules:
            return None
        raise LaunchError(
            "the configuration has no trigger: section; add trigger: candidates_group: NAME, "
            'give --schedule "rate(7 days)", or add notify: topic: ARN to be told of verdicts'
        )
    if schedule is None and section is not None:
        return section
    given = section.model_dump() if section else {}
    try:
        return Trigger.model_validate({**given, "schedule": schedule})
    except ValidationError as error:
        raise LaunchError(
            f"--schedule {schedule!r} is neither rate(1 day), rate(7 days), ... "
            "nor cron(minutes hours day-of-month month day-of-week year)"
        ) from error


def wanted_rules(bundle: Bundle, trigger: Trigger | None) -> list[WantedRule]:
    pattern = json.dumps(verdict_pattern(bundle))
    form = {"EventPattern": pattern} if bundle.config.notify else None
    notify = WantedRule(names_of(bundle).notify, form, "", {}, {})
    return [*_evaluation_rules(bundle, trigger), *_sweep_rules(bundle), notify]


def needs_role(bundle: Bundle, trigger: Trigger | None) -> bool:
    """Whether a rule has a target that EventBridge reaches by a role; a topic has a policy."""
    notify = bundle.config.notify
    return bool(trigger or bundle.config.candidate or (notify and notify.bus))


def _evaluation_rules(bundle: Bundle, trigger: Trigger | None) -> list[WantedRule]:
    names, pipeline = names_of(bundle), bundle.config.pipeline.name
    if trigger is None:
        return [WantedRule(name, None, pipeline, {}, {}) for name in (names.rule, names.schedule)]
    candidates, schedule = trigger.candidates_group, trigger.schedule
    retry = {
        "MaximumRetryAttempts": trigger.retry_attempts,
        "MaximumEventAgeInSeconds": trigger.max_event_age_seconds,
    }
    return [
        WantedRule(
            names.rule,
            {"EventPattern": json.dumps(event_pattern(trigger))} if candidates else None,
            pipeline,
            _prepared_anew(
                bundle, {"ModelPackageArn": "$.detail.ModelPackageArn", **trigger.parameters}
            ),
            retry,
        ),
        WantedRule(
            names.schedule,
            {"ScheduleExpression": schedule} if schedule else None,
            pipeline,
            _prepared_anew(bundle, trigger.schedule_parameters),
            retry,
        ),
    ]


def _prepared_anew(bundle: Bundle, given: Mapping[str, str]) -> Mapping[str, str]:
    """Nobody looks at the dataset when a rule starts the pipeline: prepare it for each event."""
    dataset = given.get("DatasetUri", bundle.dataset_uri)
    if not bundle.config.pipeline.cache or bundle.holds_its_content(dataset):
        return given
    return {PARAMETER: "$.id", **given}


def _sweep_rules(bundle: Bundle) -> list[WantedRule]:
    """When an execution has ended without its last step; and each hour, for what that missed."""
    names = names_of(bundle)
    wanted = bundle.config.candidate is not None
    forms = {
        names.sweep_ended: {"EventPattern": json.dumps(ended_pattern(bundle))},
        names.sweep_hourly: {"ScheduleExpression": "rate(1 hour)"},
    }
    return [
        WantedRule(name, form if wanted else None, names.sweep, {}, _SWEEP_RETRY)
        for name, form in forms.items()
    ]


def event_pattern(trigger: Trigger) -> dict[str, Any]:
    """A finished candidate that is new, or whose approval was changed to what is waited for.

    Every other update (a stamp, a description, a life-cycle stage) repeats the approval status in
    its event, and so must not match: UpdatedModelPackageFields says what was changed. Whether a new
    version's event has that key is not documented; it counts as new without it.
    """
    return {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {
            "ModelPackageGroupName": [trigger.candidates_group],
            "ModelPackageStatus": ["Completed"],
            "ModelApprovalStatus": [trigger.approval_status],
            "UpdatedModelPackageFields": [{"exists": False}, "ModelApprovalStatus"],
        },
    }


def ended_pattern(bundle: Bundle) -> dict[str, Any]:
    """This pipeline's executions only: the sweep pipeline's own must not start it again.

    Source: SageMaker developer guide, "SageMaker Model Building Pipeline execution status change".
    Older accounts have pipelines' ARNs in small letters.
    """
    pipeline = account_of(bundle).sagemaker(f"pipeline/{bundle.config.pipeline.name}")
    return {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Building Pipeline Execution Status Change"],
        "detail": {
            "pipelineArn": [{"equals-ignore-case": arn} for arn in pipeline],
            "currentPipelineExecutionStatus": ["Failed", "Stopped"],
        },
    }


def wanted_target(bundle: Bundle, rule: WantedRule) -> dict[str, Any]:
    if not rule.pipeline:
        return notify_target(bundle)
    account, names = account_of(bundle), names_of(bundle)
    listed = [{"Name": name, "Value": value} for name, value in rule.parameters.items()]
    return {
        "Id": TARGET_ID,
        "Arn": account.arn("sagemaker", f"pipeline/{rule.pipeline}"),
        "RoleArn": names.role_arn,
        "SageMakerPipelineParameters": {"PipelineParameterList": listed},
        "RetryPolicy": dict(rule.retry),
        "DeadLetterConfig": {"Arn": account.arn("sqs", names.queue)},
    }
