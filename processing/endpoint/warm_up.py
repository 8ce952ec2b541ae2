"""Calls before the first row's: what is slow only once is not measured as the model's latency.

A model that has just started compiles and fills caches, an endpoint that was idle scales up, and a
connection has yet to be opened. The question is none of the rows', whose own calls would then
be quick for a prompt that the server has seen before.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from processing.base.visible_text import visible
from processing.calls.rate_limit import RateLimit
from processing.calls.spend import ENDPOINT, Spend
from processing.calls.stop import NotAsked
from processing.config.endpoint import Endpoint
from processing.dataset.rows import make_row
from processing.endpoint.client import Call, ask
from processing.endpoint.payload import request_body

ARE_YOU_READY = make_row("Are you ready?", "Yes.", ["This is a test."])


def warm_up(client: Any, endpoint: Endpoint, rate_limit: RateLimit, spend: Spend) -> None:
    """Make `endpoint.warm_up` calls, as many at once as the rows' will be, and say how they went.

    They are paid for, and count in `spend`; one that it does not let begin is not made.
    """
    body = request_body(endpoint, ARE_YOU_READY)

    def called(_: int) -> Call | None:
        try:
            call = ask(client, endpoint, body, rate_limit, lambda: spend.begin(ENDPOINT))
        except NotAsked:
            return None
        if call.said:
            spend.add(
                ENDPOINT,
                input_tokens=call.said.input_tokens or 0,
                output_tokens=call.said.output_tokens or 0,
            )
        return call

    with ThreadPoolExecutor(endpoint.most_at_once, thread_name_prefix="warm-up") as pool:
        calls = [call for call in pool.map(called, range(endpoint.warm_up)) if call]
    errors = [call.error for call in calls if call.error]
    failed = f"; {len(errors)} failed, the last with {visible(errors[-1])}" if errors else ""
    print(f"{len(calls)} warm-up calls are left out of the latencies{failed}", flush=True)
