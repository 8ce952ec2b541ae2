"""What an evaluation has cost so far: calls, tokens and, where prices are known, money.

Calls are counted where they go onto the wire, retries included, so that the figures are those of
the bill and not of what came of it. Where they are counted they are also refused, once what may be
spent is spent or nothing more is to be asked.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from processing.calls.stop import Cap, NotAsked, Stop
from processing.config.prices import Prices

ENDPOINT = "endpoint"


@dataclass(frozen=True)
class Account:
    """One service's figures. `reused` are answers or verdicts that cost nothing this time."""

    calls: int = 0
    reused: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass
class Spend:
    """Figures by service: `endpoint`, and each judge model by its name. Safe between threads.

    `cap`: how much they may come to. Calls that have begun come home: money and tokens can come to
    more, by what was on its way when the cap was reached; calls cannot.
    """

    prices: Mapping[str, Prices]
    accounts: dict[str, Account] = field(default_factory=dict)
    cap: Cap = Cap()  # noqa: RUF009 (frozen)
    refused: int = 0
    """Calls that were not made."""
    _stop: Stop | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def stopped(self) -> Stop | None:
        """Why nothing more is asked; None as long as nothing that was wanted was refused."""
        return self._stop if self.refused else None

    def stop(self, stop: Stop) -> None:
        """Let no further call begin. The first reason stays."""
        with self._lock:
            self._stop = self._stop or stop

    def stopped_elsewhere(self, stop: Stop) -> None:
        """Another instance has stopped, with calls that it did not make."""
        self.stop(stop)
        self.refused += 1

    def begin(self, service: str) -> None:
        """Count a call that goes onto the wire. Raises NotAsked if none may any more."""
        with self._lock:
            self._stop = self._stop or self._reached()
            if self._stop is not None:
                self.refused += 1
                raise NotAsked(self._stop.why)
            had = self.accounts.get(service, Account())
            self.accounts[service] = replace(had, calls=had.calls + 1)

    def add(
        self,
        service: str,
        *,
        calls: int = 0,
        reused: int = 0,
        input_tokens: int = 0,
        output_tokens: int = 0,
    ) -> None:
        with self._lock:
            had = self.accounts.get(service, Account())
            self.accounts[service] = replace(
                had,
                calls=had.calls + calls,
                reused=had.reused + reused,
                input_tokens=had.input_tokens + input_tokens,
                output_tokens=had.output_tokens + output_tokens,
            )

    def cost(self, service: str) -> float | None:
        """In the currency of the prices; None where the configuration has no price."""
        price, account = self.prices.get(service), self.accounts.get(service, Account())
        if price is None:
            return None
        return (
            account.input_tokens * price.input_per_million
            + account.output_tokens * price.output_per_million
        ) / 1_000_000

    @property
    def tokens(self) -> int:
        """In and out, of all services."""
        return sum(each.input_tokens + each.output_tokens for each in self.accounts.values())

    @property
    def money(self) -> float:
        """Of all services that have a price."""
        return sum(self.cost(service) or 0.0 for service in self.accounts)

    def line(self) -> str:
        """What has been spent, by service, in one line."""
        if not self.accounts:
            return "spent: nothing"
        return "spent: " + "; ".join(
            f"{service} {account.calls} calls ({account.reused} reused), "
            f"{account.input_tokens} tokens in, {account.output_tokens} out"
            + (f", {cost:.4f}" if (cost := self.cost(service)) is not None else "")
            for service, account in sorted(self.accounts.items())
        )

    def _reached(self) -> Stop | None:
        calls = sum(account.calls for account in self.accounts.values())
        return self.cap.reached(cost=self.money, tokens=self.tokens, calls=calls)
