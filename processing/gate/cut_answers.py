"""Answers that end at the model's token limit: half of one is scored as if it were whole."""

from __future__ import annotations

from dataclasses import dataclass

from processing.config.gate import Budgets

WARNED_ABOVE = 0.05
"""The share above which a person is told, where no budget closes the gate."""


@dataclass(frozen=True)
class CutAnswers:
    """How many of the rows that the model said something about were `cut`.

    `known`: those where the endpoint says why the model stopped; the others of `total` do not count
    as whole where a budget asks.
    """

    cut: int = 0
    known: int = 0
    total: int = 0

    @property
    def share(self) -> float | None:
        """Of those that are known."""
        return self.cut / self.known if self.known else None

    def reason(self, budgets: Budgets) -> str:
        """What keeps the gate shut; empty if nothing does."""
        budget = budgets.max_cut_answer_share
        unknown = self.total - self.known
        if budget is None or (self.cut + unknown) <= budget * self.total:
            return ""
        if self.cut > budget * self.total:
            return f"{self._words()}, over max_cut_answer_share {budget:g}: {_MEND}"
        return (
            f"{unknown} of {self.total} answers do not say whether they were cut at the token "
            f"limit, so max_cut_answer_share {budget:g} cannot be held: have the endpoint tell its "
            "finish_reason (details: true for TGI, endpoint.response.stop_reason for a template)"
        )

    def warning(self, budgets: Budgets) -> str:
        """What a person should know; empty if there is nothing."""
        if self.share is None or self.share <= WARNED_ABOVE or self.reason(budgets):
            return ""
        return f"{self._words()}: {_MEND}"

    def _words(self) -> str:
        return f"{self.cut} of {self.known} answers were cut at the token limit"


_MEND = "raise max_tokens (max_new_tokens) in endpoint.parameters"
