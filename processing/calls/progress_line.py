"""Progress as one line of text: easy to read, and always the same words, so that grep finds it.

progress  31 %  answers 312/1000 12.1/s  verdicts 2210/7000 84.2/s  left 1m03s  errors 2  ...
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from processing.calls.progress import QUIET_SECONDS, Part, Progress, Standing

PROGRESS_LINE = re.compile(
    r"progress(?: \S+)? {2,}"
    r"(?:\d+ %  answers \d+/\d+(?: .*)?|read \d+(?:  written \d+)?  \d+(?:s|m\d\ds|h\d\dm))"
)
"""The whole of a line of EvaluateModel's or PrepareDataset's, as `status` finds it in the log."""

GAP = "  "
"""Between the line's parts; within one there are single spaces."""


def progress_line(progress: Progress, ended: str = "") -> str:
    """Where it stands, in one line. `ended`: "took" or "stopped after", for the last line."""
    standing = progress.look()
    head = f"progress {progress.host}" if progress.host else "progress"
    parts = [_counts(standing), *remarks(standing, ended)]
    return GAP.join([head, f"{int(100 * standing.share):>3} %", *parts])


def remarks(standing: Standing, ended: str = "") -> Iterator[str]:
    """All but the counts: time, errors, what was reused and spent."""
    if ended:
        yield f"{ended} {duration(standing.seconds)}"
    elif standing.stopped:
        yield "nothing more is asked, writing the record"
    elif standing.all_asked:
        yield "all asked, writing the record"
    elif standing.quiet_seconds >= QUIET_SECONDS:
        yield f"nothing came for {duration(standing.quiet_seconds)}"
    elif standing.seconds_left is not None:
        yield f"left {duration(standing.seconds_left)}"
    yield f"errors {standing.errors}"
    if standing.cut:
        yield f"cut {standing.cut}"
    if standing.reused:
        yield f"reused {standing.reused}"
    yield f"tokens {_short(standing.input_tokens)} in {_short(standing.output_tokens)} out"
    if standing.cost is not None:
        without = f" without {', '.join(standing.unpriced)}" if standing.unpriced else ""
        yield f"cost {money(standing.cost)}{without}"


def count_of(part: Part) -> str:
    return f"{part.done}/{part.total}"


def rate_of(part: Part) -> str:
    """Empty once there is nothing more to come, and until it is known."""
    return f"{part.rate:.1f}/s" if part.rate and part.done < part.total else ""


def duration(seconds: float) -> str:
    """45s, 1m03s, 2h05m"""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"


def money(amount: float) -> str:
    return f"{amount:.2f}" if amount >= 1 else f"{amount:.4f}"


def _counts(standing: Standing) -> str:
    counted = []
    if standing.answers.total or not standing.verdicts.total:
        counted.append(f"answers {count_of(standing.answers)} {rate_of(standing.answers)}")
    if standing.verdicts.total or standing.verdicts.done:
        counted.append(f"verdicts {count_of(standing.verdicts)} {rate_of(standing.verdicts)}")
    return GAP.join(part.strip() for part in counted)


def _short(number: int) -> str:
    """950, 12.3k, 4.1M"""
    if number < 10_000:
        return str(number)
    return f"{number / 1e3:.1f}k" if number < 1_000_000 else f"{number / 1e6:.1f}M"
