"""`registration:`, the model package group that a model which passes is registered in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from processing.config import patterns
from processing.config.section import Section

LifeCycleName = Annotated[str, Field(pattern=patterns.NAME)]
GroupName = Annotated[str, Field(pattern=patterns.NAME)]
ApprovalStatus = Literal["PendingManualApproval", "Approved", "Rejected"]


class Registration(Section):
    """`stage`: the registered package's ModelLifeCycle.Stage, with the StageStatus Passed.

    `by`: a RegisterModel step, or a job of ours for where Pipelines refuses what that step has.
    `model`: whose answers `dataset.answers: given` are; without it such a run registers nothing.
    """

    model_package_group: GroupName
    approval_status: ApprovalStatus = "PendingManualApproval"
    description: str = Field(default="", max_length=1024)
    model_card: bool = True
    stage: LifeCycleName = "Evaluated"
    stamp_candidate: bool = False
    by: Literal["step", "job"] = "step"
    model: str | None = Field(default=None, pattern=patterns.MODEL)
