"""The labels that the demo's configuration names are of the answers that its good model gives."""

from __future__ import annotations

import pytest
from end_to_end.pipelines import start
from running_aws import REPOSITORY, ConfigWriter, RunningAws

from pipeline.local.demo.endpoint.retrieval import HEALTH_KNOWLEDGE, Knowledge, read_knowledge
from processing.config.file import load_config
from processing.labels.label import same_text
from processing.labels.sources import labels_of_file

LABELS = "examples/health/labels.csv"


def test_each_label_is_of_the_answer_that_the_good_model_gives_and_of_no_other() -> None:
    config = load_config(REPOSITORY / "evaluation.yaml")
    assert config.labels == LABELS
    labels, _ = labels_of_file(config, REPOSITORY)
    model = Knowledge(read_knowledge(HEALTH_KNOWLEDGE))
    assert [label.question for label in labels if label.number is None] == []
    for label in labels:
        assert same_text(model.good_answer(label.question)) == same_text(label.answer)
    assert len({label.row_id for label in labels}) == len(labels) == 129
    worse = [model.worse_answer(label.question) == label.answer for label in labels]
    assert sum(worse) < len(labels) / 2


@pytest.mark.integration
def test_the_good_model_s_report_has_kappa_and_the_worse_one_s_says_why_it_has_none(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(
        labels=LABELS,
        scorers=["Correctness"],
        thresholds={"Correctness": {"min": 0.1}},
        mlflow={"tracking_uri": aws.mlflow, "experiment": "bundled-labels"},
    )
    there = config.parent / LABELS
    there.parent.mkdir(parents=True)
    there.write_bytes((REPOSITORY / LABELS).read_bytes())
    assert aws.type("upsert", "--config", str(config)).returncode == 0
    told = {}
    for model in ("health-qa-good", "health-qa-worse"):
        done = start(aws, config, f"EndpointName={model}")
        told[model] = " ".join(done.stdout.split())
    people = "people: Correctness's judge agrees with people on 45 of 45 answers, kappa 1.00"
    assert people in told["health-qa-good"], told
    assert "corrected by 45 labels" in told["health-qa-good"]
    assert "of another answer" in told["health-qa-worse"], told
