"""What `check` says of retrieved passages: who is judged against what, and what cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from configuration_file import read_document
from running_aws import REPOSITORY

from processing.config.file import config_and_problems
from processing.config.retrieval import context_lines

EXAMPLE = REPOSITORY / "examples" / "retrieval" / "evaluation.yaml"


def changed(
    dataset: dict[str, Any], endpoint: dict[str, Any], scorers: list[Any]
) -> tuple[list[str], list[str]]:
    """What is judged against what, and the mistakes, of the example with these changes."""
    document = read_document(EXAMPLE)
    document["dataset"]["columns"].update(dataset.pop("columns", {}))
    document["dataset"].update(dataset)
    document["endpoint"] = {"name": "e", **endpoint}
    document["scorers"] = [*scorers, "Safety"]
    document["thresholds"] = {"Safety": {"min": 0.5}}
    document["slices"] = {}
    config, problems = config_and_problems(document)
    lines = list(context_lines(config)) if config else []
    return lines, [f"{'.'.join(map(str, where))}: {what}" for where, what in problems]


PATH = {"response": {"context": "passages"}}
GROUNDED: list[Any] = ["RetrievalGroundedness", {"Hallucination": {"kind": "DeepEval"}}]


def test_it_says_who_is_judged_against_what() -> None:
    lines, problems = changed({}, PATH, GROUNDED)
    assert problems == []
    assert lines == [
        "judged against the passages that were retrieved (endpoint.response.context, passages): "
        "RetrievalGroundedness",
        "judged against the dataset's context (column 'passage'): Hallucination",
    ]
    lines, _ = changed({}, {}, GROUNDED)
    assert lines == [
        "judged against the dataset's context (column 'passage'): "
        "RetrievalGroundedness, Hallucination"
    ]


@pytest.mark.parametrize(
    ("dataset", "endpoint", "said"),
    [
        ({"columns": {"context": None}}, {}, "scorers.0: RetrievalGroundedness judges against a"),
        (
            {"columns": {"context": None}},
            PATH,
            "scorers.1: Hallucination judges against the dataset's context, and never against what "
            "was retrieved",
        ),
        ({}, {"response": {"context": "passages["}}, "is not a JMESPath expression"),
        ({}, {"response": {"answer": "text"}}, "are only for format: template, apart from"),
        (
            {"answers": "given", "columns": {"answer": "said"}},
            PATH,
            "endpoint.response.context: with dataset.answers: given the endpoint returns nothing",
        ),
        ({"columns": {"retrieved_context": "found"}}, {}, "it needs answers: given"),
    ],
)
def test_what_cannot_be_is_refused(
    dataset: dict[str, Any], endpoint: dict[str, Any], said: str
) -> None:
    _, problems = changed(dict(dataset), endpoint, GROUNDED)
    assert any(said in problem for problem in problems), problems
