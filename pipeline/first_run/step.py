"""One thing to settle, and what its trial came to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from processing.base.errors import LaunchError

Status: TypeAlias = Literal["settled", "differs", "refused", "interrupted", "not tried"]


@dataclass(frozen=True)
class Cost:
    """`minutes` are an estimate for AWS; `paid` is what is charged for beside them."""

    calls: str = "1 call"
    minutes: float = 0
    paid: str = "free"


@dataclass(frozen=True)
class Step:
    """`run` says what was seen. It raises Differs, or whatever else, if nothing is settled."""

    name: str
    settles: str
    cost: Cost
    run: Callable[[], str]


@dataclass(frozen=True)
class Result:
    """`words` are AWS's own; `said` is what was seen, or how to go on."""

    step: Step
    status: Status
    said: str = ""
    words: str = ""


class Refused(LaunchError):
    """AWS does not take it. `words` are its own; the message says how to go on."""

    def __init__(self, message: str, words: str) -> None:
        super().__init__(message)
        self.words = words


class Differs(Refused):
    """AWS does something else than this project is built for."""


def settle(steps: Sequence[Step], explain: Callable[[Exception], str]) -> Iterator[Result]:
    """A result for each step; after one that is not settled, none is tried any more.

    `explain` makes one line of an exception. Ctrl-C counts as a result of its step.
    """
    going_on = True
    for step in steps:
        result = _try(step, explain) if going_on else Result(step, "not tried")
        going_on = going_on and result.status == "settled"
        yield result


def _try(step: Step, explain: Callable[[Exception], str]) -> Result:
    try:
        return Result(step, "settled", step.run())
    except KeyboardInterrupt:
        return Result(step, "interrupted", "what was made for it is deleted")
    except Differs as error:
        return Result(step, "differs", str(error), error.words)
    except Exception as error:  # noqa: BLE001 whatever it is, what was made has to be deleted
        return Result(step, "refused", explain(error), raw_words(error))


def raw_words(error: BaseException) -> str:
    """What AWS said, as it said it: of the exception, or of the one that it came from."""
    from botocore.exceptions import ClientError

    if isinstance(error, Refused):
        return error.words
    if isinstance(error, ClientError):
        answer = error.response["Error"]
        return f"{error.operation_name}: {answer.get('Code')}: {answer.get('Message')}"
    if error.__cause__ is not None:
        return raw_words(error.__cause__)
    return f"{type(error).__name__}: {error}"
