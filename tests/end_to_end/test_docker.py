"""The same pipeline in the image: what it says, what it keeps when stopped, what it refuses."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from pipelines import (
    WITHOUT_JUDGE,
    evaluation,
    execution_id,
    kept,
    named,
    packages,
    read_s3,
    run,
    start_in_background,
    step_reason,
)
from running_aws import ConfigWriter, RunningAws

pytestmark = [pytest.mark.integration, pytest.mark.docker]

# one scorer of each kind: ours, RAGAS with and without a judge, MLflow's, guidelines, a template,
# DeepEval
EVERY_KIND: list[Any] = [
    "rougeL_fmeasure",
    "ChrfScore",
    "BleuScore",
    {"is_brief": {"max_words": 80}},
    "Correctness",
    {"empathy_and_clarity": {"guidelines": ["The response is kind."]}},
    {"coherence": {"template": "Coherent? {{ inputs }} {{ outputs }}", "levels": {"a": 1, "b": 0}}},
    "AnswerRelevancy",
    {"FactualCorrectness": {"kind": "RAGAS"}},
]


def test_the_verdict_in_containers_is_that_of_processes(
    aws: RunningAws, docker_aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(
        **named(
            "same",
            dataset={"sample_size": 12},
            budgets={"min_rows": 5},
            scorers=EVERY_KIND,
            thresholds={"rougeL_fmeasure": {"min": 0.35}, "Correctness": {"min": 0.5}},
        )
    )
    names = [entry if isinstance(entry, str) else next(iter(entry)) for entry in EVERY_KIND]
    found = {}
    for name, where in {"processes": aws, "containers": docker_aws}.items():
        done = run(where, config, "EndpointName=health-qa-good")
        document = evaluation(where, "same", done.stdout)
        rows = f"s3://llm-evaluation-demo/same/runs/{execution_id(done.stdout)}/evaluation"
        found[name] = {
            "exit code": done.returncode,
            "registered": len(packages(where, "same")),
            "gate": document["gate"],
            "thresholds": document["thresholds"],
            "metrics": _but_for_times(document["metrics"]),
            "rows": sorted(_verdicts(read_s3(where, f"{rows}/rows.jsonl"))),
        }
    assert found["containers"] == found["processes"]
    assert len(found["containers"]["rows"]) == 12
    scored = {name: found["containers"]["metrics"][name] for name in names}
    assert {(metric["n"], metric["errors"]) for metric in scored.values()} == {(12, 0)}
    assert found["containers"]["registered"] == 1


def _but_for_times(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: metric for name, metric in metrics.items() if not name.startswith("latency_")}


def _verdicts(rows: bytes) -> list[str]:
    """Each row without how long it took and where its trace is."""
    documents = [json.loads(line) for line in rows.splitlines()]
    return [
        json.dumps(
            {k: v for k, v in row.items() if "latency" not in k and k != "trace_id"},
            sort_keys=True,
        )
        for row in documents
    ]


def test_a_stopped_job_keeps_what_was_paid_for(
    docker_aws: RunningAws, write_config: ConfigWriter
) -> None:
    docker_aws.add_endpoint("stop-me", faults={"latency_ms": 500, "jitter_ms": 0})
    config = write_config(**named("stopped", endpoint={"concurrency": 2}, **WITHOUT_JUDGE))
    assert docker_aws.type("upsert", "--config", str(config)).returncode == 0
    called_before = docker_aws.calls("SAGEMAKER_RUNTIME")
    process = start_in_background(docker_aws, config, "EndpointName=stop-me")
    _until(lambda: len(kept(docker_aws, "stopped", "answers")) >= 4)

    assert docker_aws.type("stop", "--config", str(config)).returncode == 0
    output, _ = process.communicate(timeout=60)

    job = _evaluation_job(docker_aws, execution_id(output))
    assert job["ProcessingJobStatus"] == "Stopped"
    assert "start again to go on from there" in job["ExitMessage"]
    # those under way when it was stopped came home too: no call was paid for and lost
    answers = len(kept(docker_aws, "stopped", "answers"))
    assert answers == docker_aws.calls("SAGEMAKER_RUNTIME") - called_before
    assert 4 <= answers < 40


def test_other_code_than_the_upserted_is_refused(
    aws: RunningAws, docker_aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**named("other-code", **WITHOUT_JUDGE))
    for where in (aws, docker_aws):
        assert where.type("upsert", "--config", str(config)).returncode == 0
        sagemaker = where.client("sagemaker")
        text = sagemaker.describe_pipeline(PipelineName="other-code")["PipelineDefinition"]
        definition = json.loads(text)
        for step in definition["Steps"][:2]:
            step["Arguments"]["Environment"]["CODE_DIGEST"] = "0" * 64
        sagemaker.update_pipeline(
            PipelineName="other-code", PipelineDefinition=json.dumps(definition)
        )
        process = start_in_background(where, config, "EndpointName=health-qa-good")
        output, _ = process.communicate(timeout=60)
        reason = step_reason(where, "other-code", execution_id(output), "PrepareDataset")
        assert "the image was built from other code" in reason
        assert "make image" in reason


def _evaluation_job(aws: RunningAws, execution: str) -> dict[str, Any]:
    sagemaker = aws.client("sagemaker")
    jobs = sagemaker.list_processing_jobs(NameContains=execution)["ProcessingJobSummaries"]
    [name] = [name for job in jobs if "EvaluateModel" in (name := job["ProcessingJobName"])]
    described: dict[str, Any] = sagemaker.describe_processing_job(ProcessingJobName=name)
    return described


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.2)
