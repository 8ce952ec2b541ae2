"""An execution on a terminal: every step with its state and time, redrawn as they change."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from pipeline.executions.launch import ExecutionStatus, StepStatus
from pipeline.executions.plain_view import Progress, in_order
from pipeline.executions.step_plan import PlannedStep
from processing.calls.progress_line import GAP, duration

BAR_WIDTH = 30
INDENT = "    "
_PROGRESS = re.compile(r"progress ?(\S*) +(\d+) %  (.*)")
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


@dataclass(frozen=True)
class _Look:
    """How a state looks: a sign (and one of ASCII) besides the word, and a colour."""

    sign: str
    ascii: str
    style: str


_RUNNING, _WAITING = _Look("", "", "cyan"), _Look("○", ".", "dim")
_LOOKS = {
    "Succeeded": _Look("✓", "+", "green"),
    "Failed": _Look("✗", "x", "bold red"),
    "Stopped": _Look("■", "#", "yellow"),
    "CompletedWithFailures": _Look("✗", "x", "bold red"),
}


@dataclass
class ExecutionPicture:
    """What is drawn; `show` changes it, in any thread."""

    plan: Sequence[PlannedStep]
    _status: ExecutionStatus | None = None
    _progress: Progress = field(default_factory=dict)

    def show(self, status: ExecutionStatus, progress: Progress) -> None:
        self._progress, self._status = dict(progress), status

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        status = self._status
        if status is None:
            return
        width, plain = options.max_width, options.ascii_only
        yield _title(status, plain=plain)
        rows = list(in_order(self.plan, status))
        names = max((2 * planned.level + len(planned.name) for planned, _ in rows), default=0)
        for planned, step in rows:
            name = f"{'  ' * planned.level}{planned.name}".ljust(names)
            if step is None:
                yield _waiting(planned, name, status, plain=plain)
                continue
            yield from _step(planned, step, name, width, plain=plain)
            for line in self._progress.get(step.name, []):
                yield from _job_lines(line, step, width, plain=plain)


def _title(status: ExecutionStatus, *, plain: bool) -> Text:
    title = Text(overflow="fold")
    title.append(status.pipeline, "bold")
    title.append(f"  {status.id}  ")
    title.append_text(_state(status.status, plain=plain))
    if status.seconds is not None:
        title.append(f"  {_time(status.seconds)}")
    return title


def _waiting(planned: PlannedStep, name: str, status: ExecutionStatus, *, plain: bool) -> Text:
    sign = _WAITING.ascii if plain else _WAITING.sign
    word = "not run" if status.final else f"waiting   {planned.branch}"
    return Text(f" {sign} {name}  {word}".rstrip(), _WAITING.style, no_wrap=True)


def _step(
    planned: PlannedStep, step: StepStatus, name: str, width: int, *, plain: bool
) -> Iterator[Text]:
    look = _LOOKS.get(step.status, _RUNNING)
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f" {_sign(look, plain=plain)} ", look.style)
    line.append(f"{name}  ")
    line.append(f"{step.status:<9}", look.style)
    line.append(f" {_time(step.seconds):>8}" if step.seconds is not None else " " * 9)
    detail = step.reason or step.outcome
    if detail and len(line) + 2 + len(detail) <= width:
        line.append(f"  {detail}")
        yield line
        return
    yield line
    if detail:
        style = "red" if step.reason else ""
        yield from _folded(_shortened(detail, planned, width).split(" "), " ", width, style)


def _shortened(detail: str, planned: PlannedStep, width: int) -> str:
    """What the gate says is in the result too, a line for each reason."""
    if planned.kind != "Fail" or len(detail) <= 2 * width:
        return detail
    return f"{detail[: 2 * width - 12].rstrip()} ..."


def _job_lines(line: str, step: StepStatus, width: int, *, plain: bool) -> Iterator[Text]:
    """Progress with a bar while the job runs; what else the job says as it is."""
    running = step.ended is None
    found = _PROGRESS.fullmatch(line)
    if not found:
        if running:
            yield Text(f"{INDENT}{line}", "dim", no_wrap=True, overflow="ellipsis")
        return
    host, percent, counts = found.groups()
    head = [host] if host else []
    if running:
        yield _bar(int(percent), " ".join([*head, f"{percent} %"]), width, plain=plain)
        head = []
    yield from _folded([*head, *counts.split(GAP)], GAP, width, "" if running else "dim")


def _bar(percent: int, words: str, width: int, *, plain: bool) -> Text:
    length = max(5, min(BAR_WIDTH, width - len(INDENT) - len(words) - 2))
    done = length * percent // 100
    bar = Text(INDENT, no_wrap=True)
    bar.append(("#" if plain else "━") * done, "cyan")
    bar.append(("-" if plain else "━") * (length - done), "bright_black")
    bar.append(f"  {words}")
    return bar


def _folded(parts: Sequence[str], gap: str, width: int, style: str) -> Iterator[Text]:
    """As many parts on a line as fit; none is cut in two, unless it is longer than a line."""
    room, line = max(10, width - len(INDENT)), ""
    for part in parts:
        if line and len(line) + len(gap) + len(part) > room:
            yield Text(f"{INDENT}{line}", style, overflow="fold")
            line = part
        else:
            line = f"{line}{gap}{part}" if line else part
    if line:
        yield Text(f"{INDENT}{line}", style, overflow="fold")


def _state(status: str, *, plain: bool) -> Text:
    look = _LOOKS.get(status, _RUNNING)
    return Text(f"{_sign(look, plain=plain)} {status}", look.style)


def _sign(look: _Look, *, plain: bool) -> str:
    if look.sign:
        return look.ascii if plain else look.sign
    turn = int(time.monotonic() * 8)
    return "|/-\\"[turn % 4] if plain else _SPINNER[turn % len(_SPINNER)]


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)
