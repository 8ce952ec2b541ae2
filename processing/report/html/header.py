"""The page's head: when, on what and by whom the model was judged, and where its reasons lead."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from processing.base.visible_text import visible
from processing.gate.scorer_record import judges_asked
from processing.report.html.survey import Survey, slice_word

Document = Mapping[str, Any]

OUTCOME = ("<!--outcome-->", "<!--/outcome-->")
"""Around what became of the model, which is not known when the page is written."""


@dataclass(frozen=True)
class Fact:
    """A line of the head; `note` is what the words rest on."""

    name: str
    text: str
    note: str = ""


@dataclass(frozen=True)
class Reason:
    """Why the gate is shut, or a warning; `failed` and `slice` choose the rows that it is about.

    `rows` is how many these are, None where it is about no rows of their own.
    """

    text: str
    rows: int | None = None
    failed: str = ""
    slice: tuple[str, str] | None = None


def facts(document: Document) -> Iterator[Fact]:
    """In the order of a sentence; what reports of older code do not say is left out."""
    if at := document.get("evaluated_at"):
        yield Fact("evaluated", f"{at[:10]} {at[11:16]} UTC")
    model = document["model"]
    if package := named_package(model["source_uri"]):
        yield Fact("candidate", package)
    if model.get("answers") == "given":
        yield Fact("answers", "as they were given", "no endpoint was asked")
    else:
        yield Fact("endpoint", model["endpoint_name"])
    if dataset := document.get("dataset"):
        rows, usable = document["counts"]["rows"], dataset["usable_rows"]
        drawn = f"{rows:,} of {usable:,} rows, drawn with seed {dataset['seed']}"
        version = f"version {dataset['version']}" if dataset["version"] else ""
        yield Fact("dataset", dataset["name"], drawn if rows < usable else f"all {rows:,} rows")
        if dataset["source"] != dataset["name"]:
            yield Fact("source", dataset["source"], version)
    yield from _judges(document)


def named_package(arn: str | None) -> str:
    """`GROUP, version 3` of a model package's ARN; empty for anything else."""
    found = re.search(r":model-package/([^/]+)/(\d+)$", arn or "")
    return f"{found[1]}, version {found[2]}" if found else ""


def _judges(document: Document) -> Iterator[Fact]:
    scorers = document.get("scorers") or {}
    asked = Counter(judge for entry in scorers.values() for judge in judges_asked(entry))
    for judge, count in asked.items():
        yield Fact("judge", judge, f"{count} scorer{'s' if count > 1 else ''}")
    without = sum(not judges_asked(entry) for entry in scorers.values())
    if without:
        yield Fact("no judge", f"{without} scorer{'s' if without > 1 else ''}", "computed")


def outcome_so_far(document: Document) -> str:
    """What becomes of the model, as far as the evaluation's own job can know it."""
    if "registration" not in document:
        return ""
    if not document["gate"]["passed"]:
        return "not registered: the gate is shut"
    if not document["execution_arn"]:
        return "not registered: it was evaluated outside a pipeline"
    group = (document["registration"] or {}).get("group")
    if group is None:
        return "nothing is registered: nobody says whose answers these are"
    return (
        f"passed on to be registered in {group}, after this page was written; "
        "`report` and `status` say as which version"
    )


def with_outcome(page: str, words: str) -> str:
    """The page of an execution that has ended, with what became of its model.

    A page of older code, which has no place for it, stays as it is.
    """
    from markupsafe import escape

    before, found, rest = page.partition(OUTCOME[0])
    _, ended, after = rest.partition(OUTCOME[1])
    return f"{before}{found}{escape(words)}{ended}{after}" if found and ended else page


def reasons(document: Document, survey: Survey) -> list[Reason]:
    return _told(document["gate"]["reasons"], document, survey)


def warnings(document: Document, survey: Survey) -> list[Reason]:
    return _told(document["gate"]["warnings"], document, survey)


def _told(texts: Sequence[str], document: Document, survey: Survey) -> list[Reason]:
    known: dict[str, Reason] = {}
    for bound in document["thresholds"].values():
        known[visible(bound["reason"])] = _of_metric(bound, survey)
    for bound in document["slices"]:
        known[visible(bound["reason"])] = _of_slice(bound, survey)
    return [known.get(text) or _of_endpoint(text, survey) for text in texts]


def _of_metric(bound: Document, survey: Survey) -> Reason:
    text, name = visible(bound["reason"]), bound["metric"]
    rows = survey.failed[name]
    return Reason(text, rows, f"={name}") if rows else Reason(text)


def _of_slice(bound: Document, survey: Survey) -> Reason:
    text, name = visible(bound["reason"]), bound["metric"]
    place = (bound["column"], slice_word(bound["slice"]))
    if rows := survey.failed_in_slice[*place, name]:
        return Reason(text, rows, f"={name}", place)
    return Reason(text, bound["rows"], slice=place)


def _of_endpoint(text: str, survey: Survey) -> Reason:
    if text.startswith("the endpoint failed on") and survey.endpoint_errors:
        return Reason(text, survey.endpoint_errors, "!")
    if "answers were cut at the token limit" in text and survey.cut:
        return Reason(text, survey.cut, "~")
    return Reason(text)
