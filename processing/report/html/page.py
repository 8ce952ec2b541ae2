"""evaluation.json and rows.jsonl -> the page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from processing.report.html.header import (
    OUTCOME,
    Reason,
    facts,
    outcome_so_far,
    reasons,
    warnings,
)
from processing.report.html.metrics import MetricLine, champion_line, marks, metric_line, number
from processing.report.html.packing import PackedRows, pack_rows, row_head
from processing.report.html.people import people_lines
from processing.report.html.pictures import distribution
from processing.report.html.survey import (
    Expectation,
    Survey,
    expectations_of,
    slice_word,
    survey_rows,
)

HERE = Path(__file__).parent
MOST_BYTES = 1_950_000
"""Of the whole page: it should open at once, and go into a mail or an issue."""

MOST_SLICES = 150

_ORDER = {"missed": 0, "warned": 1, "undecided": 2, "held": 3, "unjudged": 4}


@dataclass(frozen=True)
class Distribution:
    """One picture of how a scorer's, or the endpoint's, numbers are spread."""

    name: str
    picture: Markup | None
    note: str


def page(document: Mapping[str, Any], rows: Path) -> str:
    """The page as text. `rows` is the rows.jsonl that belongs to `document`."""
    expected = expectations_of(document)
    survey = survey_rows(rows, expected, _slice_keys(document))
    content = _content(document, survey, expected)
    # first without rows, to know how much room they have
    empty = _render(content, packed=None)
    head = row_head(document, expected)
    packed = pack_rows(rows, survey, expected, MOST_BYTES - len(empty.encode("utf-8")), head=head)
    return _render(content, packed=packed)


def _content(
    document: Mapping[str, Any], survey: Survey, expected: Mapping[str, Expectation]
) -> dict[str, Any]:
    """What the templates show."""
    metrics = _metric_lines(document, survey)
    slices = _slice_lines(document, survey)
    champion = document["champion"]
    sliced = [bound for bound in document["slices"] if bound["tier"] == "hard"]
    hard = [bound for bound in document["thresholds"].values() if bound["tier"] == "hard"] + sliced
    return {
        "document": document,
        "passed": document["gate"]["passed"] == 1,
        "hard": len(hard),
        "hard_held": sum(bound["passed"] for bound in hard),
        "hard_of_slices": len(sliced),
        "survey": survey,
        "facts": list(facts(document)),
        "outcome": outcome_so_far(document),
        "outcome_marks": [Markup(mark) for mark in OUTCOME],
        "reasons": reasons(document, survey),
        "warnings": warnings(document, survey),
        "failures": [Reason(text) for text in _failures(document)],
        "mlflow_url": link(document["mlflow"]["url"]),
        # what keeps the gate shut comes first
        "metrics": sorted(
            (line for line in metrics if line.bounds or line.is_scored),
            key=lambda line: _ORDER[line.state],
        ),
        "measurements": metrics,
        # not in reports of older code
        "judges_told": [
            found["words"]
            for of in ("panels", "repeats")
            for found in document.get(of, {}).values()
        ],
        "latency_p95": number(document["metrics"].get("latency_p95_ms", {}).get("value")),
        "people": people_lines(document),
        "slices": slices[:MOST_SLICES],
        "slices_left": max(len(slices) - MOST_SLICES, 0),
        "champion": champion,
        "differences": {
            name: champion_line(name, metric) for name, metric in champion["metrics"].items()
        }
        if champion
        else {},
        "distributions": _score_distributions(document, survey, expected),
        "times_and_tokens": _measured_distributions(document, survey),
        "saved": _saved(document["stopped"]) if document.get("stopped") else None,
        "judge_costs": _judge_costs(document),
        "costs": sum(entry["cost"] or 0 for entry in document["spend"])
        if any(entry["cost"] is not None for entry in document["spend"])
        else None,
    }


def _judge_costs(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """By scorer; {} where no price is known, and in reports of older code."""
    judges: Mapping[str, Any] = document.get("judges") or {}
    return judges if any(taken["cost"] is not None for taken in judges.values()) else {}


def _saved(stopped: Mapping[str, Any]) -> dict[str, Any]:
    known = [each["cost"] for each in stopped["saved"] if each["cost"] is not None]
    calls = sum(each["calls"] for each in stopped["saved"])
    return {"calls": calls, "cost": sum(known) if known else None}


def _failures(document: Mapping[str, Any]) -> Iterator[str]:
    counts = document["counts"]
    counted = [("endpoint", counts, counts["endpoint_errors"])]
    counted += [(name, metric, metric["errors"]) for name, metric in document["metrics"].items()]
    for name, found, errors in counted:
        if reason := found["frequent_error"]:
            yield f"{name}: {errors} rows, {reason['count']} times: {reason['text']}"


def _render(content: Mapping[str, Any], *, packed: Any) -> str:
    return rendered(HERE, "report", content, packed=packed)


def rendered(
    folder: Path, name: str, content: Mapping[str, Any], *, packed: PackedRows | None
) -> str:
    """A page of `folder`: NAME.html.jinja, with NAME.js and its style; it loads nothing else.

    The script is NAME.js after the parts of it, NAME_PART.js.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([folder, HERE]),
        autoescape=True,  # whatever is shown may have been written by a model
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    parts = [HERE / "elements.js", *sorted(folder.glob(f"{name}_*.js")), folder / f"{name}.js"]
    script = "".join(map(_text, parts))
    style = _text(HERE / "report.css") + ("" if folder == HERE else _text(folder / f"{name}.css"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return environment.get_template(f"{name}.html.jinja").render(
        **content,
        packed=packed,
        style=Markup(style),
        script=Markup(script),
        script_digest=digest,
    )


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _metric_lines(document: Mapping[str, Any], survey: Survey) -> list[MetricLine]:
    return [
        metric_line(
            name,
            metric,
            _bounds_of(document, name),
            failed_rows=survey.failed[name]
            if name in survey.judged or survey.failed[name]
            else None,
            is_scored=name in document["number_rules"],
        )
        for name, metric in document["metrics"].items()
    ]


def _bounds_of(document: Mapping[str, Any], metric: str) -> list[Mapping[str, Any]]:
    return [bound for bound in document["thresholds"].values() if bound["metric"] == metric]


def _slice_keys(document: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    return {(e["column"], slice_word(e["slice"]), e["metric"]) for e in document["slices"]}


def _slice_lines(document: Mapping[str, Any], survey: Survey) -> list[MetricLine]:
    found = sorted(document["slices"], key=lambda found: found["passed"])[: MOST_SLICES + 1]
    lines = [
        metric_line(
            entry["metric"],
            entry["measured"],
            [entry],
            column=entry["column"],
            slice_value=slice_word(entry["slice"]),
            rows=entry["rows"],
            failed_rows=survey.failed_in_slice[
                entry["column"], slice_word(entry["slice"]), entry["metric"]
            ]
            if entry["metric"] in survey.judged
            else None,
        )
        for entry in found
    ]
    return sorted(lines, key=lambda line: _ORDER[line.state])


def _score_distributions(
    document: Mapping[str, Any], survey: Survey, expected: Mapping[str, Expectation]
) -> list[Distribution]:
    return [
        _distribution(
            name,
            survey.numbers.get(name, []),
            words := survey.named(name),
            _bounds_of(document, name),
            without=survey.without_number[name],
            wrong=[v for v, word in words.items() if rule.failed({"value": v, "shown": word})],
        )
        for name, rule in expected.items()
    ]


def _measured_distributions(document: Mapping[str, Any], survey: Survey) -> list[Distribution]:
    latency_bounds = [
        bound for bound in document["thresholds"].values()
        if bound["metric"].startswith("latency_")
    ]  # fmt: skip
    return [
        _distribution("latency in ms", survey.latencies, {}, latency_bounds, unit=False),
        _distribution("input tokens", survey.input_tokens, {}, [], unit=False),
        _distribution("output tokens", survey.output_tokens, {}, [], unit=False),
    ]


def _distribution(
    name: str,
    numbers: Sequence[float],
    words: Mapping[float, str],
    bounds: Sequence[Mapping[str, Any]],
    *,
    without: int = 0,
    wrong: Sequence[float] = (),
    unit: bool = True,
) -> Distribution:
    note = f"{without:,} without a number" if without else ""
    if not numbers:
        return Distribution(name, None, note or "no numbers")
    label = f"distribution of {name} over {len(numbers)} rows"
    picture = distribution(numbers, words, marks(bounds), wrong=wrong, unit=unit, label=label)
    return Distribution(name, picture, note)


def link(address: str | None) -> str:
    """`address` if a click on it opens a page, and does not run something; an ARN has none."""
    return address if address and address.startswith(("http://", "https://")) else ""
