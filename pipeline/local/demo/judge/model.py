"""What a model of Bedrock's may refuse, and how it thinks: switches of the demo judge.

    PUT /_demo/models/NAME {"refuses": ["temperature"], "thinks_tokens": 500}
    PUT /_demo/models/NAME {"prefers": "first"}

The words are Bedrock's, as people have reported them: promptfoo#10307 (temperature), BoltAI#399
(both), vercel/ai#2772 (limit), presenton#939 (output format), vercel/ai#21364 (tool choice),
langchain-aws#447 (tools), litellm#39210, pi#2053 (cachePoint),
accelerated-intelligent-document-processing-on-aws#708 (retired, legacy).
"""

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from pipeline.local.demo.calls import WireError
from pipeline.local.demo.judge.bedrock_requests import Call, Reply, output_tokens
from pipeline.local.demo.judge.prompt_cache import cached_part
from pipeline.local.demo.state import Behaviour

Unavailable = Literal["retired", "legacy", "no_access", "on_demand", "unknown"]
Part = Literal[
    "temperature",
    "top_p",
    "temperature_with_top_p",
    "output_format",
    "strict",
    "tool_choice",
    "tools",
    "caching",
    "cache_point",
]


class JudgeModel(Behaviour):
    """How one model answers.

    unavailable: it answers nobody; on_demand: only through an inference profile.
    refuses: parts of a request that it calls invalid.
    max_tokens: the largest limit that it takes.
    thinks_tokens: so much it thinks before each answer, in a block of its own; toward the limit.
    agrees: it says yes to everything.
    wavers: on this share of its calls it says no for yes, and yes for no.
    prefers: of two answers it prefers the one in this place, whatever they are.
    caches_from: a cached part has at least so many tokens; without it, it caches nothing.
    api_key: what OpenAI's protocol has to bring; without it any key will do.
    """

    unavailable: Unavailable | None = None
    refuses: tuple[Part, ...] = ()
    max_tokens: int | None = Field(default=None, ge=1)
    thinks_tokens: int = Field(default=0, ge=0)
    agrees: bool = False
    wavers: float = Field(default=0, ge=0, le=1)
    prefers: Literal["first", "second"] | None = None
    caches_from: int | None = Field(default=None, ge=1)
    api_key: str | None = None


def require_available(model: JudgeModel, model_id: str) -> None:
    """Raises WireError, whatever is asked."""
    if model.unavailable is not None:
        code, status, message = _UNAVAILABLE[model.unavailable]
        raise WireError(code, status, message=message.format(model_id=model_id))


def require_taken(model: JudgeModel, document: dict[str, Any]) -> None:
    """Raises WireError for a request with a part that the model refuses, or too large a limit."""
    sent = _parts(document)
    refused = [part for part in _REFUSALS if part in model.refuses and part in sent]
    if refused:
        if refused[0] == "caching":
            raise WireError("AccessDeniedException", 403, message=_REFUSALS["caching"])
        raise _invalid(_REFUSALS[refused[0]])
    limit = limit_of(document)
    if model.max_tokens is not None and limit is not None and limit > model.max_tokens:
        raise _invalid(
            f"The maximum tokens you requested exceeds the model limit of {model.max_tokens}. "
            f"Try again with a maximum tokens value that is lower than {model.max_tokens}."
        )


def within_limit(model: JudgeModel, document: dict[str, Any], call: Call, reply: Reply) -> Reply:
    """The reply after the model's thinking, and as much of both as the limit has room for."""
    thought = " ".join(["hm"] * model.thinks_tokens) or None
    whole = replace(reply, thinking=thought)
    limit = limit_of(document)
    if limit is None or output_tokens(whole) <= limit:
        return whole
    if limit <= model.thinks_tokens:
        return Reply(thinking=" ".join(["hm"] * limit), cut=True)
    left = "" if call.tool else (reply.text or "")[: limit - model.thinks_tokens]
    return Reply(text=left or None, thinking=thought, cut=True)


def limit_of(document: dict[str, Any]) -> int | None:
    found = (document.get("inferenceConfig") or {}).get("maxTokens", document.get("max_tokens"))
    return None if found is None else int(found)


def _parts(document: dict[str, Any]) -> set[Part]:
    """What a request of Converse or of Anthropic's form has that a model may refuse."""
    config = document.get("inferenceConfig") or {}
    given = {**config, **(document.get("additionalModelRequestFields") or {}), **document}
    tools = document.get("toolConfig") or document
    choice = tools.get("toolChoice") or tools.get("tool_choice") or {}
    specs = [tool.get("toolSpec", tool) for tool in tools.get("tools") or []]
    has: dict[Part, bool] = {
        "temperature": "temperature" in given,
        "top_p": "topP" in given or "top_p" in given,
        "output_format": "textFormat" in (document.get("outputConfig") or {}),
        "strict": any(spec.get("strict") for spec in specs),
        "tool_choice": bool({"tool", "any"} & {*choice, choice.get("type")}),
        "tools": bool(specs),
        "caching": bool(cached_part(document)),
        "cache_point": bool(cached_part(document)),
    }
    has["temperature_with_top_p"] = has["temperature"] and has["top_p"]
    return {part for part, there in has.items() if there}


def _invalid(message: str) -> WireError:
    return WireError("ValidationException", 400, message=message)


_SAID = "The model returned the following errors: "
_REFUSALS: dict[Part, str] = {
    "temperature": f"{_SAID}`temperature` is deprecated for this model.",
    "top_p": f"{_SAID}`top_p` is deprecated for this model.",
    "temperature_with_top_p": f"{_SAID}`temperature` and `top_p` cannot both be specified for this "
    "model. Please use only one.",
    "output_format": f"{_SAID}output_config.format: Extra inputs are not permitted",
    "strict": f"{_SAID}tools.0.custom.strict: Extra inputs are not permitted",
    "tool_choice": f'{_SAID}tool_choice: type "tool" and "any" are not supported for this model.',
    "caching": "You invoked an unsupported model or your request did not allow prompt caching. "
    "See the documentation for more information.",
    "cache_point": "Malformed input request: #/messages/0/content/1: extraneous key [cachePoint] "
    "is not permitted, please reformat your input and try again.",
    "tools": "This model doesn't support tool use.",
}
_UNAVAILABLE: dict[Unavailable, tuple[str, int, str]] = {
    "retired": (
        "ResourceNotFoundException",
        404,
        "This model version has reached the end of its life. Please refer to the AWS "
        "documentation for more details.",
    ),
    "legacy": (
        "ResourceNotFoundException",
        404,
        "Access denied. This Model is marked by provider as Legacy and you have not been actively "
        "using the model in the last 30 days. Please upgrade to an active model on Amazon Bedrock",
    ),
    "no_access": (
        "AccessDeniedException",
        403,
        "You don't have access to the model with the specified model ID.",
    ),
    "on_demand": (
        "ValidationException",
        400,
        "Invocation of model ID {model_id} with on-demand throughput isn\u2019t supported. Retry "
        "your request with the ID or ARN of an inference profile that contains this model.",
    ),
    "unknown": ("ValidationException", 400, "The provided model identifier is invalid."),
}
