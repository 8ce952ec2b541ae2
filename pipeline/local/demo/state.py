"""What a demo server remembers, and the admin routes that show and change it.

State lives in memory and is touched by one event loop only, so nothing here needs a lock.

Admin routes, on the same port as the service:
  GET    /_demo/{noun}           every name with its behaviour
  GET    /_demo/{noun}/{name}    one behaviour, 404 if there is none
  PUT    /_demo/{noun}/{name}    creates or replaces it; its fault memory starts afresh
  DELETE /_demo/{noun}/{name}    takes it away
  GET    /_demo/calls            {"total", "by_name": {name: {outcome: n}}, "by_kind": {kind: n},
                                  "max_in_flight"}
  DELETE /_demo/calls            counts from nought again; faults keep their memory
An outcome is `answered`, `malformed`, `hang`, `connection-reset` or an error code of the service.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipeline.local.demo.faults import CONNECTION_RESET, FaultPlan, Faults


class Behaviour(BaseModel):
    """How one name answers; the endpoint adds to this, the judge takes it as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    faults: Faults = Faults()


B = TypeVar("B", bound=Behaviour)


class CallLog:
    """Counts of calls by name and outcome and of answers by kind."""

    def __init__(self) -> None:
        self.in_flight: Counter[str] = Counter()
        self.clear()

    def clear(self) -> None:
        self.by_name: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.by_kind: Counter[str] = Counter()
        self.max_in_flight = self.in_flight.total()

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        self.in_flight[name] += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight.total())
        try:
            yield
        finally:
            self.in_flight[name] -= 1

    def as_json(self) -> dict[str, Any]:
        return {
            "total": sum(counts.total() for counts in self.by_name.values()),
            "by_name": {name: dict(counts) for name, counts in self.by_name.items()},
            "by_kind": dict(self.by_kind),
            "max_in_flight": self.max_in_flight,
        }


class DemoState(Generic[B]):
    """Behaviours by name, their fault plans and the call log: all that a demo server remembers.

    error_codes: the codes that `Faults.fail_with` may name, besides `connection-reset`.
    """

    def __init__(self, behaviours: Mapping[str, B], error_codes: Mapping[str, int]) -> None:
        self.error_codes = error_codes
        self.behaviours: dict[str, B] = {}
        self.plans: dict[str, FaultPlan] = {}
        self.log = CallLog()
        for name, behaviour in behaviours.items():
            self.put(name, behaviour)

    def put(self, name: str, behaviour: B) -> None:
        """Raises ValueError if `fail_with` is no error of this service."""
        known = [*self.error_codes, CONNECTION_RESET]
        if behaviour.faults.fail_with not in (None, *known):
            raise ValueError(
                f"faults.fail_with of {name} is {behaviour.faults.fail_with!r}: "
                f"want one of {', '.join(known)}"
            )
        self.behaviours[name] = behaviour
        self.plans[name] = FaultPlan(behaviour.faults)


def admin_routes(noun: str, state: DemoState[B], model: type[B]) -> list[Route]:
    """The routes under /_demo; a name may hold slashes, as model ARNs do."""

    async def behaviours(_: Request) -> Response:
        return JSONResponse({name: b.model_dump() for name, b in state.behaviours.items()})

    async def behaviour(request: Request) -> Response:
        name = request.path_params["name"]
        if request.method == "PUT":
            try:
                state.put(name, model.model_validate_json(await request.body()))
            except ValueError as error:  # pydantic's ValidationError is one
                return JSONResponse({"error": _explain(error)}, 400)
        if name not in state.behaviours:
            known = ", ".join(state.behaviours) or "none"
            return JSONResponse({"error": f"no {name} under {noun}; there is: {known}"}, 404)
        found = state.behaviours[name].model_dump()
        if request.method == "DELETE":
            del state.behaviours[name], state.plans[name]
        return JSONResponse(found)

    async def calls(request: Request) -> Response:
        counted = state.log.as_json()
        if request.method == "DELETE":
            state.log.clear()
        return JSONResponse(counted)

    return [
        Route("/_demo/calls", calls, methods=["GET", "DELETE"]),
        Route(f"/_demo/{noun}", behaviours, methods=["GET"]),
        Route(f"/_demo/{noun}/{{name:path}}", behaviour, methods=["GET", "PUT", "DELETE"]),
    ]


def _explain(error: ValueError) -> Any:
    return json.loads(error.json()) if isinstance(error, ValidationError) else str(error)
