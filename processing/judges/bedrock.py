"""Amazon Bedrock's Converse API, through boto3. Every text model on Bedrock speaks it.

Source: Bedrock Runtime API reference, Converse. boto3 and not litellm: 1.7 ms of processor time a
call instead of 12 (benchmarks/wires.py), and boto3's own credentials, region and endpoint URL.
"""

from __future__ import annotations

import functools
import json
import re
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from processing.base.content_parts import token_count
from processing.base.error_bodies import make_error_readable
from processing.judges.prompt_cache import SharedPrefixes, Split
from processing.judges.refusals import caching_refused
from processing.judges.reply_json import read_single_keyed
from processing.judges.verdict import JudgeError, malformed
from processing.judges.wire import Form, JudgeReply, Messages, RequestRefused

if TYPE_CHECKING:
    from processing.config.judge import Judge

_INFERENCE_CONFIG = {
    "temperature": "temperature",
    "max_tokens": "maxTokens",
    "maxTokens": "maxTokens",
    "max_completion_tokens": "maxTokens",
    "top_p": "topP",
    "topP": "topP",
}
_RETRYABLE_STATUS = frozenset({408, 409, 424, 429})  # 424: Bedrock's ModelErrorException
_NO_SUCH_MODEL = re.compile(
    "have access to the model|[Mm]odel access is denied|use case details|aws-marketplace"
    "|end of its life|marked by provider as Legacy|on-demand throughput|identifier is invalid"
)
"""Of the model, and so the same for every request; each has its own hint in `aws_hints`."""
_THROTTLED = frozenset({"ThrottlingException", "ServiceUnavailableException"})


_CACHE_POINT = {"cachePoint": {"type": "default"}}


class BedrockWire:
    """A client is made when the first call needs it: building a scorer needs no credentials."""

    forms: tuple[str, ...] = ("text_format", "strict_tool", "tool", "offered_tool", "plain")

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._clients: dict[float, Any] = {}  # by time-out in seconds
        self._prefixes = SharedPrefixes()
        self._lock = threading.Lock()

    def ask(
        self, judge: Judge, messages: Messages, schema: type[BaseModel] | None, form: Form
    ) -> JudgeReply:
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            HTTPClientError,
            ReadTimeoutError,
        )

        request = _request(judge, messages, form)
        if schema is not None and form.kind != "plain":
            request |= _held_to(schema, form.kind)
        asked = schema.__name__ if schema else ""
        caching = form.caching and _cache_prefix(
            request, self._prefixes.split(asked, _texts(messages))
        )
        try:
            return _reply(self._client(judge.timeout_seconds).converse(**request))
        except ClientError as error:
            raise _sorted(error, caching=caching) from error
        except HTTPClientError as error:
            said = f"{type(error).__name__}: {error}"
            late = isinstance(error, ReadTimeoutError)
            raise JudgeError(f"the judge failed ({said})", True, timed_out=late) from error
        except (AttributeError, LookupError, TypeError) as error:  # of botocore's own reader
            raise malformed(f"what botocore cannot read ({error})") from error
        except BotoCoreError as error:
            said = f"{type(error).__name__}: {error}"
            raise JudgeError(f"the judge failed ({said})", retryable=False) from error

    def _client(self, timeout_seconds: float) -> Any:
        import boto3
        from botocore.config import Config

        with self._lock:
            if timeout_seconds not in self._clients:
                config = Config(
                    connect_timeout=5,
                    read_timeout=timeout_seconds,
                    max_pool_connections=self._connections,
                    retries={"mode": "standard", "total_max_attempts": 1},
                )
                client = boto3.Session().client("bedrock-runtime", config=config)
                before_parse = "before-parse.bedrock-runtime.Converse"
                client.meta.events.register(before_parse, make_error_readable)
                client.meta.events.register(before_parse, _look_at)
                self._clients[timeout_seconds] = client
            return self._clients[timeout_seconds]


def _look_at(response_dict: dict[str, Any], **_: Any) -> None:
    """Raises JudgeError for a body that is too long, or in which a key stands twice.

    botocore keeps the last of two values, and a verdict by tool is part of the body. What it would
    stumble over, such as usage in words, and what nobody reads is left out.
    """
    if response_dict["status_code"] < 300:
        body: bytes = response_dict["body"]
        response_dict["body"] = json.dumps(_plain(read_single_keyed(body), body)).encode()


def _plain(document: Any, body: bytes) -> dict[str, Any]:
    try:
        content = document["output"]["message"]["content"]
    except (LookupError, TypeError) as error:
        said = body[:400].decode("utf-8", "replace")
        raise malformed("without output.message.content", said) from error
    parts = [content] if isinstance(content, str | dict) else content or []
    if not isinstance(parts, list):
        raise malformed("content that is neither a text nor parts", str(content))
    usage = document.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    stop_reason = document.get("stopReason")
    return {
        "output": {"message": {"content": [p for part in parts for p in _plain_parts(part)]}},
        "stopReason": stop_reason if isinstance(stop_reason, str) else "",
        "usage": {key: n for key, n in counts.items() if token_count(n) is not None},
    }


def _plain_parts(part: Any) -> Iterator[dict[str, Any]]:
    """What Converse's parts are read for: texts, a tool's input, and what the model thought."""
    if isinstance(part, str):
        yield {"text": part}
    if not isinstance(part, dict):
        return
    if isinstance(part.get("text"), str) and part.get("type") in (None, "text"):
        yield {"text": part["text"]}
    if "reasoningContent" in part and (thought := _thought(part["reasoningContent"])):
        yield {"reasoningContent": {"reasoningText": {"text": thought}}}
    tool = part.get("toolUse")
    if isinstance(tool, dict) and "input" in tool:
        yield {"toolUse": {"toolUseId": "", "name": "", "input": tool["input"]}}


