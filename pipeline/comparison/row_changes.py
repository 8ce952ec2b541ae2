"""Which rows changed from the first run to another, and how: scorer by scorer."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pipeline.comparison.run import ComparedRun


@dataclass(frozen=True)
class RowChange:
    """One row in the first run and in `run`. `better`, `worse` and `lost` name scorers.

    `lost`: the first run has a number and `run` has none; `found` the other way round. `harm`: by
    how much the verdicts got worse, each as a share of its scale.
    """

    run: str
    row_id: str
    better: tuple[str, ...]
    worse: tuple[str, ...]
    lost: tuple[str, ...]
    found: tuple[str, ...]
    answer_changed: bool
    harm: float

    @property
    def state(self) -> str:
        """worse, lost, mixed, better, found, other answer, or same."""
        if self.worse and self.better:
            return "mixed"
        for names, word in ((self.worse, "worse"), (self.lost, "lost"), (self.better, "better"),
                            (self.found, "found")):  # fmt: skip
            if names:
                return word
        return "other answer" if self.answer_changed else "same"


def row_changes(
    runs: Sequence[ComparedRun], not_compared: Collection[tuple[str, str]]
) -> list[RowChange]:
    """Of every row that the first run and another have, in the first run's order."""
    first, *others = runs
    return [
        _change(first, other, row_id, [s for s in first.scorers if s in other.scorers
                                       and (other.label, s) not in not_compared])
        for other in others
        for row_id in first.rows
        if row_id in other.rows
    ]  # fmt: skip


def _change(
    first: ComparedRun, other: ComparedRun, row_id: str, scorers: Sequence[str]
) -> RowChange:
    moved: dict[str, list[str]] = {"better": [], "worse": [], "lost": [], "found": []}
    harm = 0.0
    for name in scorers:
        ours, theirs = first.number(name, row_id), other.number(name, row_id)
        if ours is not None and theirs is not None and ours != theirs:
            scale = first.scale(name)
            risen = theirs - ours if scale.higher_is_better else ours - theirs
            moved["better" if risen > 0 else "worse"].append(name)
            width = scale.high - scale.low
            harm += max(-risen, 0.0) / (width if 0 < width < math.inf else max(abs(risen), 1.0))
        elif (ours is None) != (theirs is None):
            moved["found" if ours is None else "lost"].append(name)
            harm += theirs is None
    answers = [run.rows[row_id]["answer"] for run in (first, other)]
    return RowChange(
        other.label,
        row_id,
        better=tuple(moved["better"]),
        worse=tuple(moved["worse"]),
        lost=tuple(moved["lost"]),
        found=tuple(moved["found"]),
        answer_changed=answers[0] != answers[1],
        harm=harm,
    )
