"""Bedrock's two request forms, read into one JudgeRequest and answered in their own form.

Converse     botocore's service model of bedrock-runtime 2023-09-30. A schema comes as
             outputConfig.textFormat (answered with JSON text) or as a tool in toolConfig (answered
             with a toolUse block); without either the answer is JSON text.
InvokeModel  Anthropic's messages form (`anthropic_version`), with or without a tool.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pipeline.local.demo.judge.rules import JudgeRequest
from pipeline.local.demo.text import count_tokens


class BadRequest(Exception):
    """A request that Bedrock would answer with ValidationException; the message says why."""


@dataclass(frozen=True)
class Call:
    """A judge request and how its answer must look: `tool` is the tool to use, or None for text.

    `input_tokens` are without those that the cache read or wrote.
    """

    request: JudgeRequest
    tool: str | None
    input_tokens: int
    cache_read: int = 0
    cache_write: int = 0


@dataclass(frozen=True)
class Reply:
    """What the judge says: a verdict for the tool, or text (None is no content at all).

    `thinking` comes before it, in a block of its own; `cut`: the token limit was reached.
    """

    tool_input: dict[str, Any] | None = None
    text: str | None = None
    thinking: str | None = None
    cut: bool = False


def read_converse(document: dict[str, Any]) -> Call:
    """Raises BadRequest."""
    system = _join(document.get("system") or [])
    prompt = last_user_text(document)
    tools = (document.get("toolConfig") or {}).get("tools") or []
    specs = [tool["toolSpec"] for tool in tools if "toolSpec" in tool]
    if specs:
        spec = specs[0]
        request = JudgeRequest(system, prompt, (spec.get("inputSchema") or {}).get("json"))
        return call_for(request, spec["name"])
    text_format = (document.get("outputConfig") or {}).get("textFormat")
    schema = text_format["structure"]["jsonSchema"]["schema"] if text_format else None
    return call_for(
        JudgeRequest(system, prompt, json.loads(schema) if isinstance(schema, str) else schema),
        None,
    )


def write_converse(call: Call, reply: Reply, latency_ms: int) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if reply.thinking is not None:
        thought = {"text": reply.thinking, "signature": "demo"}
        content.append({"reasoningContent": {"reasoningText": thought}})
    if reply.tool_input is not None:
        use = {"toolUseId": _id(call), "name": call.tool, "input": reply.tool_input}
        content.append({"toolUse": use})
    elif reply.text is not None:
        content.append({"text": reply.text})
    written = output_tokens(reply)
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": _stop_reason(reply),
        "usage": {
            "inputTokens": call.input_tokens,
            "outputTokens": written,
            "totalTokens": call.input_tokens + call.cache_read + call.cache_write + written,
            "cacheReadInputTokens": call.cache_read,
            "cacheWriteInputTokens": call.cache_write,
        },
        "metrics": {"latencyMs": latency_ms},
    }


def read_anthropic(document: dict[str, Any]) -> Call:
    """Raises BadRequest."""
    if "anthropic_version" not in document:
        raise BadRequest(
            "the demo judge knows InvokeModel only in Anthropic's form, with anthropic_version; "
            "use Converse for other models"
        )
    system = document.get("system") or ""
    text = system if isinstance(system, str) else _join(system)
    prompt = last_user_text(document)
    tools = document.get("tools") or []
    if not tools:
        return call_for(JudgeRequest(text, prompt), None)
    return call_for(JudgeRequest(text, prompt, tools[0].get("input_schema")), tools[0]["name"])


def write_anthropic(call: Call, reply: Reply, model: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if reply.thinking is not None:
        content.append({"type": "thinking", "thinking": reply.thinking, "signature": "demo"})
    if reply.tool_input is not None:
        use = {"type": "tool_use", "id": _id(call), "name": call.tool, "input": reply.tool_input}
        content.append(use)
    elif reply.text is not None:
        content.append({"type": "text", "text": reply.text})
    return {
        "id": f"msg_{_id(call)}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": _stop_reason(reply),
        "stop_sequence": None,
        "usage": {"input_tokens": call.input_tokens, "output_tokens": output_tokens(reply)},
    }


def call_for(request: JudgeRequest, tool: str | None) -> Call:
    return Call(request, tool, count_tokens(request.system) + count_tokens(request.prompt))


def output_tokens(reply: Reply) -> int:
    said = json.dumps(reply.tool_input) if reply.tool_input is not None else reply.text
    return count_tokens(reply.thinking or "") + count_tokens(said or "")


def _stop_reason(reply: Reply) -> str:
    if reply.cut:
        return "max_tokens"
    return "end_turn" if reply.tool_input is None else "tool_use"


def _id(call: Call) -> str:
    return "tooluse_" + sha256(call.request.prompt.encode()).hexdigest()[:22]


def last_user_text(document: dict[str, Any]) -> str:
    said = [m for m in document.get("messages") or [] if m.get("role") == "user"]
    content = said[-1].get("content") if said else None
    text = content if isinstance(content, str) else _join(content or [])
    if not text.strip():
        raise BadRequest("messages: no message with the role user and a text in it")
    return text


def _join(blocks: list[dict[str, Any]]) -> str:
    """A text that was cut in two for a cachePoint is whole again."""
    lines = (block["text"].removesuffix("\n") for block in blocks if "text" in block)
    return "\n".join(lines)
