"""Judges that cannot say no: who accepts the answers to other questions holds every threshold."""

from __future__ import annotations

from dataclasses import dataclass

from processing.config.gate import Budgets

FEWEST = 3
"""Verdicts on swapped answers; fewer say nothing about a judge."""


@dataclass(frozen=True)
class SwappedAnswers:
    """What became of `asked` answers that belong to other rows, put to `scorer` by `judge`.

    `rejected` of them got less than half of the scorer's scale, and `errors` got no verdict.
    `decides`: what can close the gate rests on this scorer. `of_panel`: `judge` is one of several.
    """

    scorer: str
    judge: str
    asked: int
    rejected: int
    errors: int = 0
    decides: bool = True
    of_panel: bool = False

    @property
    def judged(self) -> int:
        return self.asked - self.errors

    def words(self) -> str:
        who = f"{self.scorer} ({self.judge})" if self.of_panel else self.scorer
        return f"{who} rejected {self.rejected} of {self.judged} swapped answers"

    def reason(self, budgets: Budgets) -> str:
        """What keeps the gate shut; empty if nothing does."""
        return self._fault(budgets) if self.decides else ""

    def warning(self, budgets: Budgets) -> str:
        """What a person should know; empty if there is nothing."""
        return "" if self.decides else self._fault(budgets)

    def _fault(self, budgets: Budgets) -> str:
        least = budgets.min_swapped_rejected_share
        of = f" {self.judge}" if self.of_panel else ""
        if least and self.asked and self.judged < FEWEST:
            return (
                f"whether {self.scorer}'s judge{of} can say no is not known: "
                f"{self.judged} of {self.asked} swapped answers got a verdict, and {FEWEST} have "
                "to (or min_swapped_rejected_share is 0)"
            )
        if self.judged < FEWEST or self.rejected >= least * self.judged:
            return ""
        return (
            f"{self.words()} (the expected answers to other questions), under "
            f"min_swapped_rejected_share {least:g}: {self.judge} does not tell right from wrong"
        )
