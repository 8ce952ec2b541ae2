"""A demo judge that stands where Bedrock Runtime would: Converse and InvokeModel over HTTP.

It also stands where an OpenAI-compatible server would: judge.base_url is its URL and /v1.

It is no model: its verdicts are text-overlap rules (see demo_verdicts for the rules and their
cuts), and each rationale and the response header `x-demo` say so. Point both
AWS_ENDPOINT_URL_BEDROCK_RUNTIME (boto3) and AWS_BEDROCK_RUNTIME_ENDPOINT (litellm) at its URL.

Every model id is served; what a model refuses is a switch (`model`). Signatures are not checked.
A prompt that no rule knows gets ValidationException. Admin routes: see demo_state, noun `models`.

    python -m pipeline.local.demo.judge.server --port 4568
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.local.demo.calls import UNKNOWN_OPERATION, Answer, WireError, answer_call
from pipeline.local.demo.faults import Decision
from pipeline.local.demo.http_server import DemoServer, serve
from pipeline.local.demo.judge.bedrock_requests import (
    BadRequest,
    Call,
    Reply,
    read_anthropic,
    read_converse,
    write_anthropic,
    write_converse,
)
from pipeline.local.demo.judge.habits import agreeable, contrary, spoil
from pipeline.local.demo.judge.model import (
    JudgeModel,
    require_available,
    require_taken,
    within_limit,
)
from pipeline.local.demo.judge.openai_requests import model_of, read_chat, require_key, write_chat
from pipeline.local.demo.judge.pairwise import KIND, in_its_place
from pipeline.local.demo.judge.prompt_cache import through_cache
from pipeline.local.demo.judge.rules import UnknownPrompt
from pipeline.local.demo.judge.verdicts import judge
from pipeline.local.demo.state import DemoState, admin_routes

JUDGE_ERRORS: Mapping[str, int] = {
    "ThrottlingException": 429,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "ServiceUnavailableException": 503,
    "InternalServerException": 500,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "ValidationException": 400,
}
_MESSAGES = {
    "ThrottlingException": "Too many requests, please wait before trying again.",
    "AccessDeniedException": "You don't have access to the model with the specified model ID.",
}

Read = Callable[[dict[str, Any]], Call]
Write = Callable[[Call, Reply, Decision], dict[str, Any]]


def judge_app(models: Mapping[str, JudgeModel] | None = None) -> Starlette:
    """The ASGI app; `models` gives behaviours by model id, all other ids are well-behaved.

    Raises ValueError for a fault with an unknown error.
    """
    state = DemoState(models or {}, JUDGE_ERRORS)
    cached: dict[str, set[str]] = defaultdict(set)

    async def converse(request: Request) -> Response:
        kept = cached[request.path_params["model_id"]]
        return await _serve(request, state, read_converse, _write_converse, kept)

    async def invoke(request: Request) -> Response:
        model_id = request.path_params["model_id"]

        def write(call: Call, reply: Reply, _: Decision) -> dict[str, Any]:
            return write_anthropic(call, reply, model_id)

        return await _serve(request, state, read_anthropic, write)

    async def chat(request: Request) -> Response:
        model_id = model_of(await request.body())
        request.path_params["model_id"] = model_id

        def read(document: dict[str, Any]) -> Call:
            require_key(
                state.behaviours[model_id].api_key, request.headers.get("Authorization", "")
            )
            return read_chat(document)

        def write(call: Call, reply: Reply, _: Decision) -> dict[str, Any]:
            return write_chat(call, reply, model_id)

        return await _serve(request, state, read, write)

    routes = [
        Route("/model/{model_id:path}/converse", converse, methods=["POST"]),
        Route("/model/{model_id:path}/invoke", invoke, methods=["POST"]),
        Route("/v1/chat/completions", chat, methods=["POST"]),
        *admin_routes("models", state, JudgeModel),
        UNKNOWN_OPERATION,
    ]
    return Starlette(routes=routes)


def serve_judge(port: int = 0, *, models: Mapping[str, JudgeModel] | None = None) -> DemoServer:
    """Serves the demo judge on 127.0.0.1; see demo_server.serve for the errors."""
    return serve(judge_app(models), port, "demo judge, not a model")


async def _serve(
    request: Request,
    state: DemoState[JudgeModel],
    read: Read,
    write: Write,
    cached: set[str] | None = None,
) -> Response:
    """`cached`: what the model has in its prompt cache, where the request can name a part of it."""
    model_id = request.path_params["model_id"]
    if model_id not in state.behaviours:
        state.put(model_id, JudgeModel())

    async def answer(body: bytes, decision: Decision) -> Answer:
        model = state.behaviours[model_id]
        require_available(model, model_id)
        return _answer(model, _through(model, cached, read), write, body, decision)

    return await answer_call(request, state, model_id, answer, _fault)


def _through(model: JudgeModel, cached: set[str] | None, read: Read) -> Read:
    if cached is None:
        return read
    return lambda document: through_cache(model.caches_from, document, read(document), cached)


def _answer(model: JudgeModel, read: Read, write: Write, body: bytes, decision: Decision) -> Answer:
    """Raises WireError ValidationException for a request or a prompt that is not understood, or
    that the model does not take.
    """
    try:
        document = json.loads(body)
        require_taken(model, document)
        call = read(document)
        kind, verdict = judge(call.request)
        if model.prefers and kind.startswith(KIND):
            verdict = in_its_place(verdict, model.prefers)
    except (BadRequest, UnknownPrompt) as error:
        raise _validation(str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _validation(f"the request is not in Bedrock's form: {error!r}") from error
    verdict = agreeable(verdict) if model.agrees else verdict
    verdict = contrary(verdict) if decision.whim < model.wavers else verdict
    spoilt = decision.malformed and spoil(verdict, decision.malformed)
    reply = _reply(call, verdict) if spoilt is None else _spoilt(call, spoilt)
    if decision.malformed == "cut-off":
        reply = replace(reply, cut=True)
    told = within_limit(model, document, call, reply)
    return Answer(kind, json.dumps(write(call, told, decision)).encode())


def _write_converse(call: Call, reply: Reply, decision: Decision) -> dict[str, Any]:
    return write_converse(call, reply, round(decision.delay_seconds * 1000))


def _reply(call: Call, verdict: dict[str, Any]) -> Reply:
    return Reply(tool_input=verdict) if call.tool else Reply(text=json.dumps(verdict))


def _spoilt(call: Call, spoilt: dict[str, Any] | str) -> Reply:
    return _reply(call, spoilt) if isinstance(spoilt, dict) else Reply(text=spoilt or None)


def _fault(code: str | None) -> WireError:
    code = code or "ServiceUnavailableException"
    return WireError(code, JUDGE_ERRORS[code], message=_MESSAGES.get(code, f"demo fault: {code}"))


def _validation(message: str) -> WireError:
    return WireError("ValidationException", JUDGE_ERRORS["ValidationException"], message=message)


def main() -> None:
    parser = argparse.ArgumentParser(description="A demo of Bedrock Runtime on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free port")
    given = parser.parse_args()
    server = serve_judge(given.port)
    print(f"AWS_ENDPOINT_URL_BEDROCK_RUNTIME={server.url}")
    print(f"AWS_BEDROCK_RUNTIME_ENDPOINT={server.url}", flush=True)
    server.wait()


if __name__ == "__main__":
    main()
