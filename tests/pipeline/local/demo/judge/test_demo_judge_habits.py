"""The demo judge's bad habits, and that our scorers take none of them for a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from pipeline.local.demo.endpoint.behaviour import EndpointBehaviour
from pipeline.local.demo.faults import AROUND_VERDICTS, MALFORMED_KINDS, Faults, JudgeHabit
from pipeline.local.demo.judge.model import JudgeModel
from pipeline.local.demo.judge.server import serve_judge
from processing.calls.paid_store import Shelf
from processing.calls.spend import Spend
from processing.config.judge import Judge, silence_libraries
from processing.config.scorers import parse_scorer
from processing.judges.verdict import JudgeError, Question
from processing.scorers.asked_once import PaidVerdicts
from processing.scorers.build import build_scorers

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning"),
]
HABITS = [
    *MALFORMED_KINDS,
    *(habit for habit in get_args(JudgeHabit) if habit not in AROUND_VERDICTS),
]
WILD = Faults(malformed=0.7, malformed_as="wild", throttle=0.1, jitter_ms=0, latency_ms=0)
ENTRIES: list[Any] = [
    "Safety",
    "AnswerRelevancy",
    "Faithfulness",
    {"FactualCorrectness": {"kind": "RAGAS"}},
    {"preferred": {"kind": "pairwise"}},
]
NO_LISTS = ("Safety", "preferred")  # a single verdict, which cannot be short of one
ROOM = {"max_tokens": 1_000_000}  # also for what is nested a hundred thousand times
ANSWER = "Pinch the soft nose for 10 minutes. Lean forward."
ROW = Question("How do I stop a nosebleed?", ANSWER, ANSWER, (ANSWER,), "Tilt your head back.")


@pytest.fixture(scope="module")
def ill_bred() -> Iterator[None]:
    silence_libraries()
    habits = {
        h: JudgeModel(faults=Faults(malformed=1, malformed_as=h, jitter_ms=0))
        for h in (*HABITS, *AROUND_VERDICTS)
    } | {"wild": JudgeModel(faults=WILD), "well": JudgeModel()}
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
    [
        (habit, entry)
        for habit in HABITS
        for entry in ENTRIES
        if habit != "one-short"
        or (entry if isinstance(entry, str) else next(iter(entry))) not in NO_LISTS
    ],
    ids=lambda given: given if isinstance(given, str) else next(iter(given)),
)
def test_no_habit_passes_for_a_verdict(habit: str, entry: Any) -> None:
    [built] = build_scorers(
        [parse_scorer(entry)], Judge(model=f"bedrock:/{habit}", parameters=ROOM)
    )
    with pytest.raises(JudgeError, match=r"the judge answered|no verdict: cut off"):
        built.score(ROW)


@pytest.mark.usefixtures("ill_bred")
@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_what_is_around_a_verdict_does_not_change_it(entry: Any) -> None:
    told = {
        model: build_scorers([parse_scorer(entry)], Judge(model=f"bedrock:/{model}"))[0].score(ROW)
        for model in ("well", *AROUND_VERDICTS)
    }
    assert {verdict.value for verdict in told.values()} == {told["well"].value}


@pytest.mark.usefixtures("ill_bred")
@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_a_wild_judge_s_verdicts_are_those_of_a_good_one_or_errors(
    entry: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processing.judges.service.FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("processing.scorers.asked_once.FIRST_PAUSE_SECONDS", 0.001)
    rows = [replace(ROW, question=f"How do I stop nosebleed {n}?") for n in range(12)]
    values: dict[str, list[Any]] = {}
    for model in ("well", "wild"):
        judge = Judge(model=f"bedrock:/{model}", parameters=ROOM)
        [built] = build_scorers([parse_scorer(entry)], judge)
        paid = PaidVerdicts({built.definition: Shelf(tmp_path / model)}, Spend({}))
        values[model] = [paid.record_on(built, row).get("value") for row in rows]
    given = [
        pair for pair in zip(values["well"], values["wild"], strict=True) if pair[1] is not None
    ]
    assert len(given) >= 3
    assert [well for well, _ in given] == [wild for _, wild in given]


@pytest.mark.parametrize("habit", get_args(JudgeHabit))
def test_an_endpoint_has_no_judge_s_habits(habit: JudgeHabit) -> None:
    with pytest.raises(ValueError, match="only the demo judge does so"):
        EndpointBehaviour(faults=Faults(malformed=1, malformed_as=habit))
