"""What can go wrong on purpose, for the demo endpoint and the demo judge alike.

Which call is hit is settled by a hash of (seed, request body, attempt number for that body): the
same run hits the same rows every time, and a retry of a row may succeed.
"""

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

CONNECTION_RESET = "connection-reset"

Outcome = Literal["answer", "throttle", "fail", "malformed", "hang"]
Malformed = Literal["not-json", "truncated", "empty", "error-inside"]
MALFORMED_KINDS: tuple[Malformed, ...] = ("not-json", "truncated", "empty", "error-inside")
JudgeHabit = Literal[
    "said-twice",
    "one-short",
    "off-scale",
    "nested",
    "cut-off",
    "fenced",
    "commented",
    "thinking",
    "thinking-unopened",
    "in-channels",
    "in-a-list",
]
"""What only a judge can do: see `pipeline.local.demo.judge.habits`."""
AROUND_VERDICTS: tuple[JudgeHabit, ...] = (
    "fenced",
    "commented",
    "thinking",
    "thinking-unopened",
    "in-channels",
    "in-a-list",
)
"""The habits that leave the verdict in the reply, with something around it."""
Share = Annotated[float, Field(ge=0, le=1)]


class Faults(BaseModel):
    """How one endpoint or judge model misbehaves. Shares are of calls, and together at most 1.

    fail_with: an error code of the service, or `connection-reset`; None is the service's usual one.
    model_error_status: OriginalStatusCode inside a ModelError (below 500 is permanent for callers).
    malformed_as: `any` picks one of the four kinds by the same hash. At the endpoint they are a
        body that is not JSON, a body cut in half, an empty answer, and an error inside a 200
        response; at the judge prose for a verdict, a verdict cut in half, no content, and a
        verdict in the right form whose every value is "error" (null for a reason alone). The judge
        has further habits, which `any` does not pick; `wild` picks one of all but
        `one-short`, by which a judge that lists less than it could is not told from another.
    die_after: this many calls are served, every later one fails with `fail_with`.
    throttle_over: calls in flight above this number are throttled (real concurrency, no hash).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    latency_ms: float = Field(default=20, ge=0)
    jitter_ms: float = Field(default=40, ge=0)
    throttle: Share = 0
    fail: Share = 0
    fail_with: str | None = None
    model_error_status: int = Field(default=503, ge=400, le=599)
    malformed: Share = 0
    malformed_as: Malformed | JudgeHabit | Literal["any", "wild"] = "any"
    hang: Share = 0
    die_after: int | None = Field(default=None, ge=0)
    throttle_over: int | None = Field(default=None, ge=1)
    seed: int = 0

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        total = self.throttle + self.fail + self.malformed + self.hang
        if total > 1:
            raise ValueError(f"throttle + fail + malformed + hang is {total:g}: want at most 1")
        return self


@dataclass(frozen=True)
class Decision:
    """malformed is set exactly when the outcome is malformed; whim is in [0, 1)."""

    outcome: Outcome
    malformed: Malformed | JudgeHabit | None
    delay_seconds: float
    whim: float = 0


class FaultPlan:
    """The faults of one name with their memory: calls so far, and attempts per request body."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._calls = 0
        self._attempts: Counter[str] = Counter()

    def decide(self, body: bytes, in_flight: int) -> Decision:
        """What happens to this call; `in_flight` counts the calls under way, this one included."""
        faults, digest = self.faults, sha256(body).hexdigest()
        self._calls += 1
        self._attempts[digest] += 1
        where = f"{faults.seed}/{digest}/{self._attempts[digest]}"
        delay_ms = faults.latency_ms + faults.jitter_ms * fraction(f"latency/{digest}")
        outcome = self._outcome(where, in_flight)
        malformed = self._malformed(where) if outcome == "malformed" else None
        return Decision(outcome, malformed, delay_ms / 1000, fraction(f"whim/{where}"))

    def _malformed(self, where: str) -> Malformed | JudgeHabit:
        drawn = fraction(f"kind/{where}")
        match self.faults.malformed_as:
            case "any":
                return MALFORMED_KINDS[int(drawn * len(MALFORMED_KINDS))]
            case "wild":
                habits = [each for each in get_args(JudgeHabit) if each != "one-short"]
                every: list[Malformed | JudgeHabit] = [*MALFORMED_KINDS, *habits]
                return every[int(drawn * len(every))]
            case settled:
                return settled

    def _outcome(self, where: str, in_flight: int) -> Outcome:
        faults = self.faults
        if faults.die_after is not None and self._calls > faults.die_after:
            return "fail"
        if faults.throttle_over is not None and in_flight > faults.throttle_over:
            return "throttle"
        shares: tuple[tuple[Outcome, float], ...] = (
            ("throttle", faults.throttle),
            ("fail", faults.fail),
            ("malformed", faults.malformed),
            ("hang", faults.hang),
        )
        drawn = fraction(f"outcome/{where}")
        for outcome, share in shares:
            if drawn < share:
                return outcome
            drawn -= share
        return "answer"


def fraction(text: str) -> float:
    """A number in [0, 1) that the text alone settles."""
    return int.from_bytes(sha256(text.encode()).digest()[:6], "big") / 2**48
