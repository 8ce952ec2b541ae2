"""What is said below the result tables, a line each: what the numbers rest on, and what failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.executions.judge_lines import judge_lines
from processing.gate.drift import LEAST_RUNS

Document = Mapping[str, Any]


def short_number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def bound_word(bound: Document) -> str:
    """UNDECIDED: holds for what was asked, and not all was.

    UNSURE: the number holds, but rests on too few rows or on too many errors to count.
    """
    if bound["passed"]:
        return "holds"
    if bound.get("undecided"):  # not in reports of older code
        return "UNDECIDED" if bound["tier"] == "hard" else "undecided"
    compared, limit = bound["compared"], bound["bound"]
    holds = compared is not None and (
        compared >= limit if bound["rule"] == "min" else compared <= limit
    )
    word = "UNSURE" if holds else "MISSED"
    return word if bound["tier"] == "hard" else word.lower()


def result_lines(document: Document) -> Iterator[str]:
    bounds = [*document["thresholds"].values(), *document["slices"]]
    yield from _stopped(document, bounds)
    if any(not metric.get("higher_is_better", True) for metric in document["metrics"].values()):
        yield "(low): lower is better; of all other metrics, higher"
    if any(bound["on"] == "interval" for bound in bounds):
        yield "* held against the interval's pessimistic end"
    if any(bound["on"] == "calibrated" for bound in bounds):
        yield "** held against that end of the estimate that people's labels have corrected"
    for found in (document.get("labels") or {}).values():  # not in reports of older code
        yield f"people: {found['words']}{_unused(found)}"
    for metric in document["metrics"].values():
        if corrected := metric.get("calibrated"):
            yield f"corrected: {corrected['words']}"
    yield from _loads(document)
    if document["champion"]:
        yield from _champion(document["champion"])
    yield from _drift(document)
    if cut := document["counts"].get("cut_answers"):
        yield f"cut at the token limit: {cut} of {document['counts']['cut_answers_known']} answers"
    if clusters := document["counts"].get("clusters"):  # not in reports of older code
        rows = document["counts"]["rows"]
        yield f"intervals by clusters: {rows} rows in {clusters} (dataset.cluster)"
    yield from judge_lines(document)
    if any(bound_word(bound).upper() == "UNSURE" for bound in bounds):
        yield "UNSURE: holds, on too few rows or with too many failed verdicts to count"
    yield from _failures(document)
    for warning in document["gate"]["warnings"]:
        yield f"warning: {warning}"


def _loads(document: Document) -> Iterator[str]:
    loads = (found.get("load") for found in document["metrics"].values())
    for load in dict.fromkeys(filter(None, loads)):  # not in reports of older code
        yield f"times are measured under load: {load}"


def _drift(document: Document) -> Iterator[str]:
    """Of the metrics that have changed beyond their interval, or may not have."""
    found = document.get("drift")  # not in reports of older code
    if not found:
        return
    if found["failure"]:
        yield f"drift: {found['failure']}"
        return
    count = len(found["runs"])
    runs = f"{count} earlier {'run' if count == 1 else 'runs'}"
    if count < LEAST_RUNS:
        yield f"drift: {runs} to hold the metrics against, and a change shows from {LEAST_RUNS} on"
        return
    yield f"drift against {runs} (change, 95 % interval, n now and then):"
    for name, change in found["metrics"].items():
        if change["change"] is None:
            continue
        interval = (
            f"{change['low']:+.4g}..{change['high']:+.4g}"
            if change["low"] is not None
            else change["unknown"]
        )
        word = "WORSE" if change["worse"] else ""
        counts = f"n {change['n']}, {change['earlier_n']}"
        yield f"  {name}: {change['change']:+.4g}  {interval}  {counts}  {word}".rstrip()


def _stopped(document: Document, bounds: list[Document]) -> Iterator[str]:
    """Of a run that ended before all was asked."""
    stopped = document.get("stopped")  # not in reports of older code
    if not stopped:
        return
    yield f"{stopped['words']}: the numbers are those of what was asked"
    if any(bound_word(bound).upper() == "UNDECIDED" for bound in bounds):
        yield "UNDECIDED: holds for what was asked, and may not for the rest"
    calls = sum(each["calls"] for each in stopped["saved"])
    known = [each["cost"] for each in stopped["saved"] if each["cost"] is not None]
    if calls:
        yield f"saved: about {calls:,} calls" + (f", {sum(known):.4g}" if known else "")


def _unused(labels: Document) -> str:
    """Lines of the labels file that say nothing about this evaluation's answers."""
    counted = {
        "of another answer": labels["other_answers"],
        "of another row": labels["other_rows"],
        "of a question that stands twice": labels["ambiguous"],
        "not filled in": labels["blank"],
    }
    said = [f"{count} {what}" for what, count in counted.items() if count]
    split = labels["people_disagree"]
    people = f"; people disagree on {split} answers" if split else ""
    return (f"; not used: {', '.join(said)}" if said else "") + people


def _failures(document: Document) -> Iterator[str]:
    """Why the endpoint and each scorer failed, where they did: the most frequent reason."""
    counted = [("endpoint", document["counts"], document["counts"]["endpoint_errors"])]
    counted += [(name, m, m["errors"]) for name, m in document["metrics"].items()]
    for name, found, errors in counted:
        if reason := found.get("frequent_error"):  # not in reports of older code
            yield f"{name} failed on {errors} rows, {reason['count']} times: {reason['text']}"


def _champion(champion: Document) -> Iterator[str]:
    if champion["state"] == "unreadable":
        yield f"champion: {champion['error']}"
    for refusal in champion.get("refusals", ()):  # not in reports of older code
        yield f"champion: {refusal}"
    if rejudged := champion.get("rejudged"):
        yield f"champion: {rejudged}"
    for name, metric in champion["metrics"].items():
        difference = metric["difference"]
        found = "no difference" if difference is None else f"{difference:+.4g}"
        interval = f"{short_number(metric['low'])} .. {short_number(metric['high'])}"
        word = "holds" if metric["passed"] else "MISSED"
        yield (
            f"champion: {name} {found} ({interval}, {metric['pairs']} pairs), "
            f"margin {metric['margin']:g}: {word}"
        )
