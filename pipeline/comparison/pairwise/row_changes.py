"""A judge's preference as a change of the row: the run whose answer lost got worse there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.comparison.pairwise.outcome import PairwiseOutcome
from pipeline.comparison.pairwise.pairs import RowVerdict
from pipeline.comparison.row_changes import RowChange

HARM = 1.0
"""Of a lost row, as much as a verdict that falls from one end of its scale to the other."""


def with_preferences(
    changes: Iterable[RowChange], outcomes: Sequence[PairwiseOutcome]
) -> list[RowChange]:
    """The changes from the first run, `outcomes` being against it, with the scorers that prefer the
    one answer or the other.
    """
    of_run: dict[str, list[tuple[PairwiseOutcome, dict[str, RowVerdict]]]] = {}
    for outcome in outcomes:
        by_row = {verdict.row_id: verdict for verdict in outcome.verdicts}
        of_run.setdefault(outcome.run, []).append((outcome, by_row))
    return [_with(change, of_run.get(change.run, [])) for change in changes]


def _with(
    change: RowChange, said: Sequence[tuple[PairwiseOutcome, dict[str, RowVerdict]]]
) -> RowChange:
    for outcome, by_row in said:
        preferred = by_row[change.row_id].preferred if change.row_id in by_row else None
        if preferred == outcome.run:
            change = replace(change, better=(*change.better, outcome.scorer))
        elif preferred == outcome.against:
            worse = (*change.worse, outcome.scorer)
            change = replace(change, worse=worse, harm=change.harm + HARM)
    return change
