"""Bedrock's prompt cache, as Converse shows it: what was cached is in the reply's usage.

What ends with the last cachePoint is read if it was sent before, letter by letter, and else
written, if it has as many tokens as the model wants (`caches_from`); a shorter one is taken and
nothing comes of it. inputTokens are without either. Source: Bedrock user guide, "Prompt caching".
"""

import json
from dataclasses import replace
from typing import Any

from pipeline.local.demo.judge.bedrock_requests import Call
from pipeline.local.demo.text import count_tokens


def through_cache(
    caches_from: int | None, document: dict[str, Any], call: Call, kept: set[str]
) -> Call:
    """`kept`: what the model has in its cache; it is added to."""
    prefix = cached_part(document)
    tokens = min(count_tokens("".join(prefix)), call.input_tokens)
    if caches_from is None or not prefix or tokens < caches_from:
        return call
    key = json.dumps([document.get("toolConfig"), document.get("outputConfig"), prefix])
    was_there = key in kept
    kept.add(key)
    return replace(
        call,
        input_tokens=call.input_tokens - tokens,
        cache_read=tokens if was_there else 0,
        cache_write=0 if was_there else tokens,
    )


def cached_part(document: dict[str, Any]) -> list[str]:
    """The texts before the last cachePoint, in the order in which a model reads them."""
    blocks = [*(document.get("system") or [])]
    for message in document.get("messages") or []:
        content = message.get("content")
        blocks += content if isinstance(content, list) else []
    points = [at for at, block in enumerate(blocks) if "cachePoint" in block]
    return [block["text"] for block in blocks[: points[-1]] if "text" in block] if points else []
