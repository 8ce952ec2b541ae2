"""Answers that exist already are evaluated as they stand: nobody is called for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from configuration_file import read_document, write_document
from mlflow import MlflowClient
from pipelines import WITHOUT_JUDGE, evaluation, execution_id, named, packages, read_s3, run
from running_aws import ConfigWriter, RunningAws
from typed_command import CREDENTIALS, typed

from pipeline.comparison.compare import compare
from pipeline.in_process.evaluate import evaluate
from processing.base.errors import ConfigError

ENDPOINT = "SAGEMAKER_RUNTIME"

MODEL = "arn:aws:sagemaker:us-east-1:123456789012:model/batch-model"
ROWS = [
    {
        "id": number,
        "question": f"What is {number} plus {number}?",
        "expected_response": f"The sum of the two numbers is {2 * number}.",
        "answer": f"The sum of the two numbers is {2 * number}.",
        "took": 100 + number,
    }
    for number in range(40)
]


def given(folder: Path, rows: list[dict[str, Any]], **dataset: Any) -> dict[str, Any]:
    """`dataset:` of a file beside the configuration whose answers are given."""
    file = folder / "answered.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = {"answer": "answer", **dataset.pop("columns", {})}
    return {"source": file.name, "answers": "given", "columns": columns, "sample_size": 0} | dataset


def without_endpoint(path: Path) -> Path:
    document = read_document(path)
    for section in ("endpoint", "candidate", "trigger"):
        document.pop(section, None)
    for section in ("slices", "champion", "judge"):
        document.pop(section, None)
    document["registration"].pop("stamp_candidate", None)
    return write_document(document, path)


def configured(write_config: ConfigWriter, name: str, rows: Any, **changes: Any) -> Path:
    own = named(name, **WITHOUT_JUDGE)
    dataset = changes.pop("dataset", {})
    for section, change in changes.items():
        own[section] = own.get(section, {}) | change if section != "thresholds" else change
    path = write_config(**own)
    own["dataset"] = given(path.parent, rows, **dataset)
    return without_endpoint(write_config(**own))


@pytest.mark.integration
def test_a_pipeline_without_an_endpoint_says_what_the_answers_are_worth_and_registers_nothing(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    rows = [*ROWS[:-1], {**ROWS[-1], "answer": " "}]
    config = configured(write_config, "given", rows, budgets={"max_endpoint_error_share": 0.1})
    asked = aws.calls(ENDPOINT)
    done = run(aws, config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert aws.calls(ENDPOINT) == asked
    assert "registered: nothing: the answers were given" in done.stdout
    assert packages(aws, "given") == []
    report = evaluation(aws, "given", done.stdout)
    assert report["model"]["answers"] == "given"
    assert report["metrics"].keys() == {"rougeL_fmeasure", "is_brief"}
    assert report["metrics"]["rougeL_fmeasure"]["n"] == 39
    assert report["counts"]["endpoint_errors"] == 1, "an empty answer is one without text"
    assert report["spend"] == []
    folder = f"s3://llm-evaluation-demo/given/runs/{execution_id(done.stdout)}/evaluation"
    lines = read_s3(aws, f"{folder}/rows.jsonl").decode().splitlines()
    found = [json.loads(line) for line in lines]
    assert found[7]["answer"] == ROWS[7]["answer"]
    assert {row["latency_ms"] for row in found} == {None}
    page = read_s3(aws, f"{folder}/report.html").decode()
    assert "as they were given" in page
    assert "latency, 95th percentile" not in page
    client = MlflowClient(aws.mlflow)
    traces = client.search_traces(
        locations=[report["mlflow"]["experiment_id"]], run_id=report["mlflow"]["run_id"]
    )
    [span] = [s for s in traces[0].data.spans if s.name == "answer as given"]
    assert span.attributes["asked"] == "no: the answer was given"


@pytest.mark.integration
def test_a_named_model_is_registered_with_the_latency_that_the_dataset_knows(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = configured(
        write_config,
        "given-named",
        ROWS,
        dataset={"columns": {"latency_ms": "took"}},
        registration={"model": MODEL},
        thresholds={"rougeL_fmeasure": {"min": 0.9}, "latency_p95_ms": {"max": 140}},
    )
    aws.client("sagemaker").create_model(
        ModelName="batch-model",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/any",
        PrimaryContainer={"Image": "image", "ModelDataUrl": "s3://bucket/key"},
    )
    done = run(aws, config)
    assert done.returncode == 0, done.stdout + done.stderr
    [package] = packages(aws, "given-named")
    assert package["CustomerMetadataProperties"]["latency_p95_ms"].startswith("13")
    assert package["CustomerMetadataProperties"]["endpoint"] == "none: answers as given"
    assert evaluation(aws, "given-named", done.stdout)["model"]["source_uri"] == MODEL
    worse = run(aws, config, "MinRougeLFmeasure=1", "MaxLatencyP95Ms=120")
    assert worse.returncode == 1
    assert len(packages(aws, "given-named")) == 1


@pytest.mark.slow
def test_try_takes_given_answers_and_compare_pairs_two_systems_by_their_questions(
    write_config: ConfigWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    config = configured(write_config, "given-tried", ROWS)
    first = evaluate(config, rows=0, mlflow=False, folder=tmp_path / "first")
    assert first.metrics.loc["rougeL_fmeasure", "value"] == 1.0
    assert set(first.metrics.index) == {"rougeL_fmeasure", "is_brief"}
    with pytest.raises(ConfigError, match="answers: given, so that none is asked"):
        evaluate(config, endpoint="any")
    given(config.parent, [{**row, "answer": f"{row['answer']} So it is."} for row in ROWS])
    second = evaluate(config, rows=0, mlflow=False, folder=tmp_path / "second")
    found = compare(first.folder, second.folder).document["differences"]
    [pairs] = [each["pairs"] for each in found if each["metric"] == "rougeL_fmeasure"]
    assert pairs == 40


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"thresholds": {"latency_p95_ms": {"max": 9}}}, "so that nothing is measured"),
        ({"thresholds": {"output_tokens_mean": {"max": 9}}}, "dataset.columns.output_tokens"),
        ({"dataset": {"columns": {"answer": None}}}, "answers: given needs columns.answer"),
        ({"dataset": {"answers": "ask"}}, "endpoint: is missing"),
        ({"dataset": {"columns": {"expected_response": None}}}, "rougeL_fmeasure compares with"),
        ({"registration": {"model": "my-model"}}, "must be the ARN of a model"),
    ],
)
def test_check_refuses_what_given_answers_cannot_have(
    write_config: ConfigWriter, change: dict[str, Any], said: str
) -> None:
    config = configured(write_config, "given-wrong", ROWS, **change)
    done = typed("check", "--config", str(config))
    assert done.returncode == 2
    assert said in done.stderr, done.stderr


@pytest.mark.slow
def test_the_definition_and_the_plan_know_of_no_endpoint(write_config: ConfigWriter) -> None:
    config = configured(write_config, "given-plan", ROWS)
    done = typed("definition", "--config", str(config))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    names = {parameter["Name"] for parameter in document["Parameters"]}
    assert not names & {"EndpointName", "ModelPackageArn", "ApprovalStatus", "Reevaluate"}
    gate = document["Steps"][-1]
    assert (gate["Name"], gate["Arguments"]["IfSteps"]) == ("QualityGate", [])
    assert [step["Name"] for step in gate["Arguments"]["ElseSteps"]] == ["GateFailed"]
    assert typed("check", "--config", str(config)).returncode == 0
    planned = typed("plan", "--config", str(config))
    assert planned.returncode == 0, planned.stderr
    assert "since nobody is asked" in planned.stdout
    policies = typed("permissions", "show", "--config", str(config)).stdout
    assert "sagemaker:InvokeEndpoint" not in policies
    assert 'sagemaker:CreateModelPackage"' not in policies


def test_labels_of_given_answers_are_those_of_the_answers(
    write_config: ConfigWriter,
) -> None:
    from processing.config.file import load_config
    from processing.dataset.columns import map_record
    from processing.dataset.readers import Record
    from processing.dataset.rows import Written, row_of
    from processing.labels.sources import labels_of_rows

    columns = {"labels": {"rougeL_fmeasure": "people"}}
    config = load_config(
        configured(write_config, "given-labels", ROWS, dataset={"columns": columns})
    )
    record = Record(1, {**ROWS[3], "people": 1.0})
    written = map_record(record, config.dataset.columns, set())
    assert isinstance(written, Written)
    row = row_of(json.loads(written.line))
    assert "answer" not in row.slices
    [label] = labels_of_rows(config, [row])
    assert (label.answer, label.number) == (ROWS[3]["answer"], 1.0)
