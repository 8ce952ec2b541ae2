"""`trigger:`, the events and the schedule that start the pipeline."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from processing.config.registration import ApprovalStatus, GroupName
from processing.config.section import Section

# Form and limits: EventBridge API reference, SageMakerPipelineParameter.
ParameterValues = Annotated[
    dict[
        Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$", max_length=256)],
        Annotated[str, Field(max_length=1024)],
    ],
    Field(max_length=190),
]
# rate(1 day), rate(7 days), cron(0 6 ? * MON *): EventBridge user guide, "Schedule expressions".
Schedule = Annotated[
    str,
    Field(
        max_length=256,
        pattern=r"^(rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)"
        r"|cron\((\S+ ){5}\S+\))$",
    ),
]


class Trigger(Section):
    """What starts the pipeline by itself, once `trigger put` has told EventBridge.

    `parameters` are pipeline parameters beside ModelPackageArn; `$.detail.X` is a path into the
    event. `schedule` is rate(...) or cron(...) in UTC; its executions evaluate the endpoint, and by
    default pay for every answer again, since what was kept would show no change.
    """

    candidates_group: GroupName | None = None
    approval_status: ApprovalStatus = "PendingManualApproval"
    parameters: ParameterValues = {}
    schedule: Schedule | None = None
    schedule_parameters: ParameterValues = {"ReuseAnswers": "no"}
    # Limits: EventBridge API reference, RetryPolicy.
    retry_attempts: int = Field(default=8, ge=0, le=185)
    max_event_age_seconds: int = Field(default=3600, ge=60, le=86400)

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.candidates_group is None and self.schedule is None:
            raise ValueError("needs candidates_group: or schedule:, or it would start nothing")
        return self
