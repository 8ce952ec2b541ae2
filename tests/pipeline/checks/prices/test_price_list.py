"""A price counts if it is certainly that model's; the price list here is the local AWS's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from local_runs import local_client
from running_aws import REPOSITORY

from pipeline.checks.prices.look_up import price_of, stale_prices
from pipeline.checks.prices.price_list import Product, products, same_model
from pipeline.checks.prices.write import write_prices
from pipeline.local.aws import serve
from processing.base.errors import LaunchError
from processing.config.file import load_config
from processing.config.prices import Prices


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Product]]:
    state = tmp_path_factory.mktemp("priced")
    server = serve(0, state_dir=state, job_environment={}, echo=lambda _: None)
    yield products(local_client(server.url, "pricing"), "us-east-1")
    server.stop()


@pytest.mark.parametrize(
    ("model", "rates"),
    [
        ("global.anthropic.claude-sonnet-5-5", (2, 10, 0.2, 2.5)),
        ("us.anthropic.claude-sonnet-5-5", (2.2, 11, None, None)),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", (1.1, 5.5, None, None)),
        ("amazon.nova-pro-v1:0", (0.8, 3.2, 0.2, 0)),
        ("us.amazon.nova-2-lite-v1:0", (0.33, 2.75, None, None)),
        ("global.amazon.nova-2-lite-v1:0", (0.3, 2.5, None, None)),
        (
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0",
            (0.8, 3.2, 0.2, 0),
        ),
    ],
)
def test_what_is_certain(
    listed: list[Product], model: str, rates: tuple[float, float, float | None, float | None]
) -> None:
    found = price_of(model, "us-east-1", listed)
    assert found.prices is not None, found.said
    assert (
        found.prices.input_per_million,
        found.prices.output_per_million,
        found.prices.cached_input_per_million,
        found.prices.cache_write_per_million,
    ) == rates


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("anthropic.claude-v2", "no such model"),  # not Claude 2.0: its id does not say so
        ("global.anthropic.claude-sonnet-5-6", "no such model"),  # not Sonnet 5's price
        ("global.anthropic.claude-opus-5-5", "no such model"),
        ("us.meta.llama3-3-70b-instruct-v1:0", "several prices are listed (0.72, 0.99)"),
        ("anthropic.claude-2", "no price is listed for plain output tokens"),
        ("openai.gpt-oss-120b-1:0", "no such model"),  # listed for another endpoint only
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", "does not say which"),
    ],
)
def test_nothing_is_guessed(listed: list[Product], model: str, why: str) -> None:
    found = price_of(model, "us-east-1", listed)
    assert found.prices is None
    assert why in found.said


def test_a_unit_that_is_not_known_prices_nothing() -> None:
    made = [
        Product("Nova Pro", kind, "", "units", frozenset({Decimal(1)}))
        for kind in ("input", "output")
    ]
    found = price_of("amazon.nova-pro-v1:0", "us-east-1", made)
    assert found.prices is None
    assert "per 'units'" in found.said


@pytest.mark.parametrize(
    ("model", "name", "same"),
    [
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", "Claude 3.5 Sonnet v2", True),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", "Claude 3.5 Sonnet", False),
        ("anthropic.claude-3-5-sonnet-20240620-v1:0", "Claude 3.5 Sonnet", True),
        ("anthropic.claude-opus-4-8", "Claude Opus 4", False),
        ("anthropic.claude-opus-4-8", "Claude Opus 8.4", False),
        ("anthropic.claude-sonnet-4-20250514-v1:0", "Claude Sonnet 4", True),
        ("amazon.nova-lite-v1:0", "Nova 2.0 Lite", False),
        ("meta.llama4-maverick-17b-instruct-v1:0", "Llama 4 Maverick 17B", True),
        ("openai.gpt-6-astra", "OpenAI GPT-6 Astra", True),
    ],
)
def test_a_name_has_all_words_of_the_id_and_no_other(model: str, name: str, same: bool) -> None:
    assert same_model(model, name) is same


def test_a_price_is_stale_after_ninety_days() -> None:
    rates = {"input_per_million": 1, "output_per_million": 2}
    prices = {
        "old": Prices(**rates, as_of=dt.date(2026, 1, 1)),
        "new": Prices(**rates, as_of=dt.date(2026, 3, 1)),
        "own": Prices(**rates),
    }
    [line] = stale_prices(prices, dt.date(2026, 4, 2))
    assert line.startswith("prices.old is of 2026-01-01, 91 days old")


NEW = Prices(
    input_per_million=0.33,
    output_per_million=2.75,
    cached_input_per_million=0.0825,
    as_of=dt.date(2026, 11, 27),
)
WRITTEN = (
    "amazon.nova-pro-v1:0: {input_per_million: 0.33, output_per_million: 2.75, "
    "cached_input_per_million: 0.0825, as_of: 2026-11-27}"
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"\nprices:\n  {WRITTEN}\n"),
        ("prices: {}  # none\n", f"prices:   # none\n  {WRITTEN}\n"),
        (
            "prices:\n    # ours\n    endpoint: {input_per_million: 1, output_per_million: 2}\n",
            f"prices:\n    # ours\n    {WRITTEN}\n"
            "    endpoint: {input_per_million: 1, output_per_million: 2}\n",
        ),
        (
            "prices:\n  amazon.nova-pro-v1:0: "
            "{input_per_million: 9, output_per_million: 9}  # old\n",
            f"prices:\n  {WRITTEN}   # old\n",
        ),
        (
            "prices:\n  amazon.nova-pro-v1:0:\n    input_per_million: 9\n"
            "    output_per_million: 9\n  # next\n"
            "  b: {input_per_million: 1, output_per_million: 1}\n",
            f"prices:\n  {WRITTEN}\n  # next\n"
            "  b: {input_per_million: 1, output_per_million: 1}\n",
        ),
    ],
)
def test_prices_are_put_into_the_file_and_nothing_else_changes(
    tmp_path: Path, before: str, after: str
) -> None:
    text = (REPOSITORY / "evaluation.yaml").read_text()
    path = tmp_path / "evaluation.yaml"
    path.write_text(text + before)
    write_prices(path, {"amazon.nova-pro-v1:0": NEW})
    assert path.read_text() == text + after
    assert load_config(path).prices["amazon.nova-pro-v1:0"] == NEW


def test_a_file_that_cannot_be_changed_stays_as_it_was(tmp_path: Path) -> None:
    text = (REPOSITORY / "evaluation.yaml").read_text()
    path = tmp_path / "evaluation.yaml"
    flow = "prices: {endpoint: {input_per_million: 1, output_per_million: 2}}\n"
    path.write_text(text + flow)
    with pytest.raises(LaunchError, match=r"(?s)write under prices: there.*as_of: 2026-11-27"):
        write_prices(path, {"amazon.nova-pro-v1:0": NEW})
    assert path.read_text() == text + flow
