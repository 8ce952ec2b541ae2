"""Following an execution: live on a terminal, a line for each change anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.executions import launch
from pipeline.executions.job_progress import JobProgress
from pipeline.executions.launch import ExecutionStatus
from pipeline.executions.plain_view import PlainView, Progress, execution_line, status_lines
from pipeline.executions.step_plan import PlannedStep, read_plan
from processing.calls.progress_display import is_terminal

if TYPE_CHECKING:
    from boto3 import Session

Show = Callable[[ExecutionStatus, Progress], None]


def follow(session: Session, client: Any, arn: str, poll_seconds: float) -> ExecutionStatus:
    """Show the execution until it has ended, however it ends and however long it takes."""
    jobs = JobProgress(session.client("logs"))
    with _view(read_plan(client, arn)) as show:
        ended = launch.follow(
            client, arn, lambda status: show(status, jobs.read(status)), poll_seconds
        )
    if jobs.unreadable:
        print(f"note: {jobs.unreadable}")
    if not is_terminal(sys.stdout):
        print(execution_line(ended))
    return ended


def follow_each(
    session: Session, client: Any, named: Mapping[str, str], poll_seconds: float
) -> dict[str, ExecutionStatus]:
    """Several at once, each line with the name that `named` has for its ARN; by their ARNs."""
    jobs = {arn: JobProgress(session.client("logs")) for arn in named}
    width = max(map(len, named.values()))

    def writer(name: str) -> Callable[[str], None]:
        return lambda line: print(f"{name:<{width}}  {line}", flush=True)

    views = {arn: PlainView(writer(name)) for arn, name in named.items()}

    def show(status: ExecutionStatus) -> None:
        views[status.arn].show(status, jobs[status.arn].read(status))
        if status.final:
            views[status.arn].write(execution_line(status))

    ended = launch.follow_each(client, list(named), show, poll_seconds)
    for unreadable in dict.fromkeys(job.unreadable for job in jobs.values() if job.unreadable):
        print(f"note: {unreadable}")
    return ended


def show_once(session: Session, client: Any, arn: str) -> ExecutionStatus:
    """Show the execution as it is now."""
    status, plan = launch.read_status(client, arn), read_plan(client, arn)
    jobs = JobProgress(session.client("logs"))
    progress = jobs.read(status)
    if is_terminal(sys.stdout):
        from rich.console import Console

        from pipeline.executions.live_view import ExecutionPicture

        picture = ExecutionPicture(plan)
        picture.show(status, progress)
        Console(highlight=False).print(picture)
    else:
        print("\n".join([*status_lines(plan, status, progress), execution_line(status)]))
    if jobs.unreadable:
        print(f"note: {jobs.unreadable}")
    return status


@contextmanager
def _view(plan: Sequence[PlannedStep]) -> Iterator[Show]:
    if not is_terminal(sys.stdout):
        # Lines appear as they happen, also where the output is a file.
        yield PlainView(lambda line: print(line, flush=True)).show
        return
    from rich.console import Console
    from rich.live import Live

    from pipeline.executions.live_view import ExecutionPicture

    picture = ExecutionPicture(plan)
    with Live(picture, console=Console(highlight=False), refresh_per_second=8):
        yield picture.show
