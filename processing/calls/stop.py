"""A clean stop: nothing more is paid for, and what is on its way comes home.

An evaluation stops when it has spent what `budgets:` allows it, or when its verdict is certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Rule = Literal["max_spend", "max_tokens", "max_calls", "certain", "confident"]


@dataclass(frozen=True)
class Stop:
    """Why nothing more is asked. `why` is one clause.

    `kept`: the bounds that a model keeps, which has passed early; empty otherwise.
    """

    rule: Rule
    why: str
    kept: tuple[str, ...] = ()


class NotAsked(Exception):
    """A call that was not made, because nothing more is to be paid for. No error of anybody's."""


@dataclass(frozen=True)
class Cap:
    """How much one start may spend, `budgets.max_spend` and the like; None: as much as it takes.

    Of a job's instances each has its share.
    """

    spend: float | None = None
    tokens: int | None = None
    calls: int | None = None
    instances: int = 1

    def reached(self, *, cost: float, tokens: int, calls: int) -> Stop | None:
        """What has been reached by so much, if anything has."""
        if self.spend is not None and cost >= self.spend / self.instances:
            return Stop("max_spend", f"budgets.max_spend {self.spend:g} is spent{self._shared}")
        if self.tokens is not None and tokens >= self.tokens / self.instances:
            why = f"the {self.tokens:,} tokens of budgets.max_tokens are spent{self._shared}"
            return Stop("max_tokens", why)
        if self.calls is not None and calls >= max(1, self.calls // self.instances):
            why = f"the {self.calls:,} calls of budgets.max_calls are made{self._shared}"
            return Stop("max_calls", why)
        return None

    @property
    def _shared(self) -> str:
        """Each instance knows of its own calls alone."""
        return f", of which each of {self.instances} instances had its share" * (self.instances > 1)
