"""Whether a model is no worse than another by more than a margin, on the rows of one dataset."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from processing.gate.worst_case import PairedDifference, Scale, paired_difference

if TYPE_CHECKING:
    from processing.config.gate import ChampionMetric

RowScores = Mapping[str, Mapping[str, float | None]]
"""row id -> scorer -> number, or None where there is none."""


@dataclass(frozen=True)
class Comparison:
    """One scorer: candidate minus champion, better upwards. `reason` is empty if it holds."""

    metric: str
    margin: float
    difference: PairedDifference
    reason: str

    @property
    def passed(self) -> bool:
        return not self.reason


def finite_number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def paired(
    metric: str,
    rows: Sequence[str],
    ours: RowScores,
    theirs: RowScores,
    scale: Scale,
    *,
    clusters: Mapping[str, str] | None = None,
) -> PairedDifference:
    """Candidate minus champion on all these rows of the dataset.

    A row on which the candidate has no number, for whatever reason, counts as lost by as much as
    the scale allows; where the champion has none, it is at its best. So no row that either loses
    can help.
    """

    def number(scores: RowScores, row_id: str) -> float | None:
        return finite_number(scores.get(row_id, {}).get(metric))

    pairs = [(number(ours, row_id), number(theirs, row_id)) for row_id in rows]
    return paired_difference(
        pairs, scale, None if clusters is None else [clusters[row_id] for row_id in rows]
    )


def compare(
    name: str,
    metric: ChampionMetric,
    difference: PairedDifference,
    min_rows: int,
    min_overlap: float = 0.0,
) -> Comparison:
    """Non-inferiority: the interval's lower end must not lie below -margin.

    Piaggio and others, JAMA 308 (2012) 2594-2604 (the CONSORT statement's extension).
    """
    reason = _inferior(name, metric.margin, difference, min_rows, min_overlap)
    return Comparison(name, metric.margin, difference, reason)


def _inferior(
    name: str, margin: float, difference: PairedDifference, min_rows: int, min_overlap: float
) -> str:
    found, low = difference.estimate, difference.worst_low
    if found.n < min_rows or found.value is None:
        return (
            f"{name} can be compared with the champion on {found.n} rows only, "
            f"fewer than min_rows {min_rows}"
        )
    if found.n < min_overlap * difference.rows:
        return (
            f"{name} can be compared with the champion on {found.n} of {difference.rows} rows, a "
            f"share below champion.min_overlap {min_overlap:g}: evaluate the champion on this "
            "dataset"
        )
    if low is None or not math.isfinite(low):
        return (
            f"{name} has no interval of its difference from the champion ({found.method}; "
            f"{difference.missing} rows without a number, {difference.champion_missing} of the "
            "champion's)"
        )
    if low >= -margin:
        return ""
    missing = f", {difference.missing} rows count as the worst" if difference.missing else ""
    if difference.champion_missing:
        missing += f", {difference.champion_missing} of the champion's as its best"
    return (
        f"{name} may be worse than the champion's by {-low:.4g}, more than the margin "
        f"{margin:g} (difference {found.value:+.4g}, n={found.n}{missing})"
    )
