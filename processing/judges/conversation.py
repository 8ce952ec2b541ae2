"""One verdict's conversation with its judge, whichever framework leads it."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from processing.base.content_parts import is_cut
from processing.base.errors import DiskError
from processing.calls.judge_calls import JudgeCall, noted, noted_calls
from processing.judges.kept_replies import request_key
from processing.judges.refusals import LIMITS
from processing.judges.reply_form import fitted
from processing.judges.reply_json import read_reply, require_readable_length
from processing.judges.verdict import (
    NO_VERDICT,
    JudgeError,
    OffScale,
    Question,
    filtered,
    malformed,
)
from processing.mlflow_record.internals import JUDGE_INPUT_TOKENS, JUDGE_OUTPUT_TOKENS
from processing.mlflow_record.judge_use import (
    JUDGE_CACHE_READ_TOKENS,
    JUDGE_CACHE_WRITE_TOKENS,
    JUDGE_CALLS,
)
from processing.mlflow_record.scores import JUDGE_LEFT_OUT

if TYPE_CHECKING:
    from mlflow.entities import AssessmentSource, Feedback

    from processing.config.judge import Judge
    from processing.judges.service import JudgeLine
    from processing.judges.wire import JudgeReply

Messages = list[dict[str, str]]
Read = TypeVar("Read")
Schema = TypeVar("Schema", bound=BaseModel)

Complaint = Callable[[Schema], "str | None"]
"""What is wrong with a reply of the right form, such as "2 verdicts on 4 claims"; None if nothing.
"""


_FILTERED = frozenset(
    {"guardrail_intervened", "content_filtered", "content_filter", "refusal", "safety"}
)
"""Reasons to stop that another try does not change, as Bedrock, OpenAI and others call them."""

_TOO_LARGE = "model_context_window_exceeded"


_OFF_SCALE = frozenset(
    {
        *("literal_error", "enum", "bool_parsing", "bool_type"),
        *("int_parsing", "int_type", "int_from_float", "float_parsing", "float_type"),
    }
)
"""pydantic's names for a verdict that is there, and is none of those that can be."""

_MEMBER = re.compile(r"<[\w.]+: ('[^']*')>")
"""How pydantic writes a member of an Enum that a verdict can be; its value is what can be said."""


_ALWAYS = (JUDGE_INPUT_TOKENS, JUDGE_OUTPUT_TOKENS)
_TOKENS = (*_ALWAYS, JUDGE_CACHE_READ_TOKENS, JUDGE_CACHE_WRITE_TOKENS)


