"""The table at the end of a first run, and the file to send back: no secret, no account number."""

from __future__ import annotations

import datetime as dt
import json
import platform
import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from pipeline.first_run.step import Result, Step
from pipeline.first_run.trial import Trial
from processing.base.secrets import masked
from processing.base.visible_text import visible

_ACCOUNT = re.compile(r"(?<![0-9A-Za-z])\d{12}(?![0-9A-Za-z])")
_NO_ACCOUNT = "0" * 12
_LIBRARIES = ("boto3", "mlflow", "sagemaker")


def cost_lines(steps: Sequence[Step]) -> Iterator[str]:
    """For `--dry-run`."""
    width = max(len(step.name) for step in steps)
    for number, step in enumerate(steps, 1):
        cost = step.cost
        minutes = f"about {cost.minutes:g} min" if cost.minutes else "seconds"
        yield f"{number:3}  {step.name:{width}}  {cost.calls}; {minutes}; {cost.paid}"
        yield f"     {step.settles}"
    total = sum(step.cost.minutes for step in steps)
    yield f"together about {total:g} minutes; prices of instances: SageMaker's price list"


def result_lines(result: Result) -> Iterator[str]:
    yield f"{result.status:11}  {result.step.name}" + (f": {result.said}" if result.said else "")
    if result.words not in result.said:
        yield f"{'':13}AWS: {visible(result.words)}"


def table_lines(results: Sequence[Result]) -> Iterator[str]:
    """What came of each step, with AWS's words where it is not settled."""
    width = max((len(result.step.name) for result in results), default=0)
    for result in results:
        words = visible(result.words) if result.words else ""
        yield f"{result.status:11}  {result.step.name:{width}}  {words}".rstrip()


def summary_line(results: Sequence[Result]) -> str:
    counts = {status: sum(r.status == status for r in results) for status in _statuses(results)}
    return ", ".join(f"{count} {status}" for status, count in counts.items())


def _statuses(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(result.status for result in results))


def write_file(path: Path, trial: Trial, results: Sequence[Result]) -> None:
    """Raises OSError."""
    document = {
        "first_run": trial.made.name,
        "time": f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": trial.session.region_name,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "steps": [
            {
                "name": result.step.name,
                "settles": result.step.settles,
                "status": result.status,
                "said": result.said,
                "aws": result.words,
            }
            for result in results
        ],
        "left_behind": trial.made.left,
    }
    text = json.dumps(document, indent=2, ensure_ascii=False)
    path.write_text(without_account(text) + "\n", encoding="utf-8")


def without_account(text: str) -> str:
    """Without account numbers, and without what looks like a secret."""
    return _ACCOUNT.sub(_NO_ACCOUNT, masked(text))
