"""A judge that refuses every verdict ends the evaluation, before everything else has been paid for.

What counts is a refusal that asking again does not change (no access, no such model, no key), a
reply that is cut off, that nobody is reached or answers in time, or throttling for as long as
`judge.retry_seconds`, for every verdict so far; single rows that cannot be judged are the gate's
matter. One refusal is enough where it is final: a retired model, a parameter's wrong value. A judge
that stops answering is down however many verdicts it has given (`processing.judges.silence`).
"""

from __future__ import annotations

import threading
from collections import Counter

from processing.base.aws_hints import and_hint, who_acts
from processing.base.errors import JudgingError
from processing.config.judge import Judge
from processing.judges.verdict import NO_VERDICT, JudgeError

REFUSED_AT_FIRST = 10
"""So many verdicts refused, and none given: no more answers are asked for to be judged."""


_NOT_REACHED = ("EndpointConnectionError", "ConnectTimeoutError", "APIConnectionError")


class JudgeHealth:
    """What each judge has done so far. Safe between threads."""

    def __init__(self) -> None:
        self._working: set[_AsAsked] = set()
        self._refused: Counter[_AsAsked] = Counter()
        self._last: dict[_AsAsked, JudgeError] = {}
        self._silent: dict[str, str] = {}
        self._lock = threading.Lock()

    def gave(self, judge: Judge) -> None:
        with self._lock:
            self._working.add(_as_asked(judge))

    def failed(self, judge: Judge, error: JudgeError) -> None:
        # the wires' words; a verdict that came and is malformed begins otherwise
        words = ("the judge failed", NO_VERDICT)
        refused = error.reason.startswith(words) and not error.retryable
        unreached = any(name in error.reason for name in _NOT_REACHED)
        if not (refused or unreached or error.timed_out or error.throttled):
            return
        with self._lock:
            if error.timed_out and refused:
                self._silent[judge.model] = error.reason
            self._refused[_as_asked(judge)] += REFUSED_AT_FIRST if error.final else 1
            self._last[_as_asked(judge)] = error

    def require(self, refused: int = REFUSED_AT_FIRST) -> None:
        """Raise JudgingError if a judge has stopped answering, or has refused at least so many
        verdicts and given none.
        """
        with self._lock:
            silent = list(self._silent.items())
            down = [j for j, n in self._refused.items() if n >= refused and j not in self._working]
            errors = [self._last[judge] for judge in down]
        if silent:
            raise JudgingError(
                f"judge {silent[0][0]} has stopped answering: {silent[0][1][:600]}; a slow judge "
                "needs a longer judge.timeout_seconds; what was answered until then is kept: "
                "start again to go on from there"
            )
        if down:
            model, error = down[0][0], errors[0]
            raise JudgingError(
                f"judge {model} {_how(error)}: {error.reason[:600]}"
                f"{what_to_do(model, error.reason)}; what was answered until then is kept: start "
                "again to go on from there"
            )


_AsAsked = tuple[str, str | None, str]


def _as_asked(judge: Judge) -> _AsAsked:
    """A scorer's own judge may be refused its parameters, and the same model work for others."""
    return judge.model, judge.base_url, str(sorted(judge.sent_parameters.items()))


def _how(error: JudgeError) -> str:
    if error.final:
        return "cannot be asked"
    return "gives no verdict" if error.reason.startswith(NO_VERDICT) else "refuses every verdict"


_OF_OTHERS = (
    (_NOT_REACHED, "does a server run at judge.base_url, and can the job reach it (VPC, port)?"),
    (
        ("401", "403", "AuthenticationError"),
        "does the job have a key that the judge's server takes? secrets: brings it",
    ),
    (("404", "NotFoundError"), "does the judge's server have the model that judge.model names?"),
)
"""For a judge that is not asked through AWS: in its reason, and what to do then."""


def what_to_do(model: str, reason: str) -> str:
    """As the end of a sentence, and about the provider that was asked; or nothing."""
    if "bedrock" in model.partition(":/")[0]:
        return and_hint(reason, who_acts())
    return next((f"; {hint}" for words, hint in _OF_OTHERS if any(w in reason for w in words)), "")
