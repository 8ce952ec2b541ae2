"""Phase one of an evaluation: every row's question is answered, and no answer is paid for twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from typing import Any

from processing.base.aws_hints import and_hint
from processing.base.errors import EndpointError
from processing.calls.paid_store import Record, Shelf, key_of
from processing.calls.rate_limit import RateLimit
from processing.calls.spend import ENDPOINT, Spend
from processing.calls.stop import NotAsked
from processing.config.endpoint import Endpoint
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.rows import Row
from processing.endpoint.client import NOT_ASKED, Call, MeasuredModel, ask
from processing.endpoint.payload import request_body
from processing.endpoint.reply import Reply, UnusableReply
from processing.endpoint.separation import separated
from processing.endpoint.warm_up import warm_up

FAILED_IN_A_ROW = 10
"""So many rows without an answer, one after the other, and the endpoint counts as down."""


@dataclass(frozen=True)
class Answer:
    """One row with what the endpoint said. `reused`: an earlier job paid for it."""

    row: Row
    request: dict[str, Any]
    call: Call
    reused: bool = False

    @property
    def asked(self) -> bool:
        """False where nothing more was to be paid for, and no earlier job had asked."""
        return self.call.reply is not None or self.call.error is not None

    @property
    def text(self) -> str | None:
        return self.call.reply.text if self.call.reply else None

    @property
    def judged(self) -> JudgedAnswer | None:
        """The answer as scorers judge it; None where there is none."""
        reply = self.call.reply
        if reply is None:
            return None
        offered = self.request.get("tools")
        tools = offered if isinstance(offered, list) else []
        told = tuple(tool for tool in tools if isinstance(tool, dict))
        return JudgedAnswer(reply.text, reply.retrieved, reply.tool_calls, told)

    @property
    def latency_ms(self) -> float | None:
        """None where the answer was given, and nobody says how long it took."""
        given = self.row.given
        return self.call.latency_ms if given is None else given.latency_ms

    @property
    def reasoning(self) -> str:
        """What the model thought on the way to its answer; empty where it does not show."""
        return self.call.said.reasoning if self.call.said else ""

    @property
    def cut(self) -> bool | None:
        """Whether it was cut at the token limit; None where the endpoint does not say."""
        return self.call.said.cut if self.call.said else None


@dataclass(frozen=True)
class AnswerDesk:
    """Whom to ask, and what is kept. `client` is what `runtime_client` makes."""

    client: Any
    endpoint: Endpoint
    model: MeasuredModel
    shelf: Shelf
    spend: Spend
    rate_limit: RateLimit

    def key(self, request: dict[str, Any]) -> str:
        """Model identity and exact request: another model or prompt is another answer.

        So is one under another fixed load, or from a queue, of which its latency tells nothing.
        """
        endpoint = self.endpoint
        asked = [endpoint.inference_component, endpoint.variant, request]
        if endpoint.fixed_concurrency:
            asked.append({"concurrency": endpoint.fixed_concurrency})
        if endpoint.asynchronous:
            asked.append("asynchronous")
        return key_of(self.model.identity, endpoint.custom_attributes, asked)


def answer_rows(
    desk: AnswerDesk, rows: Sequence[Row], arrived: Callable[[Answer], None] = lambda _: None
) -> list[Answer]:
    """Ask about every row, `endpoint.concurrency` at a time; answers in the order of `rows`.

    Before the first that has to be asked come the warm-up calls.

    `arrived` is called with each answer, while others are on their way. Once `desk.spend` lets no
    further call begin, the rows that are left come back as they are, not asked.
    Raises EndpointError when the endpoint has stopped answering; what came until then is kept.
    """
    answers: dict[str, Answer] = {}
    failed_in_a_row = 0
    if desk.endpoint.warm_up and any(_must_be_asked(desk, row) for row in rows):
        warm_up(desk.client, desk.endpoint, desk.rate_limit, desk.spend)
    for answer in _as_they_come(desk, rows):
        answers[answer.row.row_id] = answer
        arrived(answer)
        if answer.asked:
            failed_in_a_row = failed_in_a_row + 1 if answer.call.error else 0
        if failed_in_a_row >= FAILED_IN_A_ROW:
            good = sum(1 for a in answers.values() if a.text is not None)
            raise EndpointError(
                f"endpoint {desk.endpoint.name} has stopped answering: {failed_in_a_row} rows "
                f"failed one after the other, the last with {answer.call.error}"
                f"{and_hint(answer.call.error or '', 'job')}; {good} of {len(rows)} rows were "
                "answered and are kept: start again to go on from there"
            )
    return [answers[row.row_id] for row in rows]


def _must_be_asked(desk: AnswerDesk, row: Row) -> bool:
    return _kept(desk, desk.key(request_body(desk.endpoint, row))) is None


def _as_they_come(desk: AnswerDesk, rows: Sequence[Row]) -> Iterator[Answer]:
    """Answers in the order in which they arrive; stops asking when the consumer stops."""
    waiting = iter(rows)
    with ThreadPoolExecutor(desk.endpoint.most_at_once, thread_name_prefix="endpoint") as pool:
        # No more is handed out than can be in flight, so that stopping costs no further calls.
        in_flight: set[Future[Answer]] = set()
        while True:
            for row in waiting:
                in_flight.add(pool.submit(_answer, desk, row))
                if len(in_flight) >= desk.endpoint.most_at_once:
                    break
            if not in_flight:
                return
            done, in_flight = wait(in_flight, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


def _answer(desk: AnswerDesk, row: Row) -> Answer:
    request = request_body(desk.endpoint, row)
    key = desk.key(request)
    kept = _kept(desk, key)
    if kept is not None:
        desk.spend.add(ENDPOINT, reused=1)
        return Answer(row, request, kept, reused=True)
    try:
        call = ask(
            desk.client,
            desk.endpoint,
            request,
            desk.rate_limit,
            lambda: desk.spend.begin(ENDPOINT),
        )
    except NotAsked:
        return Answer(row, request, NOT_ASKED)
    said = call.said
    desk.spend.add(
        ENDPOINT,
        input_tokens=(said.input_tokens if said else None) or 0,
        output_tokens=(said.output_tokens if said else None) or 0,
    )
    if call.reply is not None:
        record: Record = {"row_id": row.row_id, "request": request, "call": asdict(call)}
        if path := desk.endpoint.context_path:
            record["context_path"] = path
        desk.shelf.put(key, record)
        call = replace(call, reply=separated(desk.endpoint, call.reply))
    return Answer(row, request, call)


def _kept(desk: AnswerDesk, key: str) -> Call | None:
    """The call as an earlier job has kept it, unless it is no answer as they are read today.

    Of a response its passages are kept, not the whole: from elsewhere in it they must come anew.
    """
    kept, path = desk.shelf.get(key), desk.endpoint.context_path
    if kept is None or (path and kept.get("context_path") != path):
        return None
    if "tools" in kept.get("request", {}) and "tool_calls" not in kept["call"]["reply"]:
        return None  # kept by a version that did not read calls beside a text
    try:
        reply = separated(desk.endpoint, Reply.of_record(kept["call"]["reply"]))
    except UnusableReply:
        return None
    if path is None:  # nobody asks for them any more: the dataset's context is judged against
        reply = replace(reply, retrieved=None)
    return Call(**{**kept["call"], "reply": reply})
