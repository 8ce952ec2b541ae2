"""What an evaluation has cost so far: calls, tokens and, where prices are known, money.

Calls are counted where they go onto the wire, retries included, so that the figures are those of
the bill and not of what came of it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
    """Figures by service: `endpoint`, and each judge model by its name. Safe between threads."""

    prices: Mapping[str, Prices]
    accounts: dict[str, Account] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

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


def judge_name(model: str) -> str:
    """The one name of a judge's account, from the configuration's URI or from litellm's name.

    `bedrock:/us.x` and `converse/us.x` are both `us.x`.
    """
    name = model.partition(":/")[2].lstrip("/") or model
    return name.removeprefix("bedrock/").removeprefix("converse/").removeprefix("openai/")
