"""One verdict's conversation with its judge, whichever framework leads it."""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from processing.judges.verdict import JudgeError
from processing.mlflow_record.internals import JUDGE_INPUT_TOKENS, JUDGE_OUTPUT_TOKENS

if TYPE_CHECKING:
    from mlflow.entities import AssessmentSource

    from processing.config.judge import Judge
    from processing.judges.service import JudgeLine

Schema = TypeVar("Schema", bound=BaseModel)

_FENCE = re.compile(r"^\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)


class Conversation:
    """Asks the judge, and adds up what that took. One for each verdict, never shared.

    After a call that failed no further one is made: RAGAS asks again whatever the reason was, and
    then calls it a score of NaN. `failure` says what the verdict failed of.
    """

    def __init__(self, line: JudgeLine) -> None:
        self.line = line
        self.failure: JudgeError | None = None
        self._calls = 0
        self._tokens = {"input": 0, "output": 0}
        self._lock = threading.Lock()  # a metric may ask from threads of its own

    def ask(self, messages: list[dict[str, str]], schema: type[BaseModel] | None) -> str:
        """The judge's answer. Raises JudgeError, and from then on always the same one."""
        if self.failure is not None:
            raise self.failure
        try:
            return self._asked(messages, schema)
        except JudgeError as error:
            self.failure = error
            raise

    def ask_for(self, messages: list[dict[str, str]], schema: type[Schema]) -> Schema:
        """The judge's answer as `schema`. Raises JudgeError where it does not fit."""
        document = self.ask_for_object(messages, schema)
        try:
            return schema.model_validate(document)
        except ValidationError as invalid:
            first = invalid.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            self.failure = malformed(f"{where}: {first['msg']}", json.dumps(document))
            raise self.failure from invalid

    def ask_for_object(
        self, messages: list[dict[str, str]], schema: type[BaseModel]
    ) -> dict[str, Any]:
        """The judge's answer as a JSON object. Raises JudgeError where it is none."""
        text = self.ask(messages, schema)
        fenced = _FENCE.match(text)
        try:
            document = json.loads(fenced[1] if fenced else text, strict=False)
        except json.JSONDecodeError as error:
            self.failure = malformed("no JSON", text)
            raise self.failure from error
        if not isinstance(document, dict):
            self.failure = malformed("no JSON object", text)
            raise self.failure
        return document

    def metadata(self) -> dict[str, str]:
        """Calls and tokens under MLflow's own keys for the tokens; strings, as MLflow keeps them.

        Tokens are left out where the judge does not tell them.
        """
        told = {"judge_calls": str(self._calls)}
        if any(self._tokens.values()):
            told[JUDGE_INPUT_TOKENS] = str(self._tokens["input"])
            told[JUDGE_OUTPUT_TOKENS] = str(self._tokens["output"])
        return told

    def _asked(self, messages: list[dict[str, str]], schema: type[BaseModel] | None) -> str:
        reply, requests = self.line.ask(messages, schema)
        with self._lock:
            self._calls += requests
            self._tokens["input"] += reply.input_tokens
            self._tokens["output"] += reply.output_tokens
        if not reply.text:
            raise malformed(f"nothing (it stopped because of {reply.stop_reason!r})", "")
        return reply.text


def judge_source(judge: Judge | None) -> AssessmentSource:
    """Who gave a verdict, as MLflow shows it: the judge's model URI, or code."""
    from mlflow.entities import AssessmentSource, AssessmentSourceType

    if judge is None:
        return AssessmentSource(source_type=AssessmentSourceType.CODE)
    return AssessmentSource(source_type=AssessmentSourceType.LLM_JUDGE, source_id=judge.model)


def malformed(what: str, answer: str) -> JudgeError:
    """An answer that is no verdict. Another try gives another answer, so it is retryable."""
    shown = f": {answer[:200]!r}" if answer else ""
    return JudgeError(f"the judge answered {what}{shown}", retryable=True)
