"""What an evaluation has cost so far: calls, tokens and, where prices are known, money.

Calls are counted where they go onto the wire, retries included, so that the figures are those of
the bill and not of what came of it. Where they are counted they are also refused, once what may be
spent is spent or nothing more is to be asked.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from processing.calls.stop import Cap, NotAsked, Stop
from processing.config.prices import Prices, Usage

ENDPOINT = "endpoint"


@dataclass(frozen=True)
class Account:
    """One service's figures. `reused` are answers or verdicts that cost nothing this time.

    `input_tokens` are without those that were read from the model's cache, or written to it.
    """

    calls: int = 0
    reused: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    @property
    def tokens(self) -> int:
        cached = self.cache_read_tokens + self.cache_write_tokens
        return self.input_tokens + self.output_tokens + cached

    @property
    def usage(self) -> Usage:
        return Usage(
            self.input_tokens, self.output_tokens, self.cache_read_tokens, self.cache_write_tokens
        )

    def figures(self) -> dict[str, int]:
        """As reports have them: what concerns the cache only where there is any."""
        told = asdict(self)
        return {key: n for key, n in told.items() if n or not key.startswith("cache_")}


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
        cache_read_tokens: int = 0,
        cache_write_tokens: int = 0,
    ) -> None:
        with self._lock:
            had = self.accounts.get(service, Account())
            self.accounts[service] = replace(
                had,
                calls=had.calls + calls,
                reused=had.reused + reused,
                input_tokens=had.input_tokens + input_tokens,
                output_tokens=had.output_tokens + output_tokens,
                cache_read_tokens=had.cache_read_tokens + cache_read_tokens,
                cache_write_tokens=had.cache_write_tokens + cache_write_tokens,
            )

    def cost(self, service: str) -> float | None:
        """In the currency of the prices; None where the configuration has no price."""
        price, account = self.prices.get(service), self.accounts.get(service, Account())
        return None if price is None else price.cost(account.usage)

    @property
    def tokens(self) -> int:
        """In and out, of all services, with what caches read and took."""
        return sum(each.tokens for each in self.accounts.values())

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
            + _cached(account)
            + (f", {cost:.4f}" if (cost := self.cost(service)) is not None else "")
            for service, account in sorted(self.accounts.items())
        )

    def _reached(self) -> Stop | None:
        calls = sum(account.calls for account in self.accounts.values())
        return self.cap.reached(cost=self.money, tokens=self.tokens, calls=calls)


def _cached(account: Account) -> str:
    """Nothing where no cache took part."""
    read, written = account.cache_read_tokens, account.cache_write_tokens
    return f", {read} read from cache, {written} written to it" if read or written else ""
