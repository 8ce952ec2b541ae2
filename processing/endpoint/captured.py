"""Captured calls as rows: what was asked, read out of the request, and what was answered.

The reply is read as a live one is (`processing.endpoint.payload`), streams of events too. What is
not captured, as latency, nobody knows.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from processing.base.clean_text import has_text, storable
from processing.base.content_parts import UnclearContentError, said_in
from processing.base.errors import DatasetError
from processing.config.capture import read_capture
from processing.config.dataset import Dataset
from processing.config.endpoint import Endpoint
from processing.dataset.capture_files import (
    BrokenRecordError,
    CapturedCall,
    CaptureFile,
    capture_files,
    capture_place,
    captured_lines,
    read_call,
)
from processing.dataset.given_answers import GivenAnswer
from processing.dataset.readers import BadRecord, Record, Records
from processing.dataset.sources import OpenSource, Part, open_source
from processing.dataset.turns import KEYS
from processing.endpoint.body_bytes import document_in
from processing.endpoint.payload import read_reply
from processing.endpoint.reply import Reply, UnusableReply

LONGEST_REQUEST = 100_000
"""Characters of a request that are kept beside the answer; a longer one is left out."""

_PLACES = re.compile(r"\{(question|context|system_prompt)\}")


@contextmanager
def open_rows(
    dataset: Dataset, endpoint: Endpoint | None, inputs: Path, beside: Path
) -> Iterator[OpenSource]:
    """As `open_source`; captured calls, which `endpoint` says how to read, too."""
    if not dataset.from_capture:
        with open_source(dataset, inputs, beside) as source:
            yield source
        return
    import boto3

    if endpoint is None:
        raise DatasetError(f"{dataset.source}: nobody has said in which format the calls are")
    yield open_capture(dataset, endpoint, boto3.Session())


def open_capture(dataset: Dataset, endpoint: Endpoint, session: Any) -> OpenSource:
    """The captured calls that `dataset.source` names, by a boto3 session.

    Raises DatasetError where nothing is captured, or it cannot be read.
    """
    source = read_capture(dataset.source)
    place = capture_place(session.client("sagemaker"), source)
    start, end = source.window(dt.datetime.now(dt.UTC))
    s3 = session.client("s3")
    files = capture_files(s3, place, source.endpoint, start, end)
    window = f"{start:%Y-%m-%dT%H:%M:%SZ} to {end:%Y-%m-%dT%H:%M:%SZ}"
    if not files:
        raise DatasetError(
            f"{dataset.source}: nothing was captured from {window} below {place.uri}/"
            f"{source.endpoint}: take more hours, or look whether the endpoint captures its calls"
        )
    reader = _Reader(dataset, endpoint, start, end)
    return OpenSource(
        format="capture",
        parts=[Part(file.key, reader.records(s3, file)) for file in files],
        files=[],
        notes=[
            f"captured calls of {window}, in {len(files)} files below {place.uri}",
            *place.notes,
        ],
    )


class _Reader:
    """Reads files one after the other, each call once."""

    def __init__(
        self, dataset: Dataset, endpoint: Endpoint, start: dt.datetime, end: dt.datetime
    ) -> None:
        self._dataset, self._endpoint = dataset, endpoint
        self._start, self._end = start, end
        self._seen: set[bytes] = set()

    def records(self, s3: Any, file: CaptureFile) -> Records:
        for number, line in enumerate(captured_lines(s3, file), 1):
            if line.strip():
                yield from self._record(number, line, file)

    def _record(self, number: int, line: bytes, file: CaptureFile) -> Iterator[Record | BadRecord]:
        try:
            call = read_call(line)
        except BrokenRecordError as error:
            yield BadRecord(number, *error.args)
            return
        event = hashlib.sha256(call.event_id.encode() or line).digest()
        if call.time is not None and not self._start <= call.time < self._end:
            return
        if event in self._seen or not self._drawn(event):
            return
        self._seen.add(event)
        yield self._row(number, call, file.folder)

    def _drawn(self, event: bytes) -> bool:
        """By seed and event alone, so that the same calls are drawn whatever else there is."""
        share = self._dataset.sample_share
        lot = hashlib.sha256(f"{self._dataset.seed}:".encode() + event).digest()[:8]
        return int.from_bytes(lot) < share * 2**64

    def _row(self, number: int, call: CapturedCall, folder: str) -> Record | BadRecord:
        given = self._dataset.answers_given
        if call.request is None:
            return BadRecord(number, "no request captured", "capture Input, too")
        if given and call.response is None:
            return BadRecord(number, "no answer captured", "capture Output, too")
        try:
            request = document_in(call.request)
        except UnusableReply:
            return BadRecord(number, "unreadable request", "is no JSON")
        asked = messages_in(self._endpoint, request)
        if not asked:
            return BadRecord(number, "no question in the request", "is endpoint.format right?")
        columns: dict[str, Any] = {"messages": asked, "variant": folder or None}
        if given and call.response is not None:
            answer = self._answer(call, request)
            columns |= {"answer": answer, "input_tokens": None, "output_tokens": None}
        return Record(number, columns)

    def _answer(self, call: CapturedCall, request: Any) -> GivenAnswer:
        reply, error = Reply(""), ""
        try:
            reply = read_reply(self._endpoint, call.response or b"")
        except UnusableReply as unusable:
            error, reply = f"unusable answer: {unusable}", unusable.reply or reply
        text = json.dumps(request, ensure_ascii=False)
        return GivenAnswer(
            text="" if error else reply.text.strip(),
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            reasoning=reply.reasoning,
            stop_reason=reply.stop_reason,
            error=storable(error) or "",
            retrieved=None if error else reply.retrieved,
            tool_calls=() if error else reply.tool_calls,
            request=text if len(text) <= LONGEST_REQUEST else "",
            event_id=call.event_id,
            time=call.time.isoformat() if call.time else "",
        )


def messages_in(endpoint: Endpoint, request: Any) -> list[dict[str, Any]]:
    """What a request asks, in any format that we speak, as messages; [] where that is not plain."""
    if isinstance(request, dict) and endpoint.format != "template":
        messages = request.get("messages")
        if isinstance(messages, list):
            return [_message(each) for each in messages]
    asked = _question_in(endpoint, request)
    return [{"role": "user", "content": asked}] if has_text(asked) else []


def _message(message: Any) -> dict[str, Any]:
    """Without keys that servers and clients add of their own."""
    return {k: v for k, v in message.items() if k in KEYS} if isinstance(message, dict) else {}


def _question_in(endpoint: Endpoint, request: Any) -> str:
    if not isinstance(request, dict):
        return request if isinstance(request, str) else ""
    if endpoint.format == "template":
        return _put_into(endpoint.request, request)
    there = (key for key in ("inputs", "prompt", "input") if key in request)
    return next((_text(request[key]) for key in there), "")


def _text(content: Any) -> str:
    """Of a prompt, of parts, or of a list of prompts the first."""
    if isinstance(content, list) and content and all(isinstance(part, str) for part in content):
        content = content[0]
    try:
        return said_in(content).text
    except UnclearContentError:
        return ""


def _put_into(template: Any, request: Any) -> str:
    """What stands in `request` where the template has {question}; empty if nothing does."""
    if isinstance(template, dict) and isinstance(request, dict):
        found = (_put_into(inner, request.get(key)) for key, inner in template.items())
        return next(filter(None, found), "")
    if isinstance(template, list) and isinstance(request, list):
        return next(filter(None, map(_put_into, template, request)), "")
    if isinstance(template, str) and isinstance(request, str) and "{question}" in template:
        pattern, named = "", False
        for part in re.split(r"(\{(?:question|context|system_prompt)\})", template):
            if part == "{question}" and not named:
                pattern, named = f"{pattern}(?P<question>.+)", True
            else:
                pattern += ".*" if _PLACES.fullmatch(part) else re.escape(part)
        matched = re.fullmatch(pattern, request, re.DOTALL)
        return matched["question"] if matched else ""
    return ""
