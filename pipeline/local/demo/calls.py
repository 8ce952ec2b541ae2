"""One call to a demo server: its faults first, then the answer, and errors as AWS spells them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipeline.local.demo.faults import CONNECTION_RESET, Decision
from pipeline.local.demo.state import B, DemoState

_HANG_POLL_SECONDS = 0.05


class WireError(Exception):
    """An error as the service would send it; members are those of the service's error shape.

    SageMaker Runtime spells its text `Message`, Bedrock Runtime `message`.
    """

    def __init__(self, code: str, status: int, **members: Any) -> None:
        super().__init__(code)
        self.code, self.status, self.members = code, status, members

    def response(self) -> Response:
        return JSONResponse(self.members, self.status, {"x-amzn-ErrorType": self.code})


@dataclass(frozen=True)
class Answer:
    """A body to send with status 200; `kind` and `outcome` are what the log counts it under."""

    kind: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    outcome: str = "answered"

    def response(self) -> Response:
        return Response(self.body, media_type="application/json", headers=dict(self.headers))


async def answer_call(
    request: Request,
    state: DemoState[B],
    name: str,
    answer: Callable[[bytes, Decision], Awaitable[Answer]],
    fault: Callable[[str | None], WireError],
) -> Response:
    """Serves one call to a name that exists.

    answer(body, decision) makes the answer, spoilt as decided, or raises WireError.
    fault(code) is the service's error for an injected fault; None is its usual failure.
    """
    plan, log, counts = state.plans[name], state.log, state.log.by_name[name]
    with log.call(name):
        body = await request.body()
        decision = plan.decide(body, log.in_flight[name])
        await asyncio.sleep(decision.delay_seconds)
        try:
            match decision.outcome:
                case "throttle":
                    raise fault("ThrottlingException")
                case "fail" if plan.faults.fail_with == CONNECTION_RESET:
                    counts[CONNECTION_RESET] += 1
                    return _reset(request)
                case "fail":
                    raise fault(plan.faults.fail_with)
                case "hang":
                    counts["hang"] += 1
                    return await _hang(request)
                case "malformed":
                    made = await answer(body, decision)
                    counts["malformed"] += 1
                case "answer":
                    made = await answer(body, decision)
                    counts[made.outcome] += 1
                    log.by_kind[made.kind] += 1
        except WireError as error:
            counts[error.code] += 1
            return error.response()
    return made.response()


def _reset(request: Request) -> Response:
    request.state.transport.abort()
    return Response()


async def _hang(request: Request) -> Response:
    """Answers nothing until the caller gives up or the server stops."""
    stopping = request.app.state.stopping
    while not stopping.is_set() and not await request.is_disconnected():
        await asyncio.sleep(_HANG_POLL_SECONDS)
    return _reset(request)


async def refuse(request: Request) -> Response:
    """Everything that no route serves, refused by name instead of with a bare 404."""
    return WireError(
        "UnknownOperationException",
        404,
        Message=f"{request.method} {request.url.path} is not served by this demo server",
    ).response()


UNKNOWN_OPERATION = Route(
    "/{path:path}", refuse, methods=["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]
)
