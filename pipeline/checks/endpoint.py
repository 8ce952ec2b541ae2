"""`check --online` asks the endpoint with one row of the dataset, in the way of the evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.checks.dataset import first_row
from pipeline.definition.bundle import Bundle
from processing.base.aws_hints import and_hint
from processing.base.errors import EndpointError
from processing.base.visible_text import visible
from processing.calls.spend import ENDPOINT, Spend
from processing.config.endpoint import Endpoint
from processing.endpoint.client import (
    Call,
    ask,
    describe_model,
    endpoint_rate_limit,
    runtime_client,
)
from processing.endpoint.payload import request_body
from processing.endpoint.separation import separated

if TYPE_CHECKING:
    from boto3 import Session

SHOWN = 80
"""Characters of the answer."""


def ask_one_row(session: Session, bundle: Bundle) -> str:
    """The answer to the dataset's first row, as it was read.

    Raises EndpointError if the endpoint does not answer, is not InService, or does not say which
    model answers; DatasetError if there is no row.
    """
    endpoint = bundle.config.endpoint
    model = describe_model(session.client("sagemaker"), endpoint)
    row = first_row(bundle)
    client = runtime_client(endpoint, session, bundle.config.infrastructure)
    call = ask(client, endpoint, request_body(endpoint, row), endpoint_rate_limit(endpoint))
    if call.reply is None:
        hint = and_hint(call.error or "", "caller")
        raise EndpointError(f"asked {_cut(row.question)}: {call.error}{hint}")
    reply, spend = separated(endpoint, call.reply), Spend(bundle.config.prices)
    spend.add(
        ENDPOINT,
        calls=call.attempts,
        input_tokens=reply.input_tokens or 0,
        output_tokens=reply.output_tokens or 0,
    )
    if reply.retrieved and not reply.retrieved.passages:
        raise EndpointError(
            f"asked {_cut(row.question)}, it answered {_cut(reply.text)}, and "
            f"{reply.retrieved.problem}: scorers of retrieval would have nothing to judge against"
        )
    passages = f" with {len(reply.retrieved.passages)} passages" if reply.retrieved else ""
    cut = ", cut at its token limit," if reply.cut else ""
    return (
        f"InService, model {model.model_name}; asked {_cut(row.question)}, it answered "
        f"{_cut(reply.text)}{passages}{cut} in {call.latency_ms:.0f} ms"
        f"{_streamed(endpoint, call)}; {spend.line()}"
    )


def _streamed(endpoint: Endpoint, call: Call) -> str:
    if endpoint.asynchronous:
        return ", with the wait in its queue"
    if not endpoint.stream:
        return ""
    if call.ttft_ms is None:
        return " in one piece: it does not stream, so there is no time to the first token"
    counted = "" if call.tokens_per_second else ", without saying how many tokens"
    return f", the first token after {call.ttft_ms:.0f} ms{counted}"


def _cut(text: str) -> str:
    shown = visible(text)
    return repr(shown if len(shown) <= SHOWN else f"{shown[:SHOWN]} ...")
