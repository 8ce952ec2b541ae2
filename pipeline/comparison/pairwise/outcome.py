"""What a judge's preferences come to: wins, ties, losses, and the win rate with its interval.

The win rate is the mean of 1 for a win, 0.5 for a tie and 0 for a loss, so its interval is that of
a bounded mean (`processing.gate.bounded_mean`). A pair without a verdict is in no count of wins; it
counts as a loss in the lower end and as a win in the upper one, so that it only ever widens.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pipeline.comparison.differences import LEVEL
from pipeline.comparison.pairwise.pairs import TIE, RowVerdict
from processing.gate.bounded_mean import bounded_interval
from processing.gate.intervals import CONFIDENCE
from processing.gate.sign_flips import sign_flip_p

State = Literal["better", "worse", "not shown", "not compared"]
_DIGITS = 12
"""Of an interval's ends, so that the other way round they are the same to the last digit."""


@dataclass(frozen=True)
class PairwiseOutcome:
    """One scorer's verdicts on run `run` against run `against`, both by their labels.

    `lost`: rows that are in neither run's file. `reason`: why the judge was not asked, or gave up.
    `p_holm` is Holm's, over all tests of the comparison.
    """

    scorer: str
    judge: str
    against: str
    run: str
    verdicts: tuple[RowVerdict, ...]
    lost: int = 0
    reason: str = ""
    p_holm: float | None = None

    @cached_property
    def pairs(self) -> int:
        """Rows with a verdict."""
        return sum(verdict.preferred is not None for verdict in self.verdicts)

    @cached_property
    def wins(self) -> int:
        """Rows on which `run` is preferred in both orders."""
        return self._preferred(self.run)

    @cached_property
    def losses(self) -> int:
        return self._preferred(self.against)

    @property
    def ties(self) -> int:
        return self._preferred(TIE)

    @property
    def missing(self) -> int:
        """Rows without a verdict: an answer is missing, or the judge failed in either order."""
        return len(self.verdicts) - self.pairs + self.lost

    @cached_property
    def asked(self) -> int:
        """Rows with a verdict that the judge was asked about; the others have the same answers."""
        return sum(v.preferred is not None and bool(v.said) for v in self.verdicts)

    @cached_property
    def disagreements(self) -> int:
        """Rows on which the judge contradicts itself when the answers change places."""
        return sum(verdict.disagrees for verdict in self.verdicts)

    @property
    def disagreement_share(self) -> float | None:
        """Of the rows that the judge was asked about: how much it looks at the place alone."""
        return self.disagreements / self.asked if self.asked else None

    @property
    def win_rate(self) -> float | None:
        return (self.wins + self.ties / 2) / self.pairs if self.pairs else None

    @cached_property
    def interval(self) -> tuple[float, float]:
        """95 %, with the missing pairs at their worst either way; 0 to 1 where nothing is known."""
        return _low(self._points(1)), round(1 - _low(self._points(-1)), _DIGITS)

    @cached_property
    def p(self) -> float | None:
        """The sign test's, with the missing pairs at their worst; None without a verdict."""
        if not self.pairs:
            return None
        known = [1.0] * self.wins + [-1.0] * self.losses + [0.0] * self.ties
        return sign_flip_p(known + [-1.0] * self.missing, known + [1.0] * self.missing)

    @property
    def real(self) -> bool:
        """Whether it holds after Holm's correction, the missing pairs at their worst."""
        return self.p_holm is not None and self.p_holm <= LEVEL

    @property
    def state(self) -> State:
        if not self.pairs:
            return "not compared"
        if not self.real or self.wins == self.losses:
            return "not shown"
        return "better" if self.wins > self.losses else "worse"

    @property
    def errors(self) -> dict[str, int]:
        """Why there is no verdict, the most frequent reason first."""
        reasons = Counter(verdict.error for verdict in self.verdicts if verdict.preferred is None)
        return dict(reasons.most_common())

    def figures(self) -> dict[str, Any]:
        """All of it but the rows, as JSON."""
        low, high = self.interval
        return {
            "scorer": self.scorer,
            "judge": self.judge,
            "run": self.run,
            "against": self.against,
            "pairs": self.pairs,
            "wins": self.wins,
            "ties": self.ties,
            "losses": self.losses,
            "missing": self.missing,
            "asked": self.asked,
            "order_disagreements": self.disagreements,
            "order_disagreement_share": self.disagreement_share,
            "win_rate": self.win_rate,
            "low": low,
            "high": high,
            "p": self.p,
            "p_holm": self.p_holm,
            "state": self.state,
            "reason": self.reason,
            "errors": self.errors,
        }

    def _preferred(self, label: str) -> int:
        return sum(verdict.preferred == label for verdict in self.verdicts)

    def _points(self, side: int) -> list[float]:
        """The rows' points for `run` (side 1) or for the other (-1), missing ones at nought."""
        wins, losses = (self.wins, self.losses)[::side]
        return [1.0] * wins + [0.5] * self.ties + [0.0] * (losses + self.missing)


def _low(points: list[float]) -> float:
    if not points:
        return 0.0
    return round(bounded_interval(points, 0, 1, CONFIDENCE)[0], _DIGITS)
