"""Payload formats of the demo endpoint, picked from the request's keys.

messages  OpenAI-style chat as LMI, vLLM and TGI speak it on /invocations
inputs    text generation: LMI's {"generated_text", "details"} or TGI's list form
others    {"query" | "question" | "prompt" | "text": "..."} for the template format:
          {"result": {"text": "...", "tokens": {"in": n, "out": n}}}

Formats: djl-serving docs v0.34, lmi_input_output_schema.md and chat_input_output_schema.md.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal

from pipeline.local.demo.endpoint.retrieval import Passage
from pipeline.local.demo.faults import JudgeHabit, Malformed
from pipeline.local.demo.text import count_tokens, terms

Format = Literal["chat", "text_generation", "template"]
TextGeneration = Literal["lmi", "tgi"]

_TEMPLATE_KEYS = ("query", "question", "prompt", "text")
_FEWEST_TERMS = 3
_ASKING_LINE = re.compile(r"[^\n>]*\?[^\n<]*")


class UnreadableRequest(Exception):
    """A request body that no model container would take; the message says what it wants."""


@dataclass(frozen=True)
class Prompt:
    """What a request asks. max_tokens None means no limit.

    before: the texts of the user's turns before the last one; answered: of the assistant's.
    """

    format: Format
    text: str
    max_tokens: int | None
    before: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    stream: bool = False

    @property
    def question(self) -> str:
        """The last line that asks something, as prompts put instructions and context before it.

        A short one, such as "And how long?", is asked about what the user has said before.
        """
        found = _ASKING_LINE.findall(self.text)
        asked = found[-1].strip() if found else self.text.strip()
        if self.before and len(terms(asked)) < _FEWEST_TERMS:
            return f"{self.before[-1]} {asked}"
        return asked


@dataclass(frozen=True)
class Completion:
    text: str
    prompt_tokens: int
    tokens: int
    finish_reason: Literal["stop", "length"]


def read_prompt(body: bytes) -> Prompt:
    """Raises UnreadableRequest."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise UnreadableRequest(f"the request body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise UnreadableRequest("the request body is not a JSON object")
    stream = document.get("stream") is True
    if "messages" in document:
        asked = _chat_prompt(document["messages"], _limit(document, "max_tokens"))
        return replace(asked, stream=stream)
    if "inputs" in document:
        limit = _limit(document.get("parameters") or {}, "max_new_tokens")
        text = _text(document["inputs"], "inputs")
        return Prompt("text_generation", text, limit, stream=stream)
    for key in _TEMPLATE_KEYS:
        if key in document:
            return Prompt("template", _text(document[key], key), None)
    wanted = ", ".join(("messages", "inputs", *_TEMPLATE_KEYS))
    raise UnreadableRequest(f"the request has none of the keys {wanted}; it has {list(document)}")


def in_its_context(prompt: Prompt, answer: str) -> str:
    """The answer; marked as such where the conversation has it already."""
    given = any(answer in before for before in prompt.answered)
    return f"As I said: {answer}" if given else answer


def complete(prompt: Prompt, answer: str) -> Completion:
    """The answer, cut where the request's token limit falls."""
    pieces = re.findall(r"\s*(?:\w+|[^\w\s])", answer)
    kept = pieces if prompt.max_tokens is None else pieces[: prompt.max_tokens]
    reason: Literal["stop", "length"] = "stop" if len(kept) == len(pieces) else "length"
    told = sum(map(count_tokens, (*prompt.before, *prompt.answered, prompt.text)))
    return Completion("".join(kept), told, len(kept), reason)


def write_answer(
    prompt: Prompt, done: Completion, model: str, text_generation: TextGeneration
) -> dict[str, Any] | list[dict[str, Any]]:
    if prompt.format == "chat":
        return _chat_completion(done, model)
    if prompt.format == "text_generation":
        details = {
            "finish_reason": "eos_token" if done.finish_reason == "stop" else "length",
            "generated_tokens": done.tokens,
        }
        answer = {"generated_text": done.text, "details": details}
        return answer if text_generation == "lmi" else [answer]
    tokens = {"in": done.prompt_tokens, "out": done.tokens}
    return {"result": {"text": done.text, "tokens": tokens}}


def with_passages(
    answer: dict[str, Any] | list[dict[str, Any]], found: Sequence[tuple[Passage, float]]
) -> dict[str, Any] | list[dict[str, Any]]:
    """The answer with what was retrieved for it, where services put that."""
    holder = answer[0] if isinstance(answer, list) else answer
    if "choices" in holder:
        holder["choices"][0]["message"] |= told_passages(found, chat=True)
    else:
        holder |= told_passages(found, chat=False)
    return answer


def told_passages(found: Sequence[tuple[Passage, float]], *, chat: bool) -> dict[str, Any]:
    """As a chat's message or first delta has them, or any other body or first event.

    A chat's are those of Azure OpenAI's "on your data" (`context.citations`), which leaves
    `context` out where nothing was found; any other's are under `passages`, empty then.
    """
    if not chat:
        listed = [{"id": p.id, "text": p.text, "score": round(score, 4)} for p, score in found]
        return {"passages": listed}
    citations = [{"content": p.text, "title": p.topic, "chunk_id": p.id} for p, _ in found]
    return {"context": {"citations": citations}} if found else {}


def write_malformed(
    prompt: Prompt,
    done: Completion,
    model: str,
    text_generation: TextGeneration,
    how: Malformed | JudgeHabit,
) -> bytes:
    """The answer, spoilt as real containers and proxies spoil it; always sent with status 200."""
    match how:
        case "not-json":
            return b"<html><body><h1>502 Bad Gateway</h1></body></html>"
        case "error-inside":
            return json.dumps(
                {"generated_text": "", "details": {"finish_reason": "error"}}
            ).encode()
        case "empty":
            done = Completion("", done.prompt_tokens, 0, "stop")
            return json.dumps(write_answer(prompt, done, model, text_generation)).encode()
        case "truncated":
            whole = json.dumps(write_answer(prompt, done, model, text_generation)).encode()
            return whole[: len(whole) // 2]
    raise ValueError(f"only the demo judge answers {how}")


def _chat_completion(done: Completion, model: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": done.text}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": done.finish_reason}
    return {
        "id": f"chatcmpl-{sha256(done.text.encode()).hexdigest()[:24]}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [choice],
        "usage": {
            "prompt_tokens": done.prompt_tokens,
            "completion_tokens": done.tokens,
            "total_tokens": done.prompt_tokens + done.tokens,
        },
    }


def _chat_prompt(messages: Any, limit: int | None) -> Prompt:
    if not isinstance(messages, list):
        raise UnreadableRequest("messages is not a list")
    texts: dict[str, list[str]] = {"user": [], "assistant": []}
    for message in messages:
        role = message.get("role") if isinstance(message, dict) else None
        if role in texts and not (role == "assistant" and message.get("content") is None):
            texts[role].append(_message_text(message.get("content")))
    if not texts["user"]:
        raise UnreadableRequest("messages holds no message with the role user")
    *before, asked = texts["user"]
    return Prompt("chat", asked, limit, tuple(before), tuple(texts["assistant"]))


def _message_text(content: Any) -> str:
    if isinstance(content, list):  # OpenAI's content parts
        content = " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return _text(content, "messages[].content")


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UnreadableRequest(f"{key} is not a text with something in it")
    return value


def _limit(holder: Any, key: str) -> int | None:
    value = holder.get(key) if isinstance(holder, dict) else None
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UnreadableRequest(f"{key} is {value!r}: want a whole number of at least 1")
    return value
