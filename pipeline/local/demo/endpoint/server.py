"""A demo endpoint that stands where SageMaker Runtime would: InvokeEndpoint over HTTP.

It is no model: it answers from small knowledge bases by retrieval (see demo_retrieval), one for
each folder of examples/. Every response says so in the header `x-demo`. An endpoint with a `server`
is a real model's: its calls are passed on (see openai_server). Point
AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME at its URL.

Wire protocol: botocore's service model of sagemaker-runtime 2017-05-13 (REST-JSON).
Signatures are not checked. Admin routes: see demo_state, noun `endpoints`.

    python -m pipeline.local.demo.endpoint.server --port 4567 --endpoint health-qa-good=good
"""

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pipeline.local.demo.calls import UNKNOWN_OPERATION, Answer, WireError, answer_call
from pipeline.local.demo.endpoint.asynchronous import Queue
from pipeline.local.demo.endpoint.behaviour import EndpointBehaviour
from pipeline.local.demo.endpoint.data_capture import CaptureWriter
from pipeline.local.demo.endpoint.model_error import MODEL_ERROR_STATUS, model_error
from pipeline.local.demo.endpoint.openai_server import OpenAiServer
from pipeline.local.demo.endpoint.payloads import (
    Completion,
    Prompt,
    UnreadableRequest,
    complete,
    in_its_context,
    read_prompt,
    told_passages,
    with_passages,
    write_answer,
    write_malformed,
)
from pipeline.local.demo.endpoint.refusals import TARGET_VARIANT, refusal_of
from pipeline.local.demo.endpoint.response_stream import PassedOn, StreamedAnswer, events
from pipeline.local.demo.endpoint.retrieval import (
    HEALTH_KNOWLEDGE,
    Knowledge,
    Passage,
    example_knowledge,
    read_knowledge,
)
from pipeline.local.demo.endpoint.wild import HABITS, Wild, wild_body
from pipeline.local.demo.faults import Decision, Faults
from pipeline.local.demo.http_server import DemoServer, serve
from pipeline.local.demo.state import DemoState, admin_routes

ENDPOINT_ERRORS: Mapping[str, int] = {
    "ModelError": MODEL_ERROR_STATUS,
    "ModelNotReadyException": 429,
    "ThrottlingException": 400,
    "ServiceUnavailable": 503,
    "InternalFailure": 500,
    "InternalDependencyException": 530,
    "ValidationError": 400,
}


def endpoint_app(
    endpoints: Mapping[str, EndpointBehaviour], knowledge: Path = HEALTH_KNOWLEDGE
) -> Starlette:
    """The ASGI app. Raises ValueError for a bad knowledge file or a fault with an unknown error."""
    paths = [(None, knowledge), *example_knowledge().items()]
    known: dict[str | None, Knowledge] = {
        name: Knowledge(read_knowledge(path)) for name, path in paths
    }
    state = DemoState(endpoints, ENDPOINT_ERRORS)
    wilds: dict[tuple[str, EndpointBehaviour], Wild] = {}
    servers: dict[EndpointBehaviour, OpenAiServer] = {}
    streams: dict[tuple[str, EndpointBehaviour], Counter[bytes]] = {}
    writers: dict[tuple[str, EndpointBehaviour], CaptureWriter] = {}

    queues: dict[tuple[str, EndpointBehaviour], Queue] = {}

    async def invoke(request: Request) -> Response:
        name = request.path_params["name"]
        behaviour = state.behaviours.get(name)
        refusal = refusal_of(request, name, behaviour)
        if behaviour is None or refusal:
            state.log.by_name[name]["ValidationError"] += 1
            return WireError("ValidationError", 400, Message=refusal).response()
        if behaviour.asynchronous:
            queue = queues.setdefault((name, behaviour), Queue(behaviour.asynchronous))
            return await queue.take(request, partial(respond, name, behaviour))
        return await respond(name, behaviour, request)

    async def respond(name: str, behaviour: EndpointBehaviour, request: Request) -> Response:
        fault = partial(_fault, name, behaviour.faults)
        if behaviour.server:
            if behaviour not in servers:
                servers[behaviour] = OpenAiServer(behaviour.server, behaviour.server_seconds)
            answer = partial(_passed_on, name, servers[behaviour], _streams(request))
        else:
            wild = wilds.setdefault((name, behaviour), Wild(behaviour.wild, behaviour.faults.seed))
            counted = streams.setdefault((name, behaviour), Counter())
            served = _Served(name, behaviour, known[behaviour.knowledge], wild, counted)
            answer = partial(_answer, served, request if _streams(request) else None)
        answered = _invoked(
            request, behaviour, await answer_call(request, state, name, answer, fault)
        )
        capture = behaviour.data_capture
        captured = capture and capture.EnableCapture and not isinstance(answered, StreamingResponse)
        if capture and captured and answered.status_code == HTTPStatus.OK:
            writer = writers.setdefault((name, behaviour), CaptureWriter(name, capture))
            variant = answered.headers["x-Amzn-Invoked-Production-Variant"]
            await asyncio.to_thread(
                writer.write,
                *(variant, await request.body(), bytes(answered.body)),
                answered.headers.get("content-type", "application/json"),
            )
        return answered

    routes = [
        Route("/endpoints/{name}/invocations", invoke, methods=["POST"]),
        Route("/endpoints/{name}/invocations-response-stream", invoke, methods=["POST"]),
        Route("/endpoints/{name}/async-invocations", invoke, methods=["POST"]),
        *admin_routes("endpoints", state, EndpointBehaviour),
        UNKNOWN_OPERATION,
    ]
    return Starlette(routes=routes)


