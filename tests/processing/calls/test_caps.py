"""budgets.max_calls and the like: nothing begins beyond the cap, however many threads want to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from running_aws import ConfigWriter

from processing.base.errors import ConfigError
from processing.calls.saved import Left, saved
from processing.calls.spend import ENDPOINT, Spend
from processing.calls.stop import Cap, NotAsked, Stop
from processing.config.file import load_config
from processing.config.prices import Prices

PRICES = {"judge": Prices(input_per_million=2.0, output_per_million=8.0)}


def begun(spend: Spend, service: str) -> bool:
    try:
        spend.begin(service)
    except NotAsked:
        return False
    return True


def test_so_many_calls_and_not_one_more() -> None:
    spend = Spend({}, cap=Cap(calls=100))
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda n: begun(spend, ENDPOINT if n % 2 else "judge"), range(500)))
    assert made.count(True) == 100
    assert sum(account.calls for account in spend.accounts.values()) == 100
    assert spend.stopped == Stop("max_calls", "the 100 calls of budgets.max_calls are made")


def test_money_and_tokens_stop_the_call_after_the_one_that_spent_them() -> None:
    for cap in (Cap(spend=1.0), Cap(tokens=200_000)):
        spend = Spend(PRICES, cap=cap)
        for _ in range(10):
            if begun(spend, "judge"):
                spend.add("judge", input_tokens=25_000, output_tokens=25_000)  # 0.25
        assert spend.accounts["judge"].calls == 4
        assert spend.money == pytest.approx(1.0)
        assert spend.refused == 6


def test_each_instance_has_its_share() -> None:
    spend = Spend({}, cap=Cap(calls=10, instances=4))
    assert [begun(spend, ENDPOINT) for _ in range(4)] == [True, True, False, False]
    assert spend.stopped is not None
    assert "each of 4 instances had its share" in spend.stopped.why


def test_a_run_that_was_to_stop_and_had_nothing_left_to_ask_has_not_stopped() -> None:
    spend = Spend({})
    spend.stop(Stop("certain", "it cannot pass"))
    assert spend.stopped is None
    assert not begun(spend, ENDPOINT)
    assert spend.stopped == Stop("certain", "it cannot pass")


def test_what_is_left_is_priced_by_what_was_paid() -> None:
    spend = Spend(PRICES)
    for _ in range(30):
        spend.begin("judge")
    spend.add("judge", input_tokens=30_000, output_tokens=6_000)
    [judge] = saved(spend, {"judge": Left(paid=15, not_asked=45)})
    assert (judge.calls, judge.tokens) == (90, 108_000)
    assert judge.cost == pytest.approx(3 * (0.06 + 0.048))
    [unknown] = saved(Spend(PRICES), {"judge": Left(paid=0, not_asked=45)})
    assert (unknown.calls, unknown.cost) == (45, None)


def test_a_cap_on_money_wants_a_price_for_every_judge(write_config: ConfigWriter) -> None:
    scorers = {"scorers": ["Safety"], "thresholds": {"Safety": {"min": 0.5}}, "prices": {}}
    path = write_config(**scorers, budgets={"max_spend": 1})
    with pytest.raises(ConfigError, match=r"budgets.max_spend: needs a price for global.anthropic"):
        load_config(path)
    load_config(write_config(**scorers, budgets={"max_tokens": 1000}))
