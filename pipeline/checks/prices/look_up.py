"""`check --online`: what the file's judges on Bedrock cost by AWS's price list, beside the file.

Nothing is guessed: a price counts if exactly one is listed for the model's name, its region and the
area of its inference profile, both for input and for output.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.checks.prices.price_list import OFFERS, PER_MILLION, Product, products, same_model
from pipeline.permissions.evaluated import evaluated_configs
from pipeline.permissions.judges import PROFILE, judge_models
from processing.config.prices import Prices

if TYPE_CHECKING:
    from boto3 import Session

    from pipeline.definition.bundle import Bundle

STALE_DAYS = 90
_ANSWERS_IN = {"eu": "eu-central-1", "ap": "ap-south-1"}
"""Price List API reference, endpoints: these, and us-east-1."""


@dataclass(frozen=True)
class PriceFound:
    """`prices` is None where nothing is certain, and `said` then says why.

    `kept`: the file has a price of its own, which is not overwritten.
    """

    model: str
    said: str
    prices: Prices | None = None
    kept: bool = False


def look_up_prices(session: Session, bundle: Bundle) -> list[PriceFound]:
    """One for each judge on Bedrock. Raises what botocore raises."""
    models = judge_models(*evaluated_configs(bundle), compares=True)
    if not models:
        return []
    home = str(session.region_name)
    regions = {model: _region(model) or home for model in models}
    client = session.client("pricing", region_name=_ANSWERS_IN.get(home[:2], "us-east-1"))
    listed = {region: products(client, region) for region in dict.fromkeys(regions.values())}
    asked = str(client.meta.endpoint_url)
    by = "" if ".amazonaws.com" in asked else f" by {asked}"
    return [
        _beside(bundle.config.prices.get(model), price_of(model, where, listed[where]), by)
        for model, where in regions.items()
    ]


def price_of(model: str, region: str, listed: Sequence[Product]) -> PriceFound:
    """`model`: an id, a profile's id, or an ARN, as in `judge.model`."""
    name = model.rpartition("/")[2] if model.startswith("arn:") else model
    if model.startswith("arn:") and "/" in model and "." not in name:
        return PriceFound(model, "its ARN does not say which model it is")
    found = PROFILE.fullmatch(name)
    area = ("global" if found["area"] == "global" else "geo") if found else ""
    mine = [
        product for product in listed if same_model(found["model"] if found else name, product.name)
    ]
    if not mine:
        return PriceFound(model, f"{' and '.join(OFFERS)} list no such model for {region}")
    rates: dict[str, float] = {}
    for kind in ("input", "output", "cached_input", "cache_write"):
        rate = _rate([product for product in mine if product.kind == kind], area)
        if isinstance(rate, str):
            return PriceFound(model, f"{rate} for {kind} tokens of {mine[0].name} in {region}")
        if rate is not None:
            rates[f"{kind}_per_million"] = rate
    if lacking := {"input_per_million", "output_per_million"} - rates.keys():
        where = f"{area or 'plain'} {lacking.pop().partition('_')[0]} tokens of {mine[0].name}"
        return PriceFound(model, f"no price is listed for {where} in {region}")
    today = dt.datetime.now(dt.UTC).date()
    prices = Prices(**rates, as_of=today)
    how = f"{mine[0].name}, {area or 'in the region'}, {region}, USD"
    return PriceFound(model, f"{in_words(prices)} ({how})", prices)


def _rate(mine: Iterable[Product], area: str) -> float | str | None:
    """Per million tokens; in words why it is not certain; None where none is listed.

    A country's profile (`us.`, `eu.`) costs what its region does unless there is a price for it.
    """
    every = list(mine)
    of_area = [product for product in every if product.area == area]
    if area == "geo" and not of_area:
        of_area = [product for product in every if not product.area]
    if odd := {product.unit for product in of_area} - PER_MILLION.keys():
        return f"a price is listed per {sorted(odd)[0]!r}, which is not known,"
    amounts = {usd * PER_MILLION[product.unit] for product in of_area for usd in product.usd}
    if len(amounts) > 1:
        several = ", ".join(f"{float(amount):g}" for amount in sorted(amounts))
        return f"several prices are listed ({several})"
    return float(amounts.pop()) if amounts else None


def in_words(prices: Prices) -> str:
    cached, write = prices.cached_input_per_million, prices.cache_write_per_million
    return (
        f"{prices.input_per_million:g} in, {prices.output_per_million:g} out"
        + (f", {cached:g} read from cache" if cached is not None else "")
        + (f", {write:g} written to it" if write is not None else "")
        + " per million tokens"
    )


def _beside(written: Prices | None, priced: PriceFound, by: str) -> PriceFound:
    """What was found, and what the file has. `by`: whose price list it is, unless AWS's own."""
    found = replace(priced, said=f"{priced.said}{by}")
    if found.prices is None:
        stays = "; the file's own price stays" if written else f"; write it as prices.{found.model}"
        return PriceFound(found.model, f"not certain: {found.said}{stays}")
    if written is None:
        return found
    same = found.prices.model_copy(update={"as_of": written.as_of}) == written
    if written.as_of is None:
        its_own = "as the file says" if same else f"the file says {in_words(written)}"
        return PriceFound(found.model, f"{found.said}; {its_own}, without as_of: yours", kept=True)
    if same:
        return PriceFound(found.model, f"{found.said}; as in the file", found.prices)
    return PriceFound(found.model, f"{found.said}; the file has {in_words(written)}", found.prices)


def stale_prices(prices: dict[str, Prices], today: dt.date) -> Iterator[str]:
    """A line for each price that was looked up long ago."""
    for service, price in prices.items():
        days = (today - price.as_of).days if price.as_of else 0
        if days > STALE_DAYS:
            yield (
                f"prices.{service} is of {price.as_of}, {days} days old: "
                "`check --online --write-prices` looks it up again"
            )


def _region(model: str) -> str:
    """Of an ARN."""
    parts = model.split(":")
    return parts[3] if model.startswith("arn:") and len(parts) > 3 else ""