def serve_endpoint(
    port: int = 0,
    *,
    endpoints: Mapping[str, EndpointBehaviour],
    knowledge: Path = HEALTH_KNOWLEDGE,
) -> DemoServer:
    """Serves the demo endpoint on 127.0.0.1; see demo_server.serve for the errors."""
    return serve(endpoint_app(endpoints, knowledge), port, "demo endpoint, not a model")


@dataclass(frozen=True)
class _Served:
    """One endpoint as it answers now."""

    name: str
    behaviour: EndpointBehaviour
    known: Knowledge
    wild: Wild
    streams: Counter[bytes]


def _invoked(request: Request, behaviour: EndpointBehaviour, answered: Response) -> Response:
    """The response, which says which variant has answered."""
    if answered.status_code == HTTPStatus.OK:
        variant = request.headers.get(TARGET_VARIANT, behaviour.variants[0])
        answered.headers["x-Amzn-Invoked-Production-Variant"] = variant
    return answered


async def _passed_on(
    name: str, server: OpenAiServer, stream: bool, body: bytes, _: Decision
) -> Answer:
    """Raises WireError ModelError."""
    if stream:
        return PassedOn("passed on", b"", parts=await server.stream(name, body))
    return await server.answer(name, body)


def _streams(request: Request) -> bool:
    return request.url.path.endswith("-response-stream")


async def _answer(
    served: _Served, stream: Request | None, body: bytes, decision: Decision
) -> Answer:
    """As a stream for the request `stream`, in one piece without it.

    Raises WireError ModelError 400 for a request that no container would take.
    """
    name, behaviour = served.name, served.behaviour
    try:
        prompt = read_prompt(body)
    except UnreadableRequest as error:
        raise model_error(name, 400, str(error)) from error
    known = served.known
    find = known.good_answer if behaviour.model == "good" else known.worse_answer
    done = complete(prompt, in_its_context(prompt, find(prompt.question)))
    model = f"demo-{behaviour.model}"
    shape = behaviour.text_generation
    habit = "" if decision.malformed else served.wild.habit(body)
    if habit:
        made = _wild(name, behaviour, habit, prompt, done)
    elif prompt.stream and not decision.malformed:
        found = _retrieved(behaviour, known, prompt.question) if behaviour.passages else []
        chat = prompt.format == "chat"
        told = told_passages(found, chat=chat) if behaviour.passages else {}
        pieces = events(prompt, done, model, shape, told)
        if stream:
            return _streamed(served, stream, prompt, body, pieces)
        made = b"".join(pieces)
    elif decision.malformed:
        made = write_malformed(prompt, done, model, shape, decision.malformed)
    else:
        answer = write_answer(prompt, done, model, shape)
        if behaviour.passages:
            answer = with_passages(answer, _retrieved(behaviour, known, prompt.question))
        made = json.dumps(answer).encode()
    if stream:  # a container that does not stream: all of it comes at once
        return StreamedAnswer(prompt.format, made, outcome=habit or "answered", pieces=(made,))
    return Answer(prompt.format, made, outcome=habit or "answered")


def _streamed(
    served: _Served, request: Request, prompt: Prompt, body: bytes, pieces: list[bytes]
) -> Answer:
    behaviour = served.behaviour
    served.streams[body] += 1
    where = f"{behaviour.faults.seed}/{served.streams[body]}/{body.hex()}"
    broken = behaviour.streaming.breaks_now(where)
    return StreamedAnswer(
        prompt.format,
        b"".join(pieces),
        outcome=broken or "answered",
        pieces=tuple(pieces),
        streaming=behaviour.streaming,
        broken=broken,
        reset=request.state.transport.abort,
    )


def _retrieved(
    behaviour: EndpointBehaviour, known: Knowledge, question: str
) -> list[tuple[Passage, float]]:
    lot = sha256(f"{behaviour.faults.seed} lost {question}".encode()).digest()[0] / 256
    if lot < behaviour.passages_lost:
        return []
    found = known.found(question, good=behaviour.model == "good")
    return [(passage, score) for passage, score in found[: behaviour.passages] if score]


def _wild(
    name: str, behaviour: EndpointBehaviour, habit: str, prompt: Prompt, done: Completion
) -> bytes:
    """Raises WireError where the habit is an error of the service's."""
    if code := HABITS[habit].error:
        raise _fault(name, behaviour.faults, code)
    try:
        return wild_body(habit, prompt, done, f"demo-{behaviour.model}")
    except UnreadableRequest as error:
        raise model_error(name, 400, str(error)) from error


def _fault(name: str, faults: Faults, code: str | None) -> WireError:
    code = code or "ModelError"
    if code == "ModelError":
        return model_error(name, faults.model_error_status, "the demo endpoint was told to fail")
    message = "Rate exceeded" if code == "ThrottlingException" else f"demo fault: {code}"
    return WireError(code, ENDPOINT_ERRORS[code], Message=message)


def _name_and_model(text: str) -> tuple[str, EndpointBehaviour]:
    name, _, model = text.partition("=")
    return name, EndpointBehaviour.model_validate({"model": model or "good"})


def main() -> None:
    parser = argparse.ArgumentParser(description="A demo of SageMaker Runtime on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free port")
    parser.add_argument("--knowledge", type=Path, default=HEALTH_KNOWLEDGE)
    parser.add_argument(
        "--endpoint",
        action="append",
        type=_name_and_model,
        metavar="NAME=good|worse",
        default=[],
        help="an endpoint to serve; may be given more than once",
    )
    given = parser.parse_args()
    server = serve_endpoint(given.port, endpoints=dict(given.endpoint), knowledge=given.knowledge)
    print(f"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME={server.url}", flush=True)
    server.wait()


if __name__ == "__main__":
    main()
