"""What the gate counts of one answer."""

from __future__ import annotations

from dataclasses import dataclass

from processing.gate.tally import Fate, fate_of


@dataclass(frozen=True)
class SettledAnswer:
    """What the gate counts of one answer; it will not be asked for again.

    `answered`: there is one to score. `failed`: it counts as the endpoint's error. `said`: the
    model said something, and `cut` whether that ended at the token limit, None where nobody knows.
    """

    answered: bool
    failed: bool
    said: bool
    cut: bool | None = None
    latency_ms: float | None = 0.0
    input_tokens: float | None = None
    output_tokens: float | None = None
    ttft_ms: float | None = None
    inter_token_ms: float | None = None
    tokens_per_second: float | None = None

    def fates(self) -> dict[str, tuple[Fate, float | None]]:
        """What became of each measurement, by what was measured."""
        measured = {
            "latency": self.latency_ms,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "ttft": self.ttft_ms,
            "inter_token": self.inter_token_ms,
            "tokens_per_second": self.tokens_per_second,
        }
        return {
            what: (fate_of(number) if self.answered else "lost", number)
            for what, number in measured.items()
        }
