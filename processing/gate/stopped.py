"""An evaluation that ended before all was asked: by a cap, or because its verdict was certain.

What was not asked is nobody's error. It keeps the gate shut all the same: a row without a number
counts as the worst, and the stop is itself a reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from processing.calls.saved import Saved
from processing.calls.stop import Rule

CAPS = ("max_spend", "max_tokens", "max_calls")


@dataclass(frozen=True)
class Stopped:
    """`why` is one clause. Of `rows`, `not_asked` were not, and of the others' verdicts `verdicts`.

    `spent`: money where prices are known, tokens and calls; `saved`: what the rest would have been.
    """

    rule: Rule
    why: str
    rows: int
    not_asked: int
    verdicts: int
    money: float | None
    tokens: int
    calls: int
    saved: tuple[Saved, ...] = ()
    kept: tuple[str, ...] = ()
    """By `bound_name`, what a model keeps that has passed early; empty otherwise."""

    @property
    def capped(self) -> bool:
        """By a cap: no verdict on the model, and another start goes on."""
        return self.rule in CAPS

    @property
    def passes(self) -> bool:
        """Whether it ended because the model is good enough."""
        return bool(self.kept)

    @property
    def words(self) -> str:
        """`decided after 430 of 1,000 rows; 570 were not asked`."""
        asked = self.rows - self.not_asked
        head = "stopped" if self.capped else "decided as passed" if self.passes else "decided"
        left = [f"{self.not_asked:,} were not asked"] if self.not_asked else []
        if self.verdicts:
            left.append(f"{self.verdicts:,} verdicts of judges were not asked for")
        of = f"after {asked:,} of {self.rows:,} rows" if self.not_asked else (
            f"when all {self.rows:,} rows were asked"
        )  # fmt: skip
        return f"{head} {of}; " + " and ".join(left or ["calls were left"])

    @property
    def reason(self) -> str:
        """What keeps the gate shut, unless the run passes."""
        if not self.capped:
            return f"{self.why}; {self.words}"
        return (
            f"{self.words}, because {self.why}: {self._spent}; the whole run would take about "
            f"{self._whole}; a start with a larger cap goes on from there and pays nothing twice"
        )

    @property
    def saved_calls(self) -> int:
        return sum(each.calls for each in self.saved)

    @property
    def saved_money(self) -> float | None:
        """None where nothing that would have been asked has a price."""
        known = [each.cost for each in self.saved if each.cost is not None]
        return sum(known) if known else None

    @property
    def _spent(self) -> str:
        if self.rule == "max_spend":
            return f"{self.money or 0:.4g} in {self.calls:,} calls"
        return f"{self.calls:,} calls, {self.tokens:,} tokens"

    @property
    def _whole(self) -> str:
        if self.rule == "max_spend":
            return f"{(self.money or 0) + (self.saved_money or 0):.4g}"
        if self.rule == "max_tokens":
            return f"{self.tokens + sum(each.tokens for each in self.saved):,} tokens"
        return f"{self.calls + self.saved_calls:,} calls"