class Conversation:
    """Asks the judge, and adds up what that took. One for each verdict, never shared.

    After a call that failed no further one is made: RAGAS asks again whatever the reason was, and
    then calls it a score of NaN. `failure` says what the verdict failed of.

    `row` is what is judged: a verdict that also stands in its texts may be a quotation.

    `keeps`: every reply that is what was asked for is kept, so that a verdict of several calls goes
    on where it stopped.
    """

    def __init__(
        self, line: JudgeLine, row: Question | None = None, *, keeps: bool = False
    ) -> None:
        self.line = line
        self._quotable = row.texts if row else ()
        self._repeat = row.repeat if row else 1
        self.failure: JudgeError | DiskError | None = None
        self._kept = line.service.replies if keeps else None
        self._asked: Counter[str] = Counter()
        self._keys: list[str] = []
        self._calls = 0
        self._tokens = dict.fromkeys(_TOKENS, 0)
        self._noted = noted_calls()
        self._lock = threading.Lock()  # a metric may ask from threads of its own

    def ask_for(
        self,
        messages: Messages,
        schema: type[Schema],
        complaint: Complaint[Schema] = lambda _: None,
    ) -> Schema:
        """The judge's answer as `schema`. Raises JudgeError where it does not fit."""

        def read(text: str) -> Schema:
            document = fitted(read_reply(text, self._quotable), schema)
            try:
                reply = schema.model_validate(document)
            except ValidationError as invalid:
                first = invalid.errors()[0]
                where = ".".join(str(part) for part in first["loc"])
                what = f"{where}: " + _MEMBER.sub(r"\1", first["msg"])
                raise malformed(
                    OffScale(what) if first["type"] in _OFF_SCALE else what, text
                ) from invalid
            if wrong := complaint(reply):
                raise malformed(wrong, text)
            return reply

        return self._ask(messages, schema, read)

    def ask_for_object(self, messages: Messages, schema: type[BaseModel]) -> dict[str, Any]:
        """The judge's answer as a JSON object. Raises JudgeError where it is none."""

        def read(text: str) -> dict[str, Any]:
            return fitted(read_reply(text, self._quotable), schema)

        return self._ask(messages, schema, read)

    def metadata(self) -> dict[str, str]:
        """Calls, tokens under MLflow's own keys, and what the judge's model has refused and was
        asked without; strings, as MLflow keeps them.

        Tokens are left out where the judge does not tell them. Replies that an earlier try had
        paid for count too: it is what the verdict cost, not when.
        """
        told = {JUDGE_CALLS: str(self._calls)}
        if any(self._tokens.values()):
            # what concerns the cache only where there is any
            told |= {key: str(n) for key, n in self._tokens.items() if n or key in _ALWAYS}
        if left_out := self.line.left_out():
            told[JUDGE_LEFT_OUT] = ", ".join(left_out)
        return told

    def forget(self) -> None:
        """The verdict is made, or its replies make none: they are not to be used again."""
        if self._kept is not None:
            self._kept.forget(self._keys)

    def _ask(
        self, messages: Messages, schema: type[BaseModel] | None, read: Callable[[str], Read]
    ) -> Read:
        """Raises JudgeError, or DiskError; and from then on always the same one."""
        if self.failure is not None:
            raise self.failure
        try:
            if self._kept is None:
                return self._fresh(messages, schema, read)[1]
            return self._once_paid(messages, schema, read)
        except (JudgeError, DiskError) as error:
            self.failure = error
            raise
        except Exception as error:  # a framework that does not know it either would ask again
            said = f"the judge failed ({type(error).__name__}: {error})"
            self.failure = JudgeError(said, retryable=False)
            raise self.failure from error

    def _once_paid(
        self, messages: Messages, schema: type[BaseModel] | None, read: Callable[[str], Read]
    ) -> Read:
        assert self._kept is not None
        key = self._key(messages, schema)
        if (kept := self._kept.get(key)) is not None:
            try:
                value = read(kept.text)
            except JudgeError:
                pass  # kept by a version that looked less closely
            else:
                self._count(kept, 1)
                with noted(self._noted, self.line.judge.model, messages) as call:
                    call.reused = True
                    _tell(call, kept, 1)
                return value
        reply, value = self._fresh(messages, schema, read)
        self._kept.put(key, reply)
        return value

    def _key(self, messages: Messages, schema: type[BaseModel] | None) -> str:
        """The request's key; a metric that asks the same twice wants two opinions."""
        request = request_key(self.line.judge, messages, schema)
        with self._lock:
            self._asked[request] += 1
            key = f"{request}/{self._asked[request]}"
            if self._repeat > 1:  # a verdict of its own, which no earlier one's replies may make
                key += f"/repeat {self._repeat}"
            self._keys.append(key)
        return key

    def _fresh(
        self, messages: Messages, schema: type[BaseModel] | None, read: Callable[[str], Read]
    ) -> tuple[JudgeReply, Read]:
        with noted(self._noted, self.line.judge.model, messages) as call:
            reply, requests = self.line.ask(messages, schema)
            self._count(reply, requests)
            _tell(call, reply, requests)
            return reply, self._read(reply, read)

    def _read(self, reply: JudgeReply, read: Callable[[str], Read]) -> Read:
        stopped = reply.stop_reason.strip().casefold()
        if stopped == _TOO_LARGE or is_cut(stopped):
            raise JudgeError(f"{NO_VERDICT}: {_why_cut(stopped, self.line)}", retryable=False)
        if stopped in _FILTERED:
            raise filtered(stopped)
        if not reply.text.strip():
            raise malformed(f"nothing (it stopped because of {reply.stop_reason!r})")
        require_readable_length(reply.text)
        return read(reply.text)

    def _count(self, reply: JudgeReply, requests: int) -> None:
        with self._lock:
            self._calls += requests
            self._tokens[JUDGE_INPUT_TOKENS] += reply.prompt_tokens
            self._tokens[JUDGE_OUTPUT_TOKENS] += reply.output_tokens
            self._tokens[JUDGE_CACHE_READ_TOKENS] += reply.cache_read_tokens
            self._tokens[JUDGE_CACHE_WRITE_TOKENS] += reply.cache_write_tokens


def _tell(call: JudgeCall, reply: JudgeReply, requests: int) -> None:
    call.reply, call.reasoning, call.stop_reason = reply.text, reply.reasoning, reply.stop_reason
    call.input_tokens, call.output_tokens = reply.input_tokens, reply.output_tokens
    call.requests = requests


def _why_cut(stopped: str, line: JudgeLine) -> str:
    """A reply that was cut is no verdict even where it can be read: its end may be missing."""
    if stopped == _TOO_LARGE:
        return (
            "the prompt and the reply do not fit into the model's context window; name a judge "
            "with a larger one"
        )
    sent, left_out = line.judge.sent_parameters, line.left_out()
    limits = [f"{name} {sent[name]}" for name in LIMITS if name in sent and name not in left_out]
    limit = f"judge.parameters.{limits[0]}: raise it" if limits else "the model's own token limit"
    return f"cut off at {limit} (what the judge thinks counts toward it)"


def judge_source(judge: Judge | None) -> AssessmentSource:
    """Who gave a verdict, as MLflow shows it: the judge's model URI, or code."""
    from mlflow.entities import AssessmentSource, AssessmentSourceType

    if judge is None:
        return AssessmentSource(source_type=AssessmentSourceType.CODE)
    return AssessmentSource(source_type=AssessmentSourceType.LLM_JUDGE, source_id=judge.model)


def framework_feedback(
    framework: str,
    name: str,
    value: float,
    rationale: str | None,
    conversation: Conversation | None,
) -> Feedback:
    """The verdict of a scoring framework's metric; without a conversation, of its code alone."""
    from mlflow.entities import Feedback

    return Feedback(
        name=name,
        value=value,
        rationale=rationale,
        source=judge_source(conversation.line.judge if conversation else None),
        metadata={"mlflow.scorer.framework": framework}
        | (conversation.metadata() if conversation else {}),
    )
