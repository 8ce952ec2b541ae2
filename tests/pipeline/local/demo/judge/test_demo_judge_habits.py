"""The demo judge's bad habits, and that our scorers take none of them for a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest

from pipeline.local.demo.endpoint.server import EndpointBehaviour
from pipeline.local.demo.faults import MALFORMED_KINDS, Faults, JudgeHabit
from pipeline.local.demo.judge.model import JudgeModel
from pipeline.local.demo.judge.server import serve_judge
from processing.config.judge import Judge, silence_libraries
from processing.config.scorers import parse_scorer
from processing.judges.verdict import JudgeError, Question
from processing.scorers.build import build_scorers

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning"),
]
HABITS = [*MALFORMED_KINDS, *get_args(JudgeHabit)]
ENTRIES: list[Any] = [
    "Safety",
    "AnswerRelevancy",
    "Faithfulness",
    {"FactualCorrectness": {"kind": "RAGAS"}},
]
NO_LIST = ("one-short", "Safety")  # a single verdict, which cannot be short of one
ROOM = {"max_tokens": 1_000_000}  # also for what is nested a hundred thousand times
ANSWER = "Pinch the soft nose for 10 minutes. Lean forward."
ROW = Question("How do I stop a nosebleed?", ANSWER, ANSWER, (ANSWER,))


@pytest.fixture(scope="module")
def ill_bred() -> Iterator[None]:
    silence_libraries()
    habits = {
        h: JudgeModel(faults=Faults(malformed=1, malformed_as=h, jitter_ms=0)) for h in HABITS
    }
    server = serve_judge(models=habits)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield
    server.stop()


@pytest.mark.usefixtures("ill_bred")
@pytest.mark.parametrize(
    ("habit", "entry"),
    [(habit, entry) for habit in HABITS for entry in ENTRIES if (habit, entry) != NO_LIST],
    ids=lambda given: given if isinstance(given, str) else next(iter(given)),
)
def test_no_habit_passes_for_a_verdict(habit: str, entry: Any) -> None:
    [built] = build_scorers(
        [parse_scorer(entry)], Judge(model=f"bedrock:/{habit}", parameters=ROOM)
    )
    with pytest.raises(JudgeError, match="the judge answered"):
        built.score(ROW)


@pytest.mark.parametrize("habit", get_args(JudgeHabit))
def test_an_endpoint_has_no_judge_s_habits(habit: JudgeHabit) -> None:
    with pytest.raises(ValueError, match="only the demo judge does so"):
        EndpointBehaviour(faults=Faults(malformed=1, malformed_as=habit))
