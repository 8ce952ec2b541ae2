"""What AWS's Price List says that a model on Bedrock costs per token.

Source: Price List API reference, GetProducts. Two offers hold Bedrock's models: AmazonBedrock those
of Amazon and most open ones (the attribute `model`, per 1K tokens), AmazonBedrockFoundationModels
those that are sold through the Marketplace, such as Anthropic's (no `model`, but a servicename
`Claude Haiku 4.5 (Amazon Bedrock Edition)`, per 1M tokens). Neither holds a model's id, and what a
product is of (input, output, cache; batch, flex, priority, long context; global or regional) stands
in its usage type only: USE1-NovaPro-input-tokens, USE1-MP:USE1_InputTokenCount_Global-Units,
USE1-MP:USE1_cache_read_tokens_standard-Units. So a usage type counts that is understood as a whole,
and a name that has the id's words, all of them and no other: by parts of names others have taken
Claude Opus 4's price for Claude Opus 4.8's (archestra#6937), and batch prices for on demand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

OFFERS = ("AmazonBedrock", "AmazonBedrockFoundationModels")
PER_MILLION = {"1k tokens": 1000, "1m tokens": 1}
"""By unit, what a price is multiplied with. No other unit is of tokens."""

_COUNTED = {
    "input": "(text-)?input-tokens|inputtokencount",
    "output": "(text-)?output-tokens|outputtokencount",
    "cached_input": "cache-read-input-token-count|cache-read-tokens|cachereadinputtokencount",
    "cache_write": "cache-write-input-token-count|cache-write-tokens|cachewriteinputtokencount",
}
_TOKENS = "|".join(f"(?P<{kind}>{words})" for kind, words in _COUNTED.items())
_USAGE = re.compile(
    rf"(?P<middle>.+-)?({_TOKENS})(-cross-region)?(-(?P<area>global|geo))?(-standard)?",
    re.IGNORECASE,
)
_NOT_OF_A_CALL = re.compile(
    "batch|flex|priority|latency|provisioned|reserved|custom|long|image|audio|speech|video|mantle",
    re.IGNORECASE,
)
"""What the middle of a usage type says of other tiers and media; mantle is another endpoint."""
_EDITION = re.compile(r"\s*\(Amazon Bedrock( Edition)?\)$")


@dataclass(frozen=True)
class Product:
    """One price. `kind`: input, output, cached_input or cache_write; `area`: global, geo or ""."""

    name: str
    kind: str
    area: str
    unit: str
    usd: frozenset[Decimal]


def products(client: Any, region: str) -> list[Product]:
    """All token prices of a region, on demand. Raises ClientError and other errors of botocore."""
    return [
        product
        for offer in OFFERS
        for page in client.get_paginator("get_products").paginate(
            ServiceCode=offer,
            Filters=[{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}],
        )
        for entry in page.get("PriceList", [])
        for product in _product(entry, region)
    ]


def _product(entry: str, region: str) -> Iterator[Product]:
    """One or none: an entry is JSON in a string."""
    try:
        document = json.loads(entry)
        attributes = document["product"]["attributes"]
        name = attributes.get("model") or attributes.get("titanModel")
        name = name or _EDITION.sub("", attributes["servicename"])
        usage = str(attributes["usagetype"])
        dimensions = [
            dimension
            for term in document["terms"]["OnDemand"].values()
            for dimension in term["priceDimensions"].values()
        ]
        units = {str(dimension["unit"]).lower() for dimension in dimensions}
        usd = frozenset(Decimal(dimension["pricePerUnit"]["USD"]) for dimension in dimensions)
    except (ValueError, LookupError, TypeError, AttributeError, InvalidOperation):
        return  # in another currency, or no product: nothing is known of it
    body = usage.partition("-MP:")[2].partition("_")[2].removesuffix("-Units") or usage
    found = _USAGE.fullmatch(body.replace("_", "-"))
    if found is None or _NOT_OF_A_CALL.search(found["middle"] or ""):
        return
    if attributes.get("regionCode") != region:
        return
    [kind] = [kind for kind in _COUNTED if found[kind]]
    yield Product(str(name), kind, (found["area"] or "").lower(), " or ".join(sorted(units)), usd)


def same_model(model: str, name: str) -> bool:
    """Whether a model's id, without its area, is of the model that the price list calls `name`."""
    provider, _, rest = model.partition(".")
    rest = re.sub(r"-\d{8}(?=-|$)", "", rest)  # the day of its version
    rest = re.sub(r":\d+(:\w+)?$", "", rest).removesuffix("-v1")
    return _words(rest, provider) == _words(name, provider)


def _words(name: str, provider: str) -> list[str]:
    """`claude-3-5-sonnet-v2` and `Claude 3.5 Sonnet v2` have the same."""
    found = re.findall(
        r"v\d+\b|\d+x\d+b\b|\d+b\b|\d+(?:[.-]\d+(?![\da-z]))*|[a-z]+",
        name.lower().replace(" ", "_"),
    )
    numbers = [re.sub(r"(\.0)+$", "", word.replace("-", ".")) for word in found]
    return sorted(word for word in numbers if word not in ("instruct", provider))
