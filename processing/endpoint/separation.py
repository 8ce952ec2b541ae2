"""The answer, apart from what the model thought on the way to it."""

from __future__ import annotations

from dataclasses import replace

from processing.base.clean_text import has_text
from processing.base.reasoning_text import split_reasoning
from processing.config.endpoint import Endpoint
from processing.endpoint.reply import Reply, UnusableReply

_LIMITS = {
    "chat": "max_tokens in endpoint.parameters",
    "text_generation": "max_new_tokens in endpoint.parameters",
    "template": "the token limit in endpoint.request",
}
_FILTERED = frozenset({"content_filter", "content_filtered", "guardrail_intervened", "safety"})


def separated(endpoint: Endpoint, reply: Reply) -> Reply:
    """`reply`, its text the answer alone, and its reasoning all that the model showed of it.

    With `endpoint.reasoning: keep` the text stays as it came. Raises UnusableReply where no answer
    is left, and no tool is called, with the reason for that.
    """
    if endpoint.reasoning == "strip":
        thought, answer = split_reasoning(reply.text)
        reasoning = "\n\n".join(filter(None, (reply.reasoning, thought)))
        reply = replace(reply, text=answer, reasoning=reasoning)
    if not has_text(reply.text) and not reply.tool_calls:
        final = bool(reply.cut) or reply.stop_reason.casefold() in _FILTERED
        raise UnusableReply(_why_empty(endpoint, reply), reply, final=final)
    return reply


def _why_empty(endpoint: Endpoint, reply: Reply) -> str:
    reason = "the answer is empty"
    if reply.reasoning.strip():
        reason = "the answer is empty: only reasoning came"
    if reply.cut:
        limit = _LIMITS[endpoint.format]
        reason += (
            f"; the model stopped at its token limit ({reply.stop_reason}), toward which "
            f"reasoning counts: raise {limit}"
        )
    elif reply.stop_reason.casefold() in _FILTERED:
        reason += f"; a content filter stopped the model ({reply.stop_reason})"
    return reason
