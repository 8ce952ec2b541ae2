"""When a judge counts as down: for what no row can help, and never once it has given a verdict."""

from __future__ import annotations

import pytest

from processing.base.errors import JudgingError
from processing.config.judge import Judge
from processing.judges.health import REFUSED_AT_FIRST, JudgeHealth
from processing.judges.verdict import JudgeError

JUDGE = Judge(model="bedrock:/some-model")
DENIED = JudgeError("the judge failed (AccessDeniedException: You don't have access)", False)
NOT_REACHED = JudgeError("the judge failed (EndpointConnectionError: Could not connect)", True)
THROTTLED = JudgeError("the judge failed (ThrottlingException: Too many requests)", True, True)
LATE = JudgeError("the judge failed (ReadTimeoutError: Read timeout)", True, timed_out=True)
NO_CONTEXT = JudgeError("Faithfulness judges against a context and this row has none", False)


def after(times: int, error: JudgeError) -> JudgeHealth:
    health = JudgeHealth()
    for _ in range(times):
        health.failed(JUDGE, error)
    return health


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        (DENIED, "permissions show job"),
        (NOT_REACHED, "can the job reach it?"),
        (THROTTLED, "asked too often"),
        (LATE, "ReadTimeoutError"),
    ],
)
def test_a_judge_that_refuses_or_is_not_reached_is_down(error: JudgeError, helps: str) -> None:
    after(REFUSED_AT_FIRST - 1, error).require()
    with pytest.raises(JudgingError, match="some-model refuses every verdict") as raised:
        after(REFUSED_AT_FIRST, error).require()
    assert helps in str(raised.value)
    assert error.reason in str(raised.value)


def test_what_is_one_row_s_is_the_gate_s_matter() -> None:
    after(1000, NO_CONTEXT).require(refused=1)


def test_a_judge_that_is_asked_no_more_is_down_however_many_verdicts_it_has_given() -> None:
    health = after(1, JudgeError("the judge failed (8 calls in a row)", False, timed_out=True))
    health.gave(JUDGE)
    with pytest.raises(JudgingError, match=r"some-model has stopped answering: .*8 calls in a row"):
        health.require()


def test_a_judge_that_has_given_a_verdict_is_not_down() -> None:
    health = after(1000, DENIED)
    health.gave(JUDGE)
    health.require(refused=1)


def test_another_judge_s_verdicts_do_not_count() -> None:
    health = after(REFUSED_AT_FIRST, DENIED)
    health.gave(Judge(model="bedrock:/another"))
    with pytest.raises(JudgingError):
        health.require()


@pytest.mark.parametrize(
    ("said", "helps"),
    [
        ("APIConnectionError: Connection error.", "judge.base_url"),
        ("HTTP 403: Forbidden: access denied", "a key that the judge's server takes"),
        ("HTTP 404: The model `m` does not exist", "the model that judge.model names"),
    ],
)
def test_what_to_do_is_about_the_provider_that_was_asked(said: str, helps: str) -> None:
    health = JudgeHealth()
    health.failed(Judge(model="openai:/m"), JudgeError(f"the judge failed ({said})", False))
    with pytest.raises(JudgingError) as raised:
        health.require(refused=1)
    assert helps in str(raised.value)
    for of_aws in ("edrock", "permissions show", "aws "):
        assert of_aws not in str(raised.value)