def _thought(content: Any) -> str:
    text = content.get("reasoningText") if isinstance(content, dict) else None
    said = text.get("text") if isinstance(text, dict) else None
    return said if isinstance(said, str) else ""


def _request(judge: Judge, messages: Messages, form: Form) -> dict[str, Any]:
    sent = form.parameters
    known = {_INFERENCE_CONFIG[k]: v for k, v in sent.items() if k in _INFERENCE_CONFIG}
    other = {k: v for k, v in sent.items() if k not in _INFERENCE_CONFIG}
    system = [{"text": m["content"]} for m in messages if m["role"] == "system"]
    request: dict[str, Any] = {
        "modelId": judge.model.partition(":/")[2],
        "messages": [
            {"role": m["role"], "content": [{"text": m["content"]}]}
            for m in messages
            if m["role"] != "system"
        ],
    }
    optional = {"system": system, "inferenceConfig": known, "additionalModelRequestFields": other}
    return request | {key: value for key, value in optional.items() if value}


def _texts(messages: Messages) -> list[tuple[str, str]]:
    """As Converse has them: what is of the system first."""
    texts = [(m["role"], m["content"]) for m in messages]
    return sorted(texts, key=lambda text: text[0] != "system")


def _cache_prefix(request: dict[str, Any], split: Split | None) -> bool:
    """Put a cachePoint into the request; whether it has one now. Blank texts Converse refuses."""
    if split is None:
        return False
    system = request.get("system", [])
    contents = [message["content"] for message in request["messages"]]
    places = [(system, at) for at in range(len(system))] + [(each, 0) for each in contents]
    if split.characters:
        blocks, at = places[split.messages]
        text = blocks[at]["text"]
        before, after = text[: split.characters], text[split.characters :]
        if before.strip() and after.strip():
            blocks[at : at + 1] = [{"text": before}, _CACHE_POINT, {"text": after}]
            return True
    if not split.messages:
        return False
    blocks, at = places[split.messages - 1]
    blocks.insert(at + 1, _CACHE_POINT)
    return True


def _held_to(schema: type[BaseModel], form: str) -> dict[str, Any]:
    document = _closed(schema)
    if form != "text_format":
        tool: dict[str, Any] = {
            "name": "verdict",
            "description": "Give the verdict",
            "inputSchema": {"json": document},
        }
        strict = {"strict": True} if form == "strict_tool" else {}
        choice = {"toolChoice": {"tool": {"name": "verdict"}}} if form != "offered_tool" else {}
        return {"toolConfig": {"tools": [{"toolSpec": tool | strict}], **choice}}
    json_schema = {"name": "verdict", "schema": json.dumps(document)}
    return {
        "outputConfig": {
            "textFormat": {"type": "json_schema", "structure": {"jsonSchema": json_schema}}
        }
    }


@functools.cache
def _closed(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema with no room for other keys, which structured output asks for."""
    document = schema.model_json_schema()
    for part in [document, *document.get("$defs", {}).values()]:
        if part.get("type") == "object":
            part["additionalProperties"] = False
    return document


def _reply(response: dict[str, Any]) -> JudgeReply:
    """Raises JudgeError for a response without content, which Bedrock does not promise."""
    try:
        content: Sequence[dict[str, Any]] = response["output"]["message"]["content"]
        tools = [json.dumps(part["toolUse"]["input"]) for part in content if "toolUse" in part]
        texts = [part["text"] for part in content if part.get("text")]  # else it is reasoning
        thoughts = [_thought(part.get("reasoningContent")) for part in content]
    except (LookupError, TypeError, AttributeError) as error:
        raise malformed("without output.message.content", str(response)) from error
    usage = response.get("usage") or {}
    return JudgeReply(
        text=_text(tools, "".join(texts)),
        stop_reason=str(response.get("stopReason") or ""),
        input_tokens=token_count(usage.get("inputTokens")) or 0,
        output_tokens=token_count(usage.get("outputTokens")) or 0,
        cache_read_tokens=token_count(usage.get("cacheReadInputTokens")) or 0,
        cache_write_tokens=token_count(usage.get("cacheWriteInputTokens")) or 0,
        reasoning="\n".join(filter(None, thoughts)),
    )


def _text(tools: list[str], text: str) -> str:
    """The tool's input is the verdict, unless the text beside it could say another."""
    if len(set(tools)) == 1 and "{" not in text:
        return tools[0]
    return "\n".join([text, *tools])


def _sorted(error: Any, *, caching: bool) -> RequestRefused | JudgeError:
    """Bedrock's error as what it means for the verdict. `caching`: with a cachePoint."""
    code = error.response["Error"].get("Code", "")
    status = int(error.response["ResponseMetadata"].get("HTTPStatusCode", 0))
    said = f"{code}: {error.response['Error'].get('Message', '')}"
    final = code == "ResourceNotFoundException" or _NO_SUCH_MODEL.search(said) is not None
    if (code == "ValidationException" and not final) or (caching and caching_refused(said)):
        return RequestRefused(said, caching=caching)
    throttled = status == 429 or code in _THROTTLED
    retryable = throttled or status in _RETRYABLE_STATUS or status >= 500
    late = code == "ModelTimeoutException"
    return JudgeError(f"the judge failed ({said})", retryable, throttled, late, final)
