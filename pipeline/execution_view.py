"""An execution as lines of text: steps with their times and reasons, the result, where to look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pipeline.launch import ExecutionStatus, StepStatus

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"


def step_line(step: StepStatus) -> str:
    seconds = f"{step.seconds:7.1f} s" if step.seconds is not None else " " * 9
    detail = step.reason or step.outcome
    return f"  {step.name:<16} {step.status:<10} {seconds}  {detail}".rstrip()


def execution_line(status: ExecutionStatus) -> str:
    started = f", started {status.started:%Y-%m-%d %H:%M:%S %Z}" if status.started else ""
    return f"execution {status.id} of {status.pipeline}: {status.status}{started}"


def link_lines(
    status: ExecutionStatus, evaluation: dict[str, Any] | None, report_uri: str
) -> Iterator[str]:
    """Where to look further."""
    if status.model_package_arn:
        yield f"registered: {status.model_package_arn}"
    yield f"Studio:     Pipelines > {status.pipeline} > Executions > {status.id}"
    jobs = [step.job for step in status.steps if step.job]
    if jobs:
        yield f"logs:       CloudWatch {LOG_GROUP}, streams {', '.join(jobs)}"
    if evaluation and evaluation["mlflow"]:
        run = evaluation["mlflow"]
        yield f"MLflow:     {run['url'] or run['tracking_uri'] + ' run ' + run['run_id']}"
    if evaluation:
        yield f"report:     {report_uri}"
    if status.display_name:
        yield f"name:       {status.display_name}"
    if status.description:
        yield f"what:       {status.description}"


def changes(write: Callable[[str], None]) -> Callable[[ExecutionStatus], None]:
    """A callback for `follow` that writes each step once when it starts and once when it ends."""
    written: set[tuple[str, str]] = set()

    def on_change(status: ExecutionStatus) -> None:
        for step in status.steps:
            if (step.name, step.status) not in written:
                written.add((step.name, step.status))
                write(step_line(step))

    return on_change
