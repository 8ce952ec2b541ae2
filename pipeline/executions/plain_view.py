"""An execution as lines of text: steps with their times and reasons, the result, where to look."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.executions.console_links import common_start, is_aws, log_page, studio_page
from pipeline.executions.job_progress import LOG_GROUP
from pipeline.executions.launch import ExecutionStatus, StepStatus
from pipeline.executions.step_plan import PlannedStep
from processing.base.visible_text import visible
from processing.calls.progress_line import PROGRESS_LINE

Progress = Mapping[str, list[str]]
"""step name -> the latest lines of its job"""

OFTEN_SECONDS, SELDOM_SECONDS = 10.0, 60.0
"""Between two lines of progress: often at first, and more seldom the longer it takes."""


def step_line(step: StepStatus) -> str:
    seconds = f"{step.seconds:7.1f} s" if step.seconds is not None else " " * 9
    detail = step.reason or step.outcome
    return f"  {step.name:<16} {step.status:<10} {seconds}  {detail}".rstrip()


def execution_line(status: ExecutionStatus) -> str:
    started = f", started {status.started:%Y-%m-%d %H:%M:%S %Z}" if status.started else ""
    seconds = f", {status.seconds:.1f} s" if status.seconds is not None else ""
    return f"execution {status.id} of {status.pipeline}: {status.status}{started}{seconds}"


def status_lines(
    plan: Sequence[PlannedStep], status: ExecutionStatus, progress: Progress
) -> Iterator[str]:
    """Every step once, those too that have not begun; jobs that run with their progress."""
    waiting = "not run" if status.final else "waiting"
    for planned, step in in_order(plan, status):
        if step is None:
            branch = "" if status.final else planned.branch
            yield f"  {planned.name:<16} {waiting:<10} {branch:>11}".rstrip()
            continue
        yield step_line(step)
        yield from (f"    {line}" for line in progress.get(step.name, []) if step.ended is None)


def in_order(
    plan: Sequence[PlannedStep], status: ExecutionStatus
) -> Iterator[tuple[PlannedStep, StepStatus | None]]:
    """The plan's steps, each with what has become of it; then those that are in no plan."""
    steps = {step.name: step for step in status.steps}
    for planned in plan:
        yield planned, steps.pop(planned.name, None)
    for step in steps.values():
        yield PlannedStep(step.name, ""), step


def mlflow_line(run: Mapping[str, str | None]) -> str:
    """Where the run is, of evaluation.json's `mlflow`; an ARN's pages have no address."""
    place = run["url"] or f"{run['tracking_uri']} run {run['run_id']}"
    return f"MLflow:     {visible(place)}"


def link_lines(
    status: ExecutionStatus,
    evaluation: dict[str, Any] | None,
    report_uri: str,
    endpoint_url: str,
) -> Iterator[str]:
    """Where to look further. `endpoint_url`: the client's; console pages are there on AWS only."""
    if status.model_package_arn:
        yield f"registered: {status.model_package_arn}"
    model = (evaluation or {}).get("model", {})  # none where it was evaluated before
    if model.get("answers") == "given" and not model["source_uri"]:
        yield "registered: nothing: the answers were given; registration.model says whose they are"
    if is_aws(endpoint_url):
        yield f"Studio:     {studio_page(status.arn)}"
    yield f"Studio:     Pipelines > {status.pipeline} > Executions > {status.id}"
    jobs = [step.job for step in status.steps if step.job]
    if jobs and is_aws(endpoint_url):
        yield f"logs:       {log_page(status.arn, LOG_GROUP, common_start(jobs))}"
    elif jobs:
        yield f"logs:       CloudWatch {LOG_GROUP}, streams"
        yield from (f"            {job}" for job in jobs)
    if evaluation and evaluation["mlflow"]:
        yield mlflow_line(evaluation["mlflow"])
    if evaluation:
        yield f"report:     {report_uri}"
    if status.display_name:
        yield f"name:       {status.display_name}"
    if status.description:
        yield f"what:       {status.description}"


@dataclass
class PlainView:
    """Writes each step once when it starts and once when it ends, and now and then its progress."""

    write: Callable[[str], None]
    _written: set[tuple[str, str]] = field(default_factory=set)
    _told: dict[str, list[str]] = field(default_factory=dict)
    _told_at: dict[str, float] = field(default_factory=dict)

    def show(self, status: ExecutionStatus, progress: Progress) -> None:
        for step in status.steps:
            self._show_progress(step, progress.get(step.name, []))
            if (step.name, step.status) not in self._written:
                self._written.add((step.name, step.status))
                self.write(step_line(step))

    def _show_progress(self, step: StepStatus, lines: list[str]) -> None:
        now, told_at = time.monotonic(), self._told_at.get(step.name, float("-inf"))
        pause = min(max(OFTEN_SECONDS, (step.seconds or 0) / 20), SELDOM_SECONDS)
        if step.ended is None and now - told_at < pause:
            return
        told = self._told.get(step.name, [])
        new = [line for line in lines if PROGRESS_LINE.fullmatch(line) and line not in told]
        if new:
            self._told[step.name], self._told_at[step.name] = lines, now
        for line in new:
            self.write(f"    {line}")
