"""A wire without a network: what a judge is told, counted, and what it says to each prompt."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from marker_judge import _Filler
from pydantic import BaseModel

from processing.config.judge import Judge
from processing.judges.wire import Form, JudgeReply, Messages

Say = Callable[[str, type[BaseModel] | None], str]
"""The prompt and the schema -> the reply's text. May raise JudgeError as a wire does."""


def well_behaved(prompt: str, schema: type[BaseModel] | None) -> str:
    """A reply in the schema's form, with one of everything; another text to each prompt."""
    assert schema is not None
    document = schema.model_json_schema()
    text = sha256(prompt.encode()).hexdigest()[:12]
    return json.dumps(_Filler(document, True, text, False).filled(document))


@dataclass
class StubWire:
    say: Say = well_behaved
    stop_reason: str = "end_turn"
    forms: tuple[str, ...] = ("plain",)
    prompts: list[str] = field(default_factory=list, repr=False)
    """Of every call, system message and all."""
    answered: Counter[str] = field(default_factory=Counter, repr=False)
    """How often each prompt got an answer."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(
        self,
        judge: Judge,  # noqa: ARG002
        messages: Messages,
        schema: type[BaseModel] | None,
        form: Form,  # noqa: ARG002
    ) -> JudgeReply:
        prompt = "\n".join(message["content"] for message in messages)
        with self._lock:
            self.prompts.append(prompt)
        text = self.say(prompt, schema)
        with self._lock:
            self.answered[prompt] += 1
        return JudgeReply(text, self.stop_reason, 1, 1)


def says(**fields: Any) -> Say:
    """The same document to every prompt."""
    return lambda *_: json.dumps(fields)
