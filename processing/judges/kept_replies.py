"""A judge's replies, kept call by call until the verdict that they are for is kept itself.

A verdict of DeepEval or RAGAS takes up to seven calls. If the job is killed, or one reply is
malformed, the verdict is asked for again; the calls that were well answered are not.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from processing.calls.paid_store import Record, Shelf, key_of
from processing.judges.wire import JudgeReply, Messages

if TYPE_CHECKING:
    from pydantic import BaseModel

    from processing.config.judge import Judge


@dataclass
class KeptReplies:
    """Replies by their exact request. `shelf` is where they outlive the job; None keeps no files.

    Only replies that were read as what was asked for belong here. Safe between threads.
    """

    shelf: Shelf | None = None
    _held: dict[str, Record] = field(default_factory=dict)

    def get(self, key: str) -> JudgeReply | None:
        record = self.shelf.get(key) if self.shelf else self._held.get(key)
        return None if record is None else JudgeReply(**record)

    def put(self, key: str, reply: JudgeReply) -> None:
        record = asdict(reply)
        del record["reasoning"]  # nobody judges by it, and it may be long
        if self.shelf:
            self.shelf.put(key, record)
        else:
            self._held[key] = record

    def forget(self, keys: Iterable[str]) -> None:
        """Let go of what is held in memory; on disk it stays."""
        held: dict[str, Any] = self.shelf.kept if self.shelf else self._held
        for key in keys:
            held.pop(key, None)


def request_key(judge: Judge, messages: Messages, schema: type[BaseModel] | None) -> str:
    """What a reply is kept under: the judge's model and the exact request."""
    form = _form(schema) if schema else ""
    return key_of(judge.model, judge.base_url, judge.sent_parameters, messages, form)


@functools.cache
def _form(schema: type[BaseModel]) -> str:
    return json.dumps(schema.model_json_schema())
