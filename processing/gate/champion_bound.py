"""Whether a run that still goes on can be shown to be no worse than the champion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from processing.config.gate import Champion
from processing.gate.non_inferiority import RowScores, finite_number
from processing.gate.paired import paired_mean, tango_of_numbers
from processing.gate.tally import HAIR, LOOKS, Fate
from processing.gate.worst_case import Scale


class ChampionBound:
    """One metric's margin. The champion's numbers are known; a pending row may be the best.

    The difference that the gate compares lies at or below the mean over all rows (a lost row as
    the worst, `processing.gate.worst_case.paired_difference`), so that a mean below the margin is
    certain. Its own lower end decides before that where every row counts.
    """

    def __init__(
        self,
        metric: str,
        section: Champion,
        theirs: RowScores,
        rows: Sequence[str],
        *,
        scale: Scale,
        min_rows: int,
        may_not_apply: bool = False,
        clusters: Mapping[str, str] | None = None,
    ) -> None:
        self._name, self._scale, self._clusters = metric, scale, clusters
        self._margin, self._overlap = section.metrics[metric].margin, section.min_overlap
        self._min_rows, self._may_not_apply = min_rows, may_not_apply
        self._theirs = {row: finite_number(theirs.get(row, {}).get(metric)) for row in rows}
        self._known = not scale.assumed and all(
            scale.holds([number]) for number in self._theirs.values() if number is not None
        )
        self._width = scale.high - scale.low
        best = scale.high if scale.higher_is_better else scale.low
        self._best = dict.fromkeys(rows, 0.0)
        if self._known:
            self._best = {row: self._difference(row, best) for row in rows}
        self._total = math.fsum(self._best.values())
        self.pending = len(rows)
        """Rows that are not settled."""
        self._compared = sum(number is not None for number in self._theirs.values())
        self._never = len(rows) - self._compared  # pending, and the champion has no number
        self._next_look = 0
        self._not_applicable = 0
        self._shown: bool | None = None

    def settle(self, row_id: str, fate: Fate, number: float = 0.0) -> None:
        """What became of one row; `number` where it got one."""
        has_theirs = self._theirs[row_id] is not None
        self.pending -= 1
        self._never -= not has_theirs
        self._total -= self._best[row_id]
        if fate != "number":
            self._compared -= has_theirs
        if fate == "not applicable":
            del self._best[row_id]
            self._not_applicable += 1
            return
        self._known = self._known and (fate != "number" or self._scale.holds([number]))
        lost = -self._width if fate != "number" else 0.0
        self._best[row_id] = self._difference(row_id, number) if fate == "number" else lost
        self._total += self._best[row_id]

    def reason(self) -> str:
        """Why it cannot be shown any more; empty while it may."""
        name, rows = self._name, len(self._best)
        if self._compared < self._min_rows:
            return (
                f"{name} can be compared with the champion on {self._compared} rows at most, "
                f"fewer than min_rows {self._min_rows}"
            )
        counted = rows - (self._never if self._may_not_apply else 0)
        if self._compared < self._overlap * counted:
            return (
                f"{name} can be compared with the champion on {self._compared} of {counted} rows "
                f"at most, a share below champion.min_overlap {self._overlap:g}"
            )
        if not self._known:
            return ""
        mean = self._total / rows
        if mean < -self._margin - HAIR * self._width:
            return self._lost(-mean)
        return self._interval_lost()

    def holds(self) -> bool:
        """Whether it is shown, by all rows; never on a scale that is only assumed."""
        if self.pending or not self._known or self.reason():
            return False
        if self._shown is None:
            low = paired_mean([*self._best.values()], self._width, clusters=self._together()).low
            self._shown = low is not None and low >= -self._margin + HAIR * self._width
        return self._shown

    def _together(self) -> list[str] | None:
        clusters = self._clusters
        return None if clusters is None else [clusters[row] for row in self._best]

    def _interval_lost(self) -> str:
        settled = len(self._theirs) - self.pending
        inexact = self.pending and (self._may_not_apply or self._not_applicable)
        if inexact or settled < self._next_look:
            return ""
        bound = -self._margin - HAIR * self._width
        together = self._together()
        scaled = [difference / self._width for difference in self._best.values()]
        low, _ = tango_of_numbers(scaled, clusters=together)
        if low * self._width < bound:  # the other, sharper one, takes a hundred times as long
            found = paired_mean([*self._best.values()], self._width, clusters=together).low
            if found is not None and found < bound:
                return self._lost(-found)
        self._next_look = settled + max(1, len(self._theirs) // LOOKS)
        return ""

    def _difference(self, row_id: str, number: float) -> float:
        """Candidate minus champion, better upwards; the champion at its best where it has none."""
        sign = 1 if self._scale.higher_is_better else -1
        theirs = self._theirs[row_id]
        best = self._scale.high if sign == 1 else self._scale.low
        return sign * (number - (best if theirs is None else theirs))

    def _lost(self, worse: float) -> str:
        settled, rows = len(self._theirs) - self.pending, len(self._theirs)
        return (
            f"{self._name} cannot be shown to be no worse than the champion's any more: it may be "
            f"worse by {worse:.4g} at the least, more than the margin {self._margin:g} "
            f"({settled:,} of {rows:,} rows judged)"
        )
