"""The example's own scorers, asked over the wire of the demo judge that the demo starts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from running_aws import REPOSITORY

from pipeline.local.demo.endpoint.retrieval import HEALTH_KNOWLEDGE, Knowledge, read_knowledge
from pipeline.local.demo.judge.server import serve_judge
from processing.config.file import load_config
from processing.config.judge import silence_libraries
from processing.config.scorer_numbers import is_not_applicable, number_of
from processing.judges.verdict import Question
from processing.scorers.build import build_scorers

pytestmark = pytest.mark.integration

EXAMPLE = REPOSITORY / "evaluation.yaml"


@pytest.fixture(scope="module")
def demo_judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    silence_libraries()
    server = serve_judge()
    store = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store}")
        yield
    server.stop()


@pytest.mark.usefixtures("demo_judge")
@pytest.mark.filterwarnings("ignore:.*same direction:DeprecationWarning")
def test_every_scorer_of_the_example_gives_every_row_a_number_or_says_that_none_applies() -> None:
    config = load_config(EXAMPLE)
    knowledge = Knowledge(read_knowledge(HEALTH_KNOWLEDGE))
    lines = Path(HEALTH_KNOWLEDGE).with_name("questions.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines[::16]]
    questions = [
        Question(
            row["question"],
            knowledge.good_answer(row["question"]),
            row["answer"],
            tuple(row["passages"]),
        )
        for row in rows
    ]
    built = build_scorers(config.scorers, config.judge, EXAMPLE.parent)
    assert {scorer.spec.kind for scorer in built} >= {"Guidelines", "template", "DeepEval", "RAGAS"}
    with ThreadPoolExecutor(16) as threads:
        for scorer in built:
            verdicts = list(threads.map(scorer.score, questions))
            for verdict in verdicts:
                number = number_of(scorer.spec, verdict.value)
                assert number is not None or is_not_applicable(scorer.spec, verdict.value)
            assert {verdict.name for verdict in verdicts} == {scorer.spec.name}
            if scorer.judge is not None:
                assert all(verdict.source.source_id == scorer.judge.model for verdict in verdicts)
