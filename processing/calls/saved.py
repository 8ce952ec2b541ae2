"""What a run that stopped early has not spent: estimated from what the calls it made have cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from processing.calls.spend import Account, Spend


@dataclass(frozen=True)
class Left:
    """Answers or verdicts of one service: so many were paid for, and so many not asked for."""

    paid: int
    not_asked: int


@dataclass(frozen=True)
class Saved:
    """An estimate. `cost` is None without a price, or where nothing was paid for to go by."""

    service: str
    calls: int
    tokens: int
    cost: float | None


def saved(spend: Spend, left: Mapping[str, Left]) -> tuple[Saved, ...]:
    """By service, as if what is left had cost what the rest did; one call each if nothing has."""
    found = []
    for service, units in sorted(left.items()):
        account = spend.accounts.get(service, Account())
        tokens, cost = account.input_tokens + account.output_tokens, spend.cost(service)
        share = units.not_asked / units.paid if units.paid > 0 else None
        found.append(
            Saved(
                service,
                units.not_asked if share is None else round(account.calls * share),
                0 if share is None else round(tokens * share),
                None if share is None or cost is None else cost * share,
            )
        )
    return tuple(found)
