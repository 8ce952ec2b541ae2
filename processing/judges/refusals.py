"""What a refused request was refused for: the form that it was made in, or a parameter.

Providers say it in words only. The sentences that are matched here stand in public issues, such as
promptfoo#10307 and vercel/ai#21364; an unknown sentence names nothing, and the next form is tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

LIMITS = frozenset({"max_tokens", "maxTokens", "max_completion_tokens"})

_TOOLS = frozenset({"strict_tool", "tool", "offered_tool"})
_PARTS: tuple[tuple[str, str, frozenset[str]], ...] = (
    (r"tool_?choice", "toolConfig.toolChoice", frozenset({"strict_tool", "tool"})),
    (r"\bstrict\b", "toolSpec.strict", frozenset({"strict_tool"})),
    (r"tool_?config|tool use|function calling|tools? (is|are) not", "toolConfig", _TOOLS),
    (r"output_?config|text_?format", "outputConfig.textFormat", frozenset({"text_format"})),
    (r"response_format|json_schema|structured outputs?|guided",
     "response_format", frozenset({"json_schema", "schema"})),
)  # fmt: skip
"""Words of a refusal, the part of the request that they are about, and the forms that have it."""

_PART_OF = {
    "text_format": "outputConfig.textFormat",
    "strict_tool": "toolSpec.strict",
    "tool": "toolConfig.toolChoice",
    "offered_tool": "toolConfig",
    "json_schema": "response_format",
    "schema": "response_format",
}

_NOT_TAKEN = re.compile(
    r"deprecated|no longer|not (be )?(supported|permitted|allowed|available|compatible)"
    r"|unsupported|incompatible|do(es)?(n.t| not) support|cannot both|only the default"
    r"|may only be set|extra(neous)? |unknown|unrecognized|unexpected|invalid field",
    re.IGNORECASE,
)
_TOO_LARGE = re.compile(
    r"exceed|too (large|long|many|high)|less than or equal|not less|lower than|at most"
    r"|maximum (allowed|context)|model limit|\d\s*>\s*\d",
    re.IGNORECASE,
)
_A_LIMIT = (
    r"maximum tokens|max_new_tokens|max_output_tokens|maximum context length|completion tokens"
)


def form_refused(said: str, form: str) -> tuple[str, frozenset[str]] | None:
    """The refused part and all forms that have it, if `form` is one of those; else None."""
    for words, part, forms in _PARTS:
        if form in forms and re.search(words, said, re.IGNORECASE):
            return part, forms
    return None


def caching_refused(said: str) -> bool:
    """Whether it is about the cachePoint: litellm#39210, pi#2053 have Bedrock's sentences."""
    return re.search(r"prompt caching|cache_?point", said, re.IGNORECASE) is not None


def is_filtered(said: str) -> bool:
    """Whether a content filter refused the request: in Azure's and other gateways' words."""
    return re.search(r"content[_ ]?(filter|policy|management)|ResponsibleAI", said) is not None


def part_of(form: str) -> str:
    """What distinguishes a form from those after it, as the provider's API calls it."""
    return _PART_OF[form]


def parameter_refused(said: str, sent: Iterable[str]) -> str | None:
    """Which of the parameters that were sent the refusal is about; None if about none of them.

    Of two that are not taken together it is the one that was given last.
    """
    found = {name: at for name in sent if (at := _place(name, said)) is not None}
    if not found:
        return None
    together = len(found) > 1 and re.search(r"\bboth\b|only one|at the same time", said)
    return list(found)[-1] if together else min(found, key=found.__getitem__)


def renamed(said: str, name: str) -> str | None:
    """`max_completion_tokens`, where the refusal asks for it instead of another limit."""
    wanted = "max_completion_tokens"
    return (
        wanted if name in LIMITS - {wanted} and re.search(rf"use\W+{wanted}", said, re.I) else None
    )


def is_not_taken(said: str, name: str) -> bool:
    """Whether no value would do, or a limit is over the model's own; else the value is wrong."""
    too_large = name in LIMITS and _TOO_LARGE.search(said) is not None
    return too_large or _NOT_TAKEN.search(said) is not None


def without(
    parameters: Mapping[str, Any], left_out: Iterable[str], names: Mapping[str, str]
) -> dict[str, Any]:
    """The parameters under the names that the model wants, less those that it does not take."""
    wanted = {names.get(name, name): value for name, value in parameters.items()}
    return {name: value for name, value in wanted.items() if name not in set(left_out)}


def _place(name: str, said: str) -> int | None:
    """Where the text names the parameter, in the provider's spelling or the file's."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    spellings = {name, snake, snake.replace("_", ""), snake.replace("_", " ")}
    words = "|".join(map(re.escape, sorted(spellings, key=len, reverse=True)))
    if name in LIMITS:
        words += f"|max_?tokens|max_completion_tokens|{_A_LIMIT}"
    found = re.search(rf"(?<![A-Za-z0-9_])({words})(?![A-Za-z0-9_])", said, re.IGNORECASE)
    return found.start() if found else None
