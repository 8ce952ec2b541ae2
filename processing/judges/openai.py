"""A server that speaks OpenAI's chat completions: vLLM, Ollama, a gateway.

OpenAI's own models go through litellm, which knows which of them take which parameters.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from processing.base.content_parts import said_in, thought_beside, token_count
from processing.judges.refusals import is_filtered
from processing.judges.reply_json import LONGEST_REPLY, read_object, require_readable_length
from processing.judges.verdict import JudgeError, filtered, malformed
from processing.judges.wire import Form, JudgeReply, Messages, RequestRefused

if TYPE_CHECKING:
    from processing.config.judge import Judge

_RETRYABLE_STATUS = frozenset({408, 409, 424, 429})


class OpenAIWire:
    forms: tuple[str, ...] = ("json_schema", "plain")

    def ask(
        self, judge: Judge, messages: Messages, schema: type[BaseModel] | None, form: Form
    ) -> JudgeReply:
        import httpx
        import openai

        held = (
            {"response_format": _response_format(schema)} if schema and form.kind != "plain" else {}
        )
        try:
            with _client(
                judge.base_url, judge.api_key
            ).chat.completions.with_streaming_response.create(
                **{**form.parameters, **held},
                model=judge.model.partition(":/")[2],
                messages=messages,
                timeout=judge.timeout_seconds,
            ) as response:
                body = _read(response.iter_bytes(), judge.timeout_seconds)
        except openai.APIStatusError as error:
            raise _sorted(error) from error
        except openai.APIConnectionError as error:
            said = f"{type(error).__name__}: {error} {error.__cause__ or ''}".strip()
            late = isinstance(error, openai.APITimeoutError)
            raise JudgeError(f"the judge failed ({said})", True, timed_out=late) from error
        except httpx.TransportError as error:  # while the body is read
            said = f"{type(error).__name__}: {error}"
            late = isinstance(error, httpx.TimeoutException)
            raise JudgeError(f"the judge failed ({said})", True, timed_out=late) from error
        except openai.OpenAIError as error:
            said = f"{type(error).__name__}: {error}"
            raise JudgeError(f"the judge failed ({said})", retryable=False) from error
        return _reply(read_object(body))


@functools.cache
def _client(base_url: str, api_key: str) -> Any:
    import openai

    return openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=0)


@functools.cache
def _response_format(schema: type[BaseModel]) -> dict[str, Any]:
    from openai.lib._pydantic import to_strict_json_schema

    document = to_strict_json_schema(schema)
    return {
        "type": "json_schema",
        "json_schema": {"name": schema.__name__, "schema": document, "strict": True},
    }


def _read(parts: Iterable[bytes], seconds: float) -> str:
    """The body. Raises JudgeError as soon as it is longer than any reply that is read, or drips in
    for more than so many seconds: the client's own time limit is for each part.
    """
    body, deadline = b"", time.monotonic() + seconds
    for part in parts:
        body += part
        if len(body) > LONGEST_REPLY:
            break
        if time.monotonic() > deadline:
            reason = f"the judge failed (its reply was not complete after {seconds:g} s)"
            raise JudgeError(reason, retryable=True, timed_out=True)
    text = body.decode("utf-8", errors="replace")
    require_readable_length(text)
    return text


def _reply(document: dict[str, Any]) -> JudgeReply:
    """Raises JudgeError for a body of another form: some servers answer an error with 200."""
    if error := document.get("error"):
        raise _of_a_200(error)
    try:
        choice, usage = document["choices"][0], document.get("usage")
        counts = usage if isinstance(usage, dict) else {}
        message = choice["message"]
        refused = message.get("refusal") and not message.get("content")
        stop_reason = "refusal" if refused else choice.get("finish_reason")
        prompt = token_count(counts.get("prompt_tokens")) or 0
        details = counts.get("prompt_tokens_details")
        cached = token_count((details if isinstance(details, dict) else {}).get("cached_tokens"))
        read = min(cached or 0, prompt)  # they are part of the prompt's, unlike with Bedrock
        said = said_in(message.get("content"))
        return JudgeReply(
            text=said.text,
            stop_reason=str(stop_reason or ""),
            input_tokens=prompt - read,
            output_tokens=token_count(counts.get("completion_tokens")) or 0,
            cache_read_tokens=read,
            reasoning=thought_beside(message) or said.reasoning,
        )
    except (LookupError, TypeError, AttributeError, ValueError) as wrong:
        raise malformed("without choices[0].message.content", str(document)) from wrong


def _of_a_200(error: Any) -> JudgeError:
    """OpenRouter and others report what their provider has said so, with its status as `code`."""
    code = error.get("code") if isinstance(error, dict) else None
    throttled = str(code) in ("429", "503")
    said = f"an error in a 200: {str(error)[:300]}"
    return JudgeError(f"the judge failed ({said})", retryable=True, throttled=throttled)


def _sorted(error: Any) -> RequestRefused | JudgeError:
    status = int(error.status_code)
    said = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    if is_filtered(said):
        return filtered(said)
    if status in (400, 422):
        return RequestRefused(said)
    throttled = status in (429, 503)
    retryable = throttled or status in _RETRYABLE_STATUS or status >= 500
    final = status in (401, 404)  # no such key, no such model
    return JudgeError(f"the judge failed ({said})", retryable, throttled, final=final)
