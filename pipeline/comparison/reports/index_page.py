"""A page over a folder of evaluations: verdict, date, rows, what decided, and a link to each."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline.comparison.reports.fetched import OUTCOME_FILE
from pipeline.comparison.run import ComparisonError
from processing.base.visible_text import visible, visible_document
from processing.report.evaluation_json import EVALUATION_FILE
from processing.report.html import REPORT_FILE
from processing.report.html.header import outcome_so_far
from processing.report.html.metrics import bound_text, number
from processing.report.html.page import rendered

HERE = Path(__file__).parent / "html"
INDEX_FILE = "index.html"
MOST_RUNS = 1_000
MOST_METRICS = 4
"""Shown of each run: those that decided, the missed ones first."""


@dataclass(frozen=True)
class MetricCell:
    name: str
    value: str
    bound: str
    passed: bool


@dataclass(frozen=True)
class RunLine:
    """`link` is relative to the page, empty without a report; `problem`: why it cannot be read."""

    name: str
    link: str
    at: str
    passed: bool = False
    model: str = ""
    rows: str = ""
    outcome: str = ""
    reasons: int = 0
    metrics: Sequence[MetricCell] = ()
    problem: str = ""


def has_runs(folder: Path) -> bool:
    """Whether evaluations are in folders below it, and it is none itself."""
    return not (folder / EVALUATION_FILE).is_file() and bool(_folders(folder))


def write_index(folder: Path) -> Path:
    """Write index.html into `folder`, the newest evaluation first. Raises ComparisonError."""
    lines = sorted((_line(each, folder) for each in _folders(folder)), key=lambda line: line.at)
    content = {"folder": folder.resolve().name, "runs": lines[::-1][:MOST_RUNS], "all": len(lines)}
    path = folder / INDEX_FILE
    try:
        path.write_text(rendered(HERE, "index", content, packed=None), encoding="utf-8")
    except OSError as error:
        raise ComparisonError(f"{path}: {error.strerror}") from error
    return path


def _folders(folder: Path) -> list[Path]:
    """One level below for runs, two for variants."""
    return [
        path.parent for deep in ("*", "*/*") for path in folder.glob(f"{deep}/{EVALUATION_FILE}")
    ]


def _line(folder: Path, root: Path) -> RunLine:
    name = folder.relative_to(root).as_posix()
    report = folder / REPORT_FILE
    link = quote(f"{name}/{REPORT_FILE}") if report.is_file() else ""
    file = folder / EVALUATION_FILE
    written = dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC)
    try:
        document = visible_document(json.loads(file.read_text(encoding="utf-8")))
        return _read_line(visible(name), link, document, folder, written)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        problem = f"{EVALUATION_FILE} is none of this pipeline ({type(error).__name__})"
        return RunLine(visible(name), link, f"{written:%Y-%m-%d %H:%M}", problem=problem)


def _read_line(
    name: str, link: str, document: Mapping[str, Any], folder: Path, written: dt.datetime
) -> RunLine:
    counts = document["counts"]
    at = document.get("evaluated_at") or f"{written:%Y-%m-%dT%H:%M}"
    return RunLine(
        name=name,
        link=link,
        at=f"{at[:10]} {at[11:16]}",
        passed=document["gate"]["passed"] == 1,
        model=document["model"]["model_name"],
        rows=f"{counts['answered']:,} of {counts['rows']:,}",
        outcome=_outcome(folder) or outcome_so_far(document),
        reasons=len(document["gate"]["reasons"]),
        metrics=_metrics(document),
    )


def _metrics(document: Mapping[str, Any]) -> list[MetricCell]:
    bounds = sorted(
        document["thresholds"].values(),
        key=lambda bound: (bound["passed"], bound["tier"] != "hard"),
    )
    cells = []
    for bound in bounds[:MOST_METRICS]:
        metric = document["metrics"][bound["metric"]]
        value = f"{number(metric['value'])} (n={metric['n']})"
        cells.append(MetricCell(bound["metric"], value, bound_text(bound), bound["passed"] == 1))
    return cells


def _outcome(folder: Path) -> str:
    try:
        found = json.loads((folder / OUTCOME_FILE).read_text(encoding="utf-8"))["outcome"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return visible(str(found))
