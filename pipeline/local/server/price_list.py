"""The Price List API in the local AWS, with a few of Bedrock's models; moto has none.

Its habits are AWS's: each product is JSON in a string; a page has fewer products than asked for,
or none, and more follow; of one model there are prices for batches, for other tiers, for long
context, each under a name of its own; Marketplace's are per 1M tokens and the others per 1K; some
models have a price for input only, some are in neither offer. Form: Price List API reference,
GetProducts. The prices are examples, and none to rely on.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

_TARGET = "AWSPriceListService.GetProducts"
_JSON = "application/x-amz-json-1.1"
_PAGE = 7
_REGIONS = {"us-east-1": ("USE1", Decimal(1)), "eu-west-1": ("EU", Decimal("1.1"))}
"""What the region's usage types begin with, and how much dearer it is."""
_BEDROCK, _MARKETPLACE = "AmazonBedrock", "AmazonBedrockFoundationModels"

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_PER_1K = (
    ("Nova Pro", "NovaPro-input-tokens", "0.0008"),
    ("Nova Pro", "NovaPro-output-tokens", "0.0032"),
    ("Nova Pro", "NovaPro-cache-read-input-token-count", "0.0002"),
    ("Nova Pro", "NovaPro-cache-write-input-token-count", "0.0"),
    ("Nova Pro", "NovaPro-input-tokens-batch", "0.0004"),
    ("Nova Pro", "NovaPro-output-tokens-batch", "0.0016"),
    ("Nova Pro", "NovaPro-latency-optimized-input-tokens", "0.001"),
    ("Nova Pro", "NovaPro-cache-read-input-token-count-custom-model", "0.0"),
    ("Nova 2.0 Lite", "Nova2.0Lite-text-input-tokens", "0.00033"),
    ("Nova 2.0 Lite", "Nova2.0Lite-output-tokens", "0.00275"),
    ("Nova 2.0 Lite", "Nova2.0Lite-text-input-tokens-cross-region-global", "0.0003"),
    ("Nova 2.0 Lite", "Nova2.0Lite-output-tokens-cross-region-global", "0.0025"),
    ("Nova 2.0 Lite", "Nova2.0Lite-output-tokens-flex-cross-region-global", "0.00125"),
    ("Claude 2.0", "Claude2.0-input-tokens", "0.008"),  # and no output tokens: aws-cli#9567
    ("Llama 3.3 70B", "Llama3-3-70B-input-tokens", "0.00072"),
    ("Llama 3.3 70B", "Llama3-3-70B-output-tokens", "0.00072"),
    ("Llama 3.3 70B", "Llama3-3-70b-Instruct-output-tokens", "0.00099"),  # which of the two?
    ("gpt-oss-120b", "openai.gpt-oss-120b-mantle-input-tokens-standard", "0.00015"),
)
_PER_1M = (
    ("Claude Sonnet 5.5", "input_tokens_standard", "2.2"),
    ("Claude Sonnet 5.5", "output_tokens_standard", "11"),
    ("Claude Sonnet 5.5", "input_tokens_global_standard", "2"),
    ("Claude Sonnet 5.5", "output_tokens_global_standard", "10"),
    ("Claude Sonnet 5.5", "cache_read_tokens_global_standard", "0.2"),
    ("Claude Sonnet 5.5", "cache_write_tokens_global_standard", "2.5"),
    ("Claude Sonnet 5.5", "cache_write_tokens_1h_global_standard", "4"),
    ("Claude Sonnet 5.5", "input_tokens_global_batch", "1"),
    ("Claude Sonnet 5", "input_tokens_global_standard", "3"),
    ("Claude Sonnet 5", "output_tokens_global_standard", "15"),
    ("Claude Haiku 4.5", "InputTokenCount", "1.1"),
    ("Claude Haiku 4.5", "OutputTokenCount", "5.5"),
    ("Claude Haiku 4.5", "InputTokenCount_Global", "1"),
    ("Claude Haiku 4.5", "OutputTokenCount_Global", "5"),
    ("Claude Haiku 4.5", "OutputTokenCount_LatencyOptimized", "8"),
)


def with_price_list(moto: Application) -> Application:
    """moto, with this one operation answered here."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_X_AMZ_TARGET") != _TARGET:
            return moto(environ, start_response)
        size = int(environ.get("CONTENT_LENGTH") or 0)
        asked = json.loads(environ.get("wsgi.input", io.BytesIO()).read(size) or b"{}")
        body = json.dumps(_page(asked)).encode()
        start_response("200 OK", [("Content-Type", _JSON), ("Content-Length", str(len(body)))])
        return [body]

    return application


def _page(asked: dict[str, Any]) -> dict[str, Any]:
    wanted = {each["Field"]: each["Value"] for each in asked.get("Filters", [])}
    found = [
        product
        for product in _products(asked.get("ServiceCode", ""))
        if wanted.items() <= product["product"]["attributes"].items()
    ]
    start = int(asked.get("NextToken") or 0)
    # the first page is empty, and more follow
    end = start + min(_PAGE, int(asked.get("MaxResults") or 100)) if "NextToken" in asked else 0
    answer = {"FormatVersion": "aws_v1", "PriceList": [json.dumps(p) for p in found[start:end]]}
    return answer | ({"NextToken": str(end)} if end < len(found) else {})


def _products(service: str) -> Iterator[dict[str, Any]]:
    for region, (prefix, factor) in _REGIONS.items():
        if service == _BEDROCK:
            for name, usage, usd in _PER_1K:
                named = {"model": name, "servicename": "Amazon Bedrock"}
                attributes = named | {"regionCode": region, "usagetype": f"{prefix}-{usage}"}
                yield _product(attributes, "1K tokens", Decimal(usd) * factor)
        if service == _MARKETPLACE:
            for name, usage, usd in _PER_1M:
                named = {"servicename": f"{name} (Amazon Bedrock Edition)"}
                whole = f"{prefix}-MP:{prefix}_{usage}-Units"
                attributes = named | {"regionCode": region, "usagetype": whole}
                yield _product(attributes, "1M tokens", Decimal(usd) * factor)


def _product(attributes: dict[str, str], unit: str, usd: Decimal) -> dict[str, Any]:
    sku = f"{attributes['usagetype']} {attributes['servicename']}".upper()
    dimension = {
        "unit": unit,
        "beginRange": "0",
        "endRange": "Inf",
        "pricePerUnit": {"USD": f"{usd:.10f}"},
    }
    terms = {f"{sku}.JRTCKXETXF": {"priceDimensions": {f"{sku}.6YS": dimension}}}
    return {"product": {"attributes": attributes, "sku": sku}, "terms": {"OnDemand": terms}}
