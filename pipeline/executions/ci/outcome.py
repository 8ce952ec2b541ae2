"""What an evaluation came to, as a continuous integration's tools are told it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.executions.verdicts import verdict_word
from processing.base.visible_text import visible, visible_document


@dataclass(frozen=True)
class Outcome:
    """`document` is evaluation.json, None if there is none; `broke` says why.

    `name`: the pipeline's, or the variant's. `links`: where to look further, as lines of text.
    `seconds`: how long it took, if known. `details`: what else its JSON has.
    """

    name: str
    document: Mapping[str, Any] | None
    broke: str = ""
    links: tuple[str, ...] = ()
    seconds: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """`passed`, `not passed` or `no verdict`."""
        return verdict_word(self.document)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            **self.details,
            "verdict": self.verdict,
            "broke": self.broke,
            "evaluation": self.document,
        }


def started(name: str, arn: str, display_name: str) -> Outcome:
    """Of an execution that nobody waits for."""
    details = {"arn": arn, "id": arn.rpartition("/")[2], "display_name": display_name}
    return Outcome(name, None, details=details)


@dataclass(frozen=True)
class Case:
    """One bound, held, missed or undecided. `group`: thresholds, slices, champion or gate.

    `reason` says why it was missed, and is empty if it holds; `blocks` if that keeps the gate shut.
    `undecided`: it holds for what was asked, and the run ended before all was.
    """

    group: str
    name: str
    reason: str
    blocks: bool
    undecided: bool = False

    @property
    def word(self) -> str:
        if self.blocks:
            return "missed"
        if self.undecided:
            return "undecided"
        return "warning" if self.reason else "holds"


def cases_of(outcome: Outcome) -> Iterator[Case]:
    """A case for each bound, and one for whatever else keeps the gate shut. All text is visible.

    None for an outcome without a verdict.
    """
    if outcome.verdict == "no verdict" or outcome.document is None:
        return
    document = visible_document(dict(outcome.document))
    cases = [*_thresholds(document), *_slices(document), *_champion(document)]
    said = {case.reason for case in cases}
    others = [reason for reason in document["gate"]["reasons"] if visible(reason) not in said]
    yield from cases
    # a case although nothing is wrong: who follows it over time sees when it breaks
    yield Case("gate", "budgets and judges", "; ".join(others), blocks=bool(others))
    if document["gate"]["passed"] != 1 and not others and not any(case.blocks for case in cases):
        yield Case("gate", "verdict", document["gate"]["summary"], blocks=True)


def _thresholds(document: Mapping[str, Any]) -> Iterator[Case]:
    for found in document["thresholds"].values():
        yield _case("thresholds", found["metric"], found)


def _slices(document: Mapping[str, Any]) -> Iterator[Case]:
    for found in document["slices"]:
        yield _case("slices", f"{found['column']}={found['slice']}: {found['metric']}", found)


def _case(group: str, name: str, found: Mapping[str, Any]) -> Case:
    on = "" if found["on"] == "mean" else f" on {found['on']}"
    missed = "" if found["passed"] else found["reason"] or "missed"
    bound = f"{name} {found['rule']} {found['bound']:g}{on}"
    undecided = bool(missed and found.get("undecided"))  # not in reports of older code
    blocks = bool(missed) and found["tier"] == "hard" and not undecided
    return Case(group, bound, missed, blocks, undecided)


def _champion(document: Mapping[str, Any]) -> Iterator[Case]:
    champion = document["champion"]
    for name, found in champion["metrics"].items() if champion else ():
        missed = "" if found["passed"] else found["reason"] or "missed"
        bound = f"{name} at most {found['margin']:g} below the champion"
        yield Case("champion", bound, missed, blocks=bool(missed))
