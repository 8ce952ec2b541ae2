"""What stands behind one name of the demo endpoint, as it can be told while it runs."""

from typing import Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from pipeline.local.demo.endpoint.asynchronous import Asynchronous
from pipeline.local.demo.endpoint.data_capture import DataCapture
from pipeline.local.demo.endpoint.openai_server import CONTAINER_SECONDS, base_url
from pipeline.local.demo.endpoint.payloads import TextGeneration
from pipeline.local.demo.endpoint.response_stream import Streaming
from pipeline.local.demo.endpoint.retrieval import example_knowledge
from pipeline.local.demo.faults import Faults, JudgeHabit, Share
from pipeline.local.demo.state import Behaviour
from pipeline.local.server.account import ALL_TRAFFIC


class EndpointBehaviour(Behaviour):
    """What stands behind one endpoint name.

    knowledge: which of `example_knowledge` it knows; none is the one given at the start.
    variants: production variants; all are the same model, the first answers if a call names none.
    inference_components: if there are any, a call must name one, as on SageMaker.
    data_capture: where its calls are captured, as an endpoint configuration's DataCaptureConfig.
    text_generation: the form of text-generation answers, LMI's object or TGI's list.
    passages: so many of those that it has found are returned with each answer; 0 returns none.
    passages_lost: the share of answers without any, as where a service's search has failed.
    streaming: how streams come, and which of them break off.
    asynchronous: where results go and what is amiss with them; None answers in real time.
    wild: the share of calls that are answered as no container should (`wild`), by `faults.seed`.
    server: an OpenAI-compatible server that answers instead of all this, within server_seconds. Its
        calls are not slowed down, and its answers not spoilt; throttle, fail and hang work.
    """

    model: Literal["good", "worse"] = "good"
    knowledge: str | None = None
    variants: tuple[str, ...] = Field((ALL_TRAFFIC,), min_length=1)
    inference_components: tuple[str, ...] = ()
    text_generation: TextGeneration = "lmi"
    passages: int = Field(0, ge=0, le=50)
    passages_lost: Share = 0
    streaming: Streaming = Streaming()
    asynchronous: Asynchronous | None = None
    wild: Share = 0
    server: str | None = None
    server_seconds: float = CONTAINER_SECONDS
    data_capture: DataCapture | None = None

    @model_validator(mode="before")
    @classmethod
    def _server_is_not_slowed_down(cls, told: Any) -> Any:
        if not isinstance(told, dict) or not told.get("server"):
            return told
        faults = told.get("faults", {})
        quick = {"latency_ms": 0, "jitter_ms": 0, **faults} if isinstance(faults, dict) else faults
        return {**told, "faults": quick}

    @field_validator("server")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        return url and base_url(url)

    @model_validator(mode="after")
    def _server_answers_as_it_does(self) -> Self:
        if self.server and (self.wild or self.faults.malformed):
            raise ValueError("wild and malformed are the demo's own answers: not with a server")
        return self

    @field_validator("knowledge")
    @classmethod
    def _is_an_example(cls, name: str | None) -> str | None:
        if name is not None and name not in example_knowledge():
            raise ValueError(f"no knowledge.jsonl in examples/{name}")
        return name

    @field_validator("faults")
    @classmethod
    def _is_no_judge(cls, faults: Faults) -> Faults:
        if faults.malformed_as in (*get_args(JudgeHabit), "wild"):
            raise ValueError(f"malformed_as {faults.malformed_as}: only the demo judge does so")
        return faults
