"""`budgets.max_spend` counts money: what is asked has to have a price."""

from __future__ import annotations

from collections.abc import Iterator

from processing.config.judge import judge_name
from processing.config.model import EvaluationConfig
from processing.config.threshold_scales import Location


def cap_problems(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    """A judge without a price would be asked without end. The endpoint counts if it has one."""
    if config.budgets.max_spend is None:
        return
    judges = (judge for spec in config.judged_scorers() for judge in config.judges_of(spec))
    asked = {judge_name(judge.model) for judge in judges}
    if missing := sorted(asked - config.prices.keys()):
        names = ", ".join(missing)
        message = (
            f"needs a price for {names}: what has none would count as nothing; add it under "
            "prices:, or cap tokens or calls (budgets.max_tokens, budgets.max_calls)"
        )
        yield ("budgets", "max_spend"), message
    if not asked and "endpoint" not in config.prices:
        message = (
            "nothing that is asked has a price under prices:, so this caps nothing: add "
            "prices: endpoint:, or cap tokens or calls (budgets.max_tokens, budgets.max_calls)"
        )
        yield ("budgets", "max_spend"), message
