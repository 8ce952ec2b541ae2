"""The judges' preferences in compare.html: a line for each two runs, and a part of each row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pipeline.comparison.findings import Findings
from pipeline.comparison.pairwise.outcome import PairwiseOutcome
from pipeline.comparison.pairwise.pairs import RowVerdict, Said
from pipeline.comparison.pairwise.table import (
    MUCH_DISAGREEMENT,
    between,
    methods,
    remarks,
    share,
    win_rate,
)
from processing.report.html.packing import GENEROUS, Shortener
from processing.report.html.pictures import interval


@dataclass(frozen=True)
class PairwiseLine:
    """One line of the table: the figures in words, and the interval as a picture."""

    found: PairwiseOutcome
    style: str
    word: str
    win_rate: str
    interval: str
    share: str
    biased: bool
    p: str
    remarks: tuple[str, ...]
    picture: Markup | None


def pairwise_content(
    findings: Findings,
    signs: Mapping[str, tuple[str, str]],
    p_in_words: Callable[[float | None], str],
) -> dict[str, Any]:
    """What the template takes. `signs`: style and word of a state."""
    return {
        "pairwise": [
            _line(found, *signs[found.state], p_in_words(found.p_holm))
            for found in findings.pairwise
        ],
        "pairwise_method": methods(findings.strengths),
        "names": {run.label: run.name for run in findings.runs},
    }


def _line(found: PairwiseOutcome, style: str, word: str, p: str) -> PairwiseLine:
    picture = None
    if found.win_rate is not None:
        picture = interval(
            found.interval,
            found.win_rate,
            [],
            span=(0.0, 1.0),
            missed=found.state == "worse",
            zero=0.5,
            label=f"win rate {win_rate(found)}, 95 % interval {between(found)}",
        )
    return PairwiseLine(
        found,
        style,
        word,
        win_rate=win_rate(found),
        interval=between(found).replace("..", " to "),
        share=share(found),
        biased=(found.disagreement_share or 0.0) >= MUCH_DISAGREEMENT,
        p=p,
        remarks=tuple(remarks(found)),
        picture=picture,
    )


Preferences = Mapping[str, Sequence[tuple[PairwiseOutcome, RowVerdict]]]
"""Row id -> what each scorer says of the first run's answer and another's."""


def preferences(findings: Findings) -> Preferences:
    first = findings.runs[0].label
    found: dict[str, list[tuple[PairwiseOutcome, RowVerdict]]] = {}
    for outcome in findings.pairwise:
        for verdict in outcome.verdicts if outcome.against == first else ():
            found.setdefault(verdict.row_id, []).append((outcome, verdict))
    return found


def packed_preferences(
    said: Sequence[tuple[PairwiseOutcome, RowVerdict]], short: Shortener
) -> dict[str, list[dict[str, Any]]]:
    """By the run that is held against the first one."""
    packed: dict[str, list[dict[str, Any]]] = {}
    for outcome, verdict in said:
        labels = (outcome.against, outcome.run)
        packed.setdefault(outcome.run, []).append(
            {
                "scorer": outcome.scorer,
                "preferred": verdict.preferred,
                "shown": _shown(verdict),
                "said": [
                    {"order": order, "shown": _said(one), "why": short(_why(one), GENEROUS)}
                    for order, one in zip(
                        (" before ".join(labels), " before ".join(labels[::-1])),
                        verdict.said,
                        strict=False,  # nothing is said where nobody was asked
                    )
                ],
                "error": short(verdict.error, GENEROUS),
            }
        )
    return packed


def _shown(verdict: RowVerdict) -> str:
    if verdict.preferred is None:
        return "no verdict"
    if not verdict.said:
        return "tie: the answers are the same"
    if verdict.disagrees:
        return "tie: the judge contradicts itself when the answers change places"
    return "tie" if verdict.preferred == "tie" else f"{verdict.preferred} is better"


def _said(one: Said) -> str:
    if one.preferred is None:
        return "error"
    return "tie" if one.preferred == "tie" else f"{one.preferred} is better"


def _why(one: Said) -> str:
    return one.error or one.rationale
