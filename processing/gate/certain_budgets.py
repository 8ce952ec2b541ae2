"""Budgets that nothing that is still to come can bring down again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from processing.config.gate import Budgets
from processing.gate.cut_answers import CutAnswers
from processing.gate.swapped_answers import SwappedAnswers
from processing.gate.tally import Tally


class AnswerBudgets:
    """The endpoint's errors and answers that were cut, over `rows` in all.

    `hard`: the metrics of hard thresholds; the endpoint's share is not diluted by rows on which one
    of their scorers failed.
    """

    def __init__(self, budgets: Budgets, rows: int, hard: Sequence[Tally]) -> None:
        self._budgets, self._rows, self._hard = budgets, rows, hard
        self._settled = self._failed = self._said = self._cut = self._known = 0

    def settle(self, *, failed: bool, said: bool, cut: bool | None) -> None:
        """One row that was asked; `cut` counts where the model `said` something."""
        self._settled += 1
        self._failed += failed
        self._said += said
        self._known += said and cut is not None
        self._cut += said and bool(cut)

    def reason(self) -> str:
        """Why the gate stays shut; empty while it may open."""
        if self._rows < self._budgets.min_rows:
            return (
                f"the dataset has {self._rows} rows, fewer than min_rows {self._budgets.min_rows}"
            )
        return self._endpoint_failed(self._rows) or self._cut_at_the_limit()

    def over_so_far(self) -> list[str]:
        """What keeps the gate shut if nothing more comes."""
        cut = CutAnswers(self._cut, self._known, self._said).reason(self._budgets)
        return [reason for reason in (self._endpoint_failed(self._settled), cut) if reason]

    def _endpoint_failed(self, rows: int) -> str:
        scorers = max((tally.errors for tally in self._hard), default=0)
        counted, most = max(rows - scorers, self._failed), self._budgets
        if not counted or self._failed / counted <= most.max_endpoint_error_share:
            return ""
        return (
            f"the endpoint failed on {self._failed} of at most {counted} rows, over "
            f"max_endpoint_error_share {most.max_endpoint_error_share:g}"
        )

    def _cut_at_the_limit(self) -> str:
        """As if every pending answer were whole, and said so."""
        pending = self._rows - self._settled
        total, unknown = self._said + pending, self._said - self._known
        if not CutAnswers(self._cut, total - unknown, total).reason(self._budgets):
            return ""
        say_nothing = f" and {unknown} do not say whether they were" if unknown else ""
        return (
            f"{self._cut} of at most {total} answers were cut at the token limit{say_nothing}, "
            f"over max_cut_answer_share {self._budgets.max_cut_answer_share:g} whatever comes"
        )


def swapped_cannot_hold(found: SwappedAnswers, pending: int, budgets: Budgets) -> str:
    """Why a judge's swapped answers keep the gate shut, were the `pending` ones all rejected.

    `asked` counts those that are settled.
    """
    best = replace(found, asked=found.asked + pending, rejected=found.rejected + pending)
    return best.reason(budgets)
