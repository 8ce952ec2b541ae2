"""What a verdict took: each try for it, and each call to the judge in a try, as both happened.

Whoever wants to know notes a verdict's tries; the calls of a try are noted by whoever makes them
(`noting_calls` around it, `noted` where a call is made), whichever framework stands between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import Any

from processing.base.clean_text import storable
from processing.base.secrets import masked, masking

LONGEST_TEXT = 20_000
"""Characters of a message, a reply or a reason that are kept; a prompt of a metric has 2,000."""

_LOOKED_AT = 4_000
"""Characters beyond, so that a secret at the end is masked as a whole."""


INQUIRY = "inquiry"
"""In a verdict's record, and never on a shelf: how it came about, as `inquiry_record`."""


@dataclass
class JudgeCall:
    """One call: messages in, and a reply or the reason why there is none; both, if it is malformed.

    Times in nanoseconds since 1970, the wait for the rate limit included. `requests`: how many the
    reply took, 0 where none came. `reused`: the reply had been paid for by an earlier try or job.
    """

    model: str
    messages: list[dict[str, str]]
    started_ns: int
    ended_ns: int = 0
    reply: str | None = None
    reasoning: str = ""
    stop_reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    requests: int = 0
    error: str | None = None
    reused: bool = False


@dataclass
class Try:
    """One try for a verdict. `error`: why it gave none, None if it gave one.

    `repeat`: for which of the judge's verdicts on the row, from 1. `reused`: an earlier job has
    paid for that one, and its calls are not kept. `judge`: whose, where several were asked.
    """

    started_ns: int
    ended_ns: int = 0
    error: str | None = None
    calls: list[JudgeCall] = field(default_factory=list)
    repeat: int = 1
    reused: bool = False
    judge: str = ""


def inquiry_record(tries: Sequence[Try]) -> list[Any]:
    """How a verdict came about, as JSON, its texts as they may be shown."""
    mask = masking()
    return [_shown(asdict(each), mask) for each in tries]


def inquiry_of(record: Sequence[dict[str, Any]]) -> list[Try]:
    """What `inquiry_record` was made of."""
    return [
        Try(**{**each, "calls": [JudgeCall(**call) for call in each["calls"]]}) for each in record
    ]


_NOTED: ContextVar[list[JudgeCall] | None] = ContextVar("noted calls", default=None)


@contextmanager
def noting_calls(tries: list[Try] | None, repeat: int) -> Iterator[None]:
    """A further one of `tries`, with every call for it; None notes nothing."""
    if tries is None:
        yield
        return
    begun = Try(time.time_ns(), repeat=repeat)
    tries.append(begun)
    before = _NOTED.set(begun.calls)
    try:
        yield
    except Exception as error:
        begun.error = str(error)
        raise
    finally:
        begun.ended_ns = time.time_ns()
        _NOTED.reset(before)


def note_reused(tries: list[Try] | None, repeat: int) -> None:
    if tries is not None:
        now = time.time_ns()
        tries.append(Try(now, now, repeat=repeat, reused=True))


def noted_calls() -> list[JudgeCall] | None:
    """Where the calls of the present try belong; None where nobody wants to know."""
    return _NOTED.get()


@contextmanager
def noted(
    calls: list[JudgeCall] | None, model: str, messages: Sequence[dict[str, str]]
) -> Iterator[JudgeCall]:
    """A call to `model`, to be completed within the block; failed if the block raises."""
    call = JudgeCall(model, list(messages), time.time_ns())
    if calls is not None:
        calls.append(call)
    try:
        yield call
    except Exception as error:
        call.error = str(error)
        raise
    finally:
        call.ended_ns = time.time_ns()


def _shown(document: Any, mask: Callable[[str], str]) -> Any:
    """A JSON document with every text as `shown_text`."""
    if isinstance(document, str):
        return shown_text(document, mask)
    if isinstance(document, dict):
        return {key: _shown(value, mask) for key, value in document.items()}
    if isinstance(document, list):
        return [_shown(value, mask) for value in document]
    return document


def shown_text(text: str, mask: Callable[[str], str] = masked) -> str:
    """`text` without secrets, and not longer than a record can hold."""
    text, left = text[: LONGEST_TEXT + _LOOKED_AT], max(0, len(text) - LONGEST_TEXT)
    text = storable(mask(text))
    return f"{text[:LONGEST_TEXT]} [... {left:,} more characters]" if left else text
