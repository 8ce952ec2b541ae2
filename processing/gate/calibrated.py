"""A scorer's mean, corrected by people's labels of a random draw of its rows.

The estimate is that of prediction-powered inference, with lambda = 1: the mean of all verdicts plus
the mean of (label - verdict) over the labelled rows, each weighted by one over the probability
with which it was drawn. Angelopoulos et al., Science 382 (2023) 669-674, section 2.

The paper's interval is normal, and fails where few labels differ from the verdict: of a judge that
never misses a right answer and accepts half of the wrong ones its lower end lies above the truth
in up to 29 % of 50 labels. Here three means make the estimate, each with the bounded interval that
the gate knows: of the verdicts, of what labels lie above them, and of what they lie below. Their
ends are put together as by Zou and Donner (Statistics in Medicine 27 (2008) 1693-1702). So a label
that gets worse never raises the lower end. `benchmarks/calibration.py` simulates all of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from processing.gate.bounded_mean import lower_end
from processing.gate.intervals import CONFIDENCE
from processing.gate.worst_case import Bounds, Scale

CORRELATION = 0.1
"""Of how far labels lie above and below: a row counts in one of the two. No fixed one, 0 to 1,
changes that a worse label lowers the lower end; without any, intervals held the truth 94.5 times in
100 for a judge that errs on 30 % of rows.
"""

_ROUNDING = 1e-3
"""By so much of all rows one over the probabilities may miss them, before rows count as lost."""


@dataclass(frozen=True)
class JudgedRow:
    """A row of the dataset: the scorer's verdict and people's label, None where there is none.

    `weight`: one over the probability with which the row was drawn for labelling; 0 if it was not.
    """

    verdict: float | None
    label: float | None = None
    weight: float = 0.0


@dataclass(frozen=True)
class Calibrated:
    """The corrected mean and its 95 % interval, None where there is none.

    `judged`: the mean of the `rows` verdicts alone. It rests on `labels` of `drawn` rows.
    `worst`: the interval's ends, with rows without a verdict, drawn rows without a label, and rows
    that no draw could have reached counted as the scale's worst for that end.
    """

    value: float | None
    low: float | None
    high: float | None
    judged: float | None
    rows: int
    labels: int
    drawn: int
    worst: Bounds

    @property
    def moved(self) -> float | None:
        """By how much the labels moved the mean."""
        if self.value is None or self.judged is None:
            return None
        return self.value - self.judged

    def words(self, scorer: str) -> str:
        """`Correctness: 0.71 by the judge, 0.66 (0.55 to 0.77) corrected by 50 labels`."""
        if self.value is None or self.judged is None:
            return f"{scorer}: {self.labels} labels of these answers do not make an estimate"
        blank = self.drawn - self.labels
        return (
            f"{scorer}: {self.judged:.4g} by its verdicts, corrected by {self.labels} labels "
            f"{self.value:.4g} ({self.low:.4g} to {self.high:.4g}), moved by {self.moved:+.4g}"
            + (f"; {blank} more rows were drawn and have no label of this answer" if blank else "")
        )


@dataclass(frozen=True)
class _Parts:
    """On a scale of 0 to 1: all verdicts; label minus verdict, and its weight, of drawn rows."""

    verdicts: Sequence[float]
    differences: Sequence[float]
    weights: Sequence[float]


def calibrated(rows: Sequence[JudgedRow], scale: Scale) -> Calibrated:
    """Of every row that the scorer applies to. The scale has two ends.

    No value where no row has both a verdict and a label, or a number lies off the scale.
    """
    verdicts = [row.verdict for row in rows if row.verdict is not None]
    both = [row for row in rows if None not in (row.verdict, row.label) and row.weight > 0]
    labels = [row.label for row in both if row.label is not None]
    drawn = sum(row.weight > 0 for row in rows)
    judged = math.fsum(verdicts) / len(verdicts) if verdicts else None
    width = scale.high - scale.low
    usable = bool(both) and math.isfinite(width) and width > 0
    if not usable or not scale.holds([*verdicts, *labels]):
        return Calibrated(
            None, None, None, judged, len(verdicts), len(labels), drawn, Bounds()
        )  # fmt: skip

    def number(share: float) -> float:
        return scale.low + min(max(share, 0.0), 1.0) * width

    scaled = [_scaled(row, scale) for row in rows]
    flipped = [_flipped(row) for row in scaled]
    known = [row for row in scaled if row.verdict is not None]
    parts = _parts(known)
    low, high = _lower(parts), 1 - _lower(_parts(list(map(_flipped, known))))
    worst_low, worst_high = low, high
    if _filled(scaled) != scaled:
        worst_low, worst_high = (
            _lower(_parts(_filled(scaled))),
            1 - _lower(_parts(_filled(flipped))),
        )
    return Calibrated(
        number(_value(parts)),
        number(low),
        number(high),
        judged,
        len(verdicts),
        len(labels),
        drawn,
        Bounds(number(min(low, worst_low)), number(max(high, worst_high))),
    )


def _scaled(row: JudgedRow, scale: Scale) -> JudgedRow:
    def share(number: float | None) -> float | None:
        return None if number is None else (number - scale.low) / (scale.high - scale.low)

    return JudgedRow(share(row.verdict), share(row.label), row.weight)


def _flipped(row: JudgedRow) -> JudgedRow:
    verdict, label = (None if n is None else 1 - n for n in (row.verdict, row.label))
    return JudgedRow(verdict, label, row.weight)


def _filled(rows: Sequence[JudgedRow]) -> list[JudgedRow]:
    """The rows with the numbers that they lack, such as make the lower end least.

    A verdict counts once among all, and `weight` times, the other way round, among the labels: so
    that of a drawn row is least at the scale's upper end. If the weights do not come to all rows,
    some could not be drawn, and one with 0 for a 1 stands for them.
    """
    filled = [
        JudgedRow(
            (1.0 if row.weight > 0 else 0.0) if row.verdict is None else row.verdict,
            0.0 if row.label is None and row.weight > 0 else row.label,
            row.weight,
        )
        for row in rows
    ]
    lost = len(rows) - math.fsum(row.weight for row in rows)
    if lost <= _ROUNDING * len(rows):
        return filled
    return [*filled, JudgedRow(None, -1.0, lost)]


def _parts(rows: Sequence[JudgedRow]) -> _Parts:
    drawn = [row for row in rows if row.weight > 0 and row.label is not None]
    return _Parts(
        [row.verdict for row in rows if row.verdict is not None],
        [(row.label or 0.0) - (row.verdict or 0.0) for row in drawn],
        [row.weight for row in drawn],
    )


def _value(parts: _Parts) -> float:
    return _mean(parts.verdicts) + _weighted_mean(parts.differences, parts.weights)


def _lower(parts: _Parts) -> float:
    """The lower end, from each part's distance to the end that makes the estimate least."""
    judged, weights = parts.verdicts, parts.weights
    above = [max(difference, 0.0) for difference in parts.differences]
    not_below = [1 - max(-difference, 0.0) for difference in parts.differences]
    sampled = _mean(judged) - lower_end(judged, [1.0] * len(judged), CONFIDENCE)
    one, two = (
        _weighted_mean(values, weights) - lower_end(values, weights, CONFIDENCE)
        for values in (above, not_below)
    )
    squares = sampled**2 + one**2 + two**2 + 2 * CORRELATION * one * two
    return _value(parts) - math.sqrt(squares)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _weighted_mean(values: Sequence[float], weights: Sequence[float]) -> float:
    total = math.fsum(value * weight for value, weight in zip(values, weights, strict=True))
    return total / math.fsum(weights)
