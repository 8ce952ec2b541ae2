"""`endpoint:`, the model that is evaluated: how it is called, and how its answers are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from processing.config import patterns
from processing.config.asynchronous import Asynchronous, parse_asynchronous
from processing.config.section import Section

Reasoning = Literal["strip", "keep"]
"""Whether what a model thinks within its text is kept apart from the answer, or is part of it."""

PayloadFormat = Literal["chat", "text_generation", "template"]
"""Each is a module in processing/endpoint/payloads/."""


MESSAGES = "{messages}"
"""In `endpoint.request`, as a value of its own: the conversation, with the question at its end."""


class ResponsePaths(Section):
    """JMESPath expressions that read an endpoint's response body: all for `format: template`.

    `context` is for any format: the passages that the endpoint has retrieved for its answer.
    """

    answer: str | None = None
    context: str | None = None
    input_tokens: str | None = None
    output_tokens: str | None = None
    error: str | None = None
    stop_reason: str | None = None
    reasoning: str | None = None
    tool_calls: str | None = None

    @field_validator("*")
    @classmethod
    def _compiles(cls, expression: str | None) -> str | None:
        import jmespath

        if expression is not None:
            try:
                jmespath.compile(expression)
            except jmespath.exceptions.JMESPathError as error:
                raise ValueError(f"is not a JMESPath expression: {error}") from error
        return expression


class AtMost(Section):
    """So many calls at once at most: as many as the endpoint takes."""

    max: int = Field(ge=1, le=512)


Concurrency = Annotated[
    Annotated[Annotated[int, Field(ge=1, le=512)], Tag("#number")]
    | Annotated[AtMost, Tag("#section")],
    Discriminator(lambda value: "#section" if isinstance(value, dict | AtMost) else "#number"),
]
"""A number is the load that latency is measured under: neither more nor fewer calls at once."""


class Endpoint(Section):
    name: str = Field(pattern=patterns.NAME)
    inference_component: str | None = None
    variant: str | None = None
    format: PayloadFormat = "chat"
    system_prompt: str | None = None
    prompt: str = "{question}"
    parameters: dict[str, Any] = {}
    request: dict[str, Any] | None = None
    response: ResponsePaths | None = None
    reasoning: Reasoning = "strip"
    custom_attributes: str | None = Field(default=None, max_length=1024)
    # The container has 60 s to answer; AWS recommends a 70 s socket time-out (InvokeEndpoint).
    timeout_seconds: float = Field(default=70, gt=0, le=900)
    retry_seconds: float = Field(default=120, ge=0)
    concurrency: Concurrency = AtMost(max=8)
    stream: bool = False
    asynchronous: Annotated[Asynchronous | None, BeforeValidator(parse_asynchronous)] = None
    warm_up: int = Field(default=0, ge=0, le=1000)
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)

    @field_validator("prompt")
    @classmethod
    def _asks_the_question(cls, prompt: str) -> str:
        if "{question}" not in prompt:
            raise ValueError("must contain {question}; it may contain {context} too")
        return prompt

    @model_validator(mode="after")
    def _template_is_whole(self) -> Self:
        paths = self.response.model_dump(exclude_none=True) if self.response else {}
        if self.format == "template":
            if self.request is None or self.response is None:
                raise ValueError("format: template needs both request: and response:")
            if "answer" not in paths:
                raise ValueError("format: template needs response: answer:, where the answer is")
        elif self.request is not None or paths.keys() - {"context"}:
            raise ValueError(
                "request: and response: are only for format: template, apart from response: "
                "context:, where any format returns its passages"
            )
        if self.stream and self.format == "template":
            raise ValueError(
                "stream: true is for the formats chat and text_generation: the parts of a response "
                "that only its owner knows the form of cannot be put together"
            )
        if self.stream and self.parameters.get("stream") is False:
            raise ValueError("stream: true, but parameters.stream is false: take one of them out")
        self._require_what_is_queued_as_a_whole()
        texts = list(_texts(self.request))
        if any(MESSAGES in text and text != MESSAGES for text in texts):
            raise ValueError(f'request: "{MESSAGES}" is a list: let it stand alone as a value')
        return self

    def _require_what_is_queued_as_a_whole(self) -> None:
        if self.asynchronous is None:
            return
        if self.stream:
            raise ValueError(
                "stream: true and asynchronous: an asynchronous endpoint's answer is a file in S3, "
                "which comes as a whole: take one of them out"
            )
        for key in ("variant", "inference_component"):
            if getattr(self, key):
                raise ValueError(
                    f"{key}: and asynchronous: InvokeEndpointAsync cannot choose between the parts "
                    "of an endpoint: take one of them out"
                )

    @property
    def context_path(self) -> str | None:
        """Where its response has the passages that were retrieved; None if it returns none."""
        return self.response.context if self.response else None

    @property
    def fixed_concurrency(self) -> int | None:
        """How many calls are made at once, throughout; None where as many as the endpoint takes."""
        return None if isinstance(self.concurrency, AtMost) else self.concurrency

    @property
    def most_at_once(self) -> int:
        """Calls in flight, at most."""
        concurrency = self.concurrency
        return concurrency.max if isinstance(concurrency, AtMost) else concurrency

    @property
    def load(self) -> str:
        """Under what latency is measured, in words."""
        fixed = "at once, fixed" if self.fixed_concurrency else "at once at most"
        warm = f"{self.warm_up} warm-up calls left out" if self.warm_up else "no warm-up calls"
        queued = "; asynchronous, the wait in its queue included" if self.asynchronous else ""
        return f"{self.most_at_once} {fixed}; {warm}{queued}"

    @property
    def sends_history(self) -> bool:
        """Whether a request has the turns before the question in it."""
        return self.format == "chat" or MESSAGES in _texts(self.request)


def _texts(node: Any) -> Iterator[str]:
    """All texts that are values in a request."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from _texts(inner)
