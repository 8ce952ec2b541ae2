"""One verdict's conversation with its judge, whichever framework leads it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from processing.base.errors import DiskError
from processing.judges.kept_replies import request_key
from processing.judges.reply_json import read_object, require_readable_length
from processing.judges.verdict import NO_VERDICT, JudgeError, malformed
from processing.mlflow_record.internals import JUDGE_INPUT_TOKENS, JUDGE_OUTPUT_TOKENS
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


_CUT = {
    "max_tokens": "it was cut off at the token limit, toward which thinking counts; raise "
    "judge.parameters.max_tokens",
    "model_context_window_exceeded": "the prompt and the reply do not fit into the model's context "
    "window; name a judge with a larger one",
}
_CUT["length"] = _CUT["max_tokens"]
"""Such a reply is no verdict even where it can be read: its end may be missing."""

_FILTERED = "a content filter or guardrail of the judge's stopped it"
_STOPPED = {
    "guardrail_intervened": _FILTERED,
    "content_filtered": _FILTERED,
    "content_filter": _FILTERED,
    "refusal": _FILTERED,
}
"""Reasons to stop that another try does not change, as Bedrock and OpenAI call them."""


class Conversation:
    """Asks the judge, and adds up what that took. One for each verdict, never shared.

    After a call that failed no further one is made: RAGAS asks again whatever the reason was, and
    then calls it a score of NaN. `failure` says what the verdict failed of.

    `keeps`: every reply that is what was asked for is kept, so that a verdict of several calls goes
    on where it stopped.
    """

    def __init__(self, line: JudgeLine, *, keeps: bool = False) -> None:
        self.line = line
        self.failure: JudgeError | DiskError | None = None
        self._kept = line.service.replies if keeps else None
        self._asked: Counter[str] = Counter()
        self._keys: list[str] = []
        self._calls = 0
        self._tokens = {"input": 0, "output": 0}
        self._lock = threading.Lock()  # a metric may ask from threads of its own

    def ask_for(
        self,
        messages: Messages,
        schema: type[Schema],
        complaint: Complaint[Schema] = lambda _: None,
    ) -> Schema:
        """The judge's answer as `schema`. Raises JudgeError where it does not fit."""

        def read(text: str) -> Schema:
            document = read_object(text)
            try:
                reply = schema.model_validate(document)
            except ValidationError as invalid:
                first = invalid.errors()[0]
                where = ".".join(str(part) for part in first["loc"])
                raise malformed(f"{where}: {first['msg']}", text) from invalid
            if wrong := complaint(reply):
                raise malformed(wrong, text)
            return reply

        return self._ask(messages, schema, read)

    def ask_for_object(self, messages: Messages, schema: type[BaseModel]) -> dict[str, Any]:
        """The judge's answer as a JSON object. Raises JudgeError where it is none."""
        return self._ask(messages, schema, read_object)

    def metadata(self) -> dict[str, str]:
        """Calls, tokens under MLflow's own keys, and what the judge's model has refused and was
        asked without; strings, as MLflow keeps them.

        Tokens are left out where the judge does not tell them. Replies that an earlier try had
        paid for count too: it is what the verdict cost, not when.
        """
        told = {"judge_calls": str(self._calls)}
        if any(self._tokens.values()):
            told[JUDGE_INPUT_TOKENS] = str(self._tokens["input"])
            told[JUDGE_OUTPUT_TOKENS] = str(self._tokens["output"])
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
            self._keys.append(key)
        return key

    def _fresh(
        self, messages: Messages, schema: type[BaseModel] | None, read: Callable[[str], Read]
    ) -> tuple[JudgeReply, Read]:
        reply, requests = self.line.ask(messages, schema)
        self._count(reply, requests)
        if why := _CUT.get(reply.stop_reason):
            raise JudgeError(f"{NO_VERDICT}: {why}", retryable=False)
        try:
            if not reply.text:
                raise malformed(f"nothing (it stopped because of {reply.stop_reason!r})")
            require_readable_length(reply.text)
            return reply, read(reply.text)
        except JudgeError as error:
            if why := _STOPPED.get(reply.stop_reason):
                raise JudgeError(f"{NO_VERDICT}: {why}", retryable=False) from error
            raise

    def _count(self, reply: JudgeReply, requests: int) -> None:
        with self._lock:
            self._calls += requests
            self._tokens["input"] += reply.input_tokens
            self._tokens["output"] += reply.output_tokens


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
