"""One verdict's conversation with its judge: every framework's calls go out here, through litellm.

MLflow's own route asks up to ten times with growing pauses, gives most of its judges neither
parameters nor an address, and RAGAS's and DeepEval's routes retry too. Here a call is made once;
whoever wants the verdict decides whether to ask again.
"""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from processing.errors import ConfigError
from processing.scorers.verdict import JudgeError

if TYPE_CHECKING:
    from mlflow.entities import AssessmentSource

    from processing.judge import Judge

Schema = TypeVar("Schema", bound=BaseModel)

_RETRYABLE_STATUS = frozenset({408, 409, 424, 429})  # 424: Bedrock's ModelErrorException
_FENCE = re.compile(r"^\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)
_SCHEMA_REFUSED = re.compile(
    r"response_?format|json_?schema|structured.?output|output_?config|tool_?(use|choice|config)",
    re.IGNORECASE,
)


class Conversation:
    """Asks `judge`, and adds up what that took. One for each verdict, never shared.

    After a call that failed no further one is made: RAGAS asks again whatever the reason was, and
    then calls it a score of NaN. `failure` says what the verdict failed of.
    """

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
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
        from mlflow.tracing.constant import AssessmentMetadataKey

        told = {"judge_calls": str(self._calls)}
        if any(self._tokens.values()):
            told[AssessmentMetadataKey.JUDGE_INPUT_TOKENS] = str(self._tokens["input"])
            told[AssessmentMetadataKey.JUDGE_OUTPUT_TOKENS] = str(self._tokens["output"])
        return told

    def _asked(self, messages: list[dict[str, str]], schema: type[BaseModel] | None) -> str:
        import litellm

        try:
            response = self._complete(messages, schema)
        except litellm.BadRequestError as error:
            if schema is None or not _SCHEMA_REFUSED.search(str(error)):
                raise judge_error(error) from error
            # the model cannot be held to a schema; each framework's prompt describes the JSON too
            return self._asked(messages, None)
        except _litellm_errors() as error:
            raise judge_error(error) from error
        self._count(response)
        choice = response.choices[0]
        if not choice.message.content:
            raise malformed(f"nothing (it stopped because of {choice.finish_reason!r})", "")
        return str(choice.message.content)

    def _complete(self, messages: list[dict[str, str]], schema: type[BaseModel] | None) -> Any:
        import litellm

        litellm.suppress_debug_info = True  # else every failure prints an advertisement
        with self._lock:
            self._calls += 1
        return litellm.completion(
            **self.judge.parameters,
            model=self.judge.litellm_model,
            messages=messages,
            response_format=schema,
            api_base=self.judge.base_url,
            api_key=self.judge.api_key,
            timeout=self.judge.timeout_seconds,
            num_retries=0,
            max_retries=0,
            drop_params=True,
        )

    def _count(self, response: Any) -> None:
        usage = getattr(response, "usage", None)
        with self._lock:
            self._tokens["input"] += getattr(usage, "prompt_tokens", 0) or 0
            self._tokens["output"] += getattr(usage, "completion_tokens", 0) or 0


def require_known_provider(judge: Judge) -> None:
    """Raises ConfigError for a provider that litellm does not know, before anything is paid."""
    import litellm

    litellm.suppress_debug_info = True
    try:
        litellm.get_llm_provider(judge.litellm_model)
    except litellm.BadRequestError as error:
        provider = judge.model.partition(":/")[0]
        raise ConfigError(
            f"judge: {judge.model}: no provider is called {provider!r}; for a server that speaks "
            "OpenAI's protocol write openai:/MODEL with base_url:"
        ) from error


def judge_source(judge: Judge | None) -> AssessmentSource:
    """Who gave a verdict, as MLflow shows it: the judge's model URI, or code."""
    from mlflow.entities import AssessmentSource
    from mlflow.entities.assessment_source import AssessmentSourceType

    if judge is None:
        return AssessmentSource(source_type=AssessmentSourceType.CODE)
    return AssessmentSource(source_type=AssessmentSourceType.LLM_JUDGE, source_id=judge.model)


def malformed(what: str, answer: str) -> JudgeError:
    """An answer that is no verdict. Another try gives another answer, so it is retryable."""
    shown = f": {answer[:200]!r}" if answer else ""
    return JudgeError(f"the judge answered {what}{shown}", retryable=True)


def judge_error(error: Exception) -> JudgeError:
    """What litellm raised, sorted by its status: worth another try or not."""
    import litellm

    status = int(getattr(error, "status_code", 0) or 0)
    refused = isinstance(error, litellm.ContentPolicyViolationError)
    said = " ".join(str(error).split())[:300]
    no_key = "Missing credentials" in said  # of OpenAI's client, which litellm calls a 500
    retryable = refused or status in _RETRYABLE_STATUS or (status >= 500 and not no_key)
    return JudgeError(f"the judge failed ({type(error).__name__}): {said}", retryable)


def _litellm_errors() -> tuple[type[Exception], ...]:
    """litellm's exceptions are those of OpenAI's client, and share nothing but its base class."""
    import litellm
    import openai

    return (openai.OpenAIError, litellm.Timeout, litellm.APIError)
