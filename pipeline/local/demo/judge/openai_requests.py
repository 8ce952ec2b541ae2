"""OpenAI's chat completions, read into a JudgeRequest and answered in their own form.

A schema comes as response_format of the type json_schema, and the answer is JSON text. A model that
has been given an `api_key` refuses every other: as some gateways do, it says which one it was sent.
Source: API reference, "Create chat completion".
"""

import json
from typing import Any

from pipeline.local.demo.calls import WireError
from pipeline.local.demo.judge.bedrock_requests import (
    Call,
    Reply,
    call_for,
    last_user_text,
    output_tokens,
)
from pipeline.local.demo.judge.rules import JudgeRequest


def require_key(expected: str | None, authorization: str) -> None:
    """Raises WireError, HTTP 401 in OpenAI's form; without an expected key any will do."""
    given = authorization.removeprefix("Bearer ")
    if expected not in (None, given):
        error = {
            "message": f"Incorrect API key provided: {given}.",
            "type": "invalid_request_error",
            "code": "invalid_api_key",
        }
        raise WireError("invalid_api_key", 401, error=error)


def model_of(body: bytes) -> str:
    """The model that a request names; empty where it is not in OpenAI's form."""
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    return str(document.get("model", "")) if isinstance(document, dict) else ""


def read_chat(document: dict[str, Any]) -> Call:
    """Raises BadRequest."""
    system = "\n".join(
        str(message["content"])
        for message in document["messages"]
        if message.get("role") in ("system", "developer")
    )
    held = (document.get("response_format") or {}).get("json_schema") or {}
    return call_for(JudgeRequest(system, last_user_text(document), held.get("schema")), None)


def write_chat(asked: Call, reply: Reply, model: str) -> dict[str, Any]:
    written = output_tokens(reply)
    message = {"role": "assistant", "content": reply.text}
    reason = "length" if reply.cut else "stop"
    return {
        "id": "chatcmpl-demo",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "finish_reason": reason, "message": message}],
        "usage": {
            "prompt_tokens": asked.input_tokens,
            "completion_tokens": written,
            "total_tokens": asked.input_tokens + written,
        },
    }
