"""Answers that exist already, in the form of answers that were asked for: nobody is called."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from processing.base.clean_text import storable
from processing.config.endpoint import Endpoint
from processing.dataset.given_answers import GivenAnswer
from processing.dataset.rows import Row
from processing.endpoint.answers import Answer
from processing.endpoint.client import Call, MeasuredModel
from processing.endpoint.reply import Reply, UnusableReply
from processing.endpoint.separation import separated

NOT_NAMED = "answers as given"
"""Stands for the model, where the file does not name one."""


def given_model(model_arn: str | None) -> MeasuredModel:
    """Whose answers they are, as the file says it: nothing is looked up. None: it does not say."""
    name = (model_arn or NOT_NAMED).partition("model-package/")[2]
    return MeasuredModel(
        endpoint_arn="",
        model_name=name or (model_arn or NOT_NAMED).rpartition("/")[2],
        source_uri=model_arn or "",
        revision="given",
    )


def given_answers(
    endpoint: Endpoint, rows: Sequence[Row], arrived: Callable[[Answer], None] = lambda _: None
) -> list[Answer]:
    """The rows' own answers, in their order; `arrived` is called with each."""
    answers = []
    for row in rows:
        assert row.given is not None, "PrepareDataset has written an answer with each row"
        answer = Answer(row, _request(row.given), _call(endpoint, row.given))
        arrived(answer)
        answers.append(answer)
    return answers


def _call(endpoint: Endpoint, given: GivenAnswer) -> Call:
    """An answer without text is none, as if the endpoint had given it."""
    now = time.time_ns()
    reply = Reply(
        given.text,
        given.input_tokens,
        given.output_tokens,
        given.reasoning,
        given.stop_reason,
        given.retrieved,
        given.tool_calls,
    )
    error: str | None = given.error or None
    unusable = None
    try:
        found: Reply | None = None if error else separated(endpoint, reply)
    except UnusableReply as none:
        found, error, unusable = None, f"unusable answer: {none}", none.reply
    return Call(
        reply=found,
        error=storable(error),
        attempts=0,
        latency_ms=given.latency_ms or 0.0,
        started_ns=now,
        ended_ns=now,
        unusable=unusable,
    )


def _request(given: GivenAnswer) -> dict[str, Any]:
    if not given.request:
        return {}
    try:
        request = json.loads(given.request)
    except ValueError:
        request = given.request
    return request if isinstance(request, dict) else {"body": request}
