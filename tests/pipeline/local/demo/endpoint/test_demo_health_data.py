"""The example data, and that the good demo endpoint really does better on it than the worse."""

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.local.demo.endpoint.retrieval import Knowledge, example_knowledge, read_knowledge

GOOD, WORSE = "health-qa-good", "health-qa-worse"
HEALTH = Path(__file__).parents[5] / "examples" / "health"


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (HEALTH / name).read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def answers(runtime: Any) -> dict[str, list[str]]:
    """What each endpoint answers to every question, in order."""

    def ask(name: str, question: str) -> str:
        body = json.dumps({"messages": [{"role": "user", "content": question}]})
        response = runtime.invoke_endpoint(EndpointName=name, Body=body)
        return str(json.loads(response["Body"].read())["choices"][0]["message"]["content"])

    questions = [row["question"] for row in rows("questions.jsonl")]
    return {name: [ask(name, question) for question in questions] for name in (GOOD, WORSE)}


def test_every_question_is_complete_and_there_is_only_one_of_each() -> None:
    questions = rows("questions.jsonl")
    assert len(questions) >= 120
    assert len({row["question"] for row in questions}) == len(questions)
    for row in questions:
        assert set(row) == {"question", "answer", "passages", "topic", "kind", "audience"}
        assert all(row.values()), row
        assert 20 <= len(row["answer"].split()) <= 60, row


def test_each_slice_has_enough_rows_to_say_something() -> None:
    questions = rows("questions.jsonl")
    topics = [row["topic"] for row in questions]
    kinds = [row["kind"] for row in questions]
    assert len(set(topics)) == 10
    assert min(topics.count(topic) for topic in topics) >= 10
    assert set(kinds) == {"fact", "how-to", "when-to-seek-help"}
    assert min(kinds.count(kind) for kind in kinds) >= 20


def test_knowledge_is_worded_differently_from_the_expected_answers() -> None:
    expected = {row["answer"] for row in rows("questions.jsonl")}
    passages = rows("knowledge.jsonl")
    assert len({row["id"] for row in passages}) == len(passages) >= 100
    assert not [row["id"] for row in passages if any(text in row["text"] for text in expected)]


@pytest.mark.parametrize("name", ["questions", "knowledge"])
def test_the_500_begin_with_what_the_demo_has(name: str) -> None:
    demo, larger = (HEALTH / f"{name}{end}.jsonl" for end in ("", "_500"))
    assert larger.read_bytes().startswith(demo.read_bytes())


def test_each_of_the_500_is_complete_and_there_is_only_one_of_each() -> None:
    questions, passages = rows("questions_500.jsonl"), rows("knowledge_500.jsonl")
    known = {passage["text"] for passage in passages}
    assert len({row["question"].casefold() for row in questions}) == len(questions) == 500
    assert len({row["answer"] for row in questions}) == len(questions)
    assert {row["kind"] for row in questions} == {"fact", "how-to", "when-to-seek-help"}
    for row in questions:
        assert list(row) == ["question", "answer", "topic", "kind", "audience", "passages"]
        assert all(row.values()), row
        assert len(row["passages"]) == len({*row["passages"]} & known) == 3, row


def test_the_good_model_answers_most_of_the_500_from_the_right_passage_and_the_worse_few() -> None:
    questions = rows("questions_500.jsonl")
    known = Knowledge(read_knowledge(example_knowledge()["health-500"]))

    def right(answer: Callable[[str], str]) -> int:
        return sum(answer(row["question"]) in row["passages"][0] for row in questions)

    assert 425 <= right(known.good_answer) <= 475
    assert right(known.worse_answer) < 50


@pytest.mark.slow
def test_good_endpoint_beats_the_worse_one_by_a_clear_margin(answers: dict[str, list[str]]) -> None:
    rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer")
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=True)
    expected = [row["answer"] for row in rows("questions.jsonl")]

    def mean_rouge(name: str) -> float:
        pairs = zip(expected, answers[name], strict=True)
        return statistics.mean(float(scorer.score(e, a)["rougeL"].fmeasure) for e, a in pairs)

    good, worse = mean_rouge(GOOD), mean_rouge(WORSE)
    assert 0.45 <= good <= 0.65
    assert worse < 0.3


@pytest.mark.slow
def test_some_answers_of_the_good_endpoint_are_wrong_but_none_is_long(
    answers: dict[str, list[str]],
) -> None:
    made = answers[GOOD]
    assert 0 < made.count("I have no information about that.") < 0.1 * len(made)
    assert all(len(text.split()) <= 80 for text in made)
    long = [text for text in answers[WORSE] if len(text.split()) > 80]
    assert len(long) > 0.4 * len(made)
