"""Every other provider, through litellm: Anthropic, OpenAI, Google, Mistral, Databricks ..."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from processing.base.content_parts import said_in, token_count
from processing.base.errors import ConfigError
from processing.config.judge import route_bedrock_calls
from processing.judges.refusals import is_filtered
from processing.judges.verdict import JudgeError, filtered, malformed
from processing.judges.wire import Form, JudgeReply, Messages, RequestRefused

if TYPE_CHECKING:
    from processing.config.judge import Judge

_RETRYABLE_STATUS = frozenset({408, 409, 424, 429})


class LitellmWire:
    """Raises ConfigError for a provider that litellm does not know, before anything is paid."""

    forms: tuple[str, ...] = ("schema", "plain")

    def __init__(self, judge: Judge) -> None:
        route_bedrock_calls()
        import litellm

        litellm.suppress_debug_info = True  # else every failure prints an advertisement
        try:
            litellm.get_llm_provider(judge.litellm_model)
        except litellm.BadRequestError as error:
            provider = judge.model.partition(":/")[0]
            raise ConfigError(
                f"judge: {judge.model}: no provider is called {provider!r}; for a server that "
                "speaks OpenAI's protocol write openai:/MODEL with base_url:"
            ) from error

    def ask(
        self, judge: Judge, messages: Messages, schema: type[BaseModel] | None, form: Form
    ) -> JudgeReply:
        import litellm
        import openai

        try:
            response: Any = litellm.completion(
                **form.parameters,
                model=judge.litellm_model,
                messages=list(messages),
                response_format=schema if form.kind != "plain" else None,
                api_base=judge.base_url,
                api_key=judge.api_key,
                timeout=judge.timeout_seconds,
                num_retries=0,
                max_retries=0,
                drop_params=False,  # what it drops by its own tables, it drops without a word
            )
        # litellm's exceptions are those of OpenAI's client, and share nothing but its base class
        except (openai.OpenAIError, litellm.Timeout, litellm.APIError) as error:
            raise _sorted(error) from error
        try:
            usage, choice = getattr(response, "usage", None), response.choices[0]
            message = choice.message
            refused = getattr(message, "refusal", None) and not message.content
            prompt = token_count(getattr(usage, "prompt_tokens", 0)) or 0
            details = getattr(usage, "prompt_tokens_details", None)
            read = min(token_count(getattr(details, "cached_tokens", 0)) or 0, prompt)
            said = said_in(message.content)
            thought = getattr(message, "reasoning_content", None)
            return JudgeReply(
                text=said.text,
                stop_reason="refusal" if refused else str(choice.finish_reason or ""),
                input_tokens=prompt - read,
                output_tokens=token_count(getattr(usage, "completion_tokens", 0)) or 0,
                cache_read_tokens=read,
                reasoning=thought if isinstance(thought, str) else said.reasoning,
            )
        except (LookupError, AttributeError, TypeError, ValueError) as wrong:
            raise malformed("without choices[0].message.content", str(response)) from wrong


def _sorted(error: Exception) -> RequestRefused | JudgeError:
    """What litellm raised, sorted by its status: worth another try or not."""
    import litellm

    status = int(getattr(error, "status_code", 0) or 0)
    said = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    if isinstance(error, litellm.ContentPolicyViolationError) or is_filtered(said):
        return filtered(said)
    if status == 400:
        return RequestRefused(said)
    no_key = "Missing credentials" in said  # of OpenAI's client, which litellm calls a 500
    throttled = status in (429, 503)
    retryable = status in _RETRYABLE_STATUS or (status >= 500 and not no_key)
    late = isinstance(error, litellm.Timeout)
    final = status in (401, 404)  # no such key, no such model
    return JudgeError(f"the judge failed ({said})", retryable, throttled, late, final)
