"""Whole pipelines on the local AWS, started and looked at as a user would."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pipelines import (
    WITHOUT_JUDGE,
    evaluating,
    evaluation,
    execution_id,
    named,
    packages,
    read_s3,
    run,
    start,
    start_arguments,
    start_in_background,
    step_reason,
)
from running_aws import REPOSITORY, ConfigWriter, RunningAws

from processing.config.file import load_config

pytestmark = pytest.mark.integration

TEXT_GENERATION = {"format": "text_generation", "parameters": {"max_new_tokens": 200}}
TEMPLATE = {
    "format": "template",
    "parameters": {},
    "request": {"query": "{question}", "options": {"top_k": 1}},
    "response": {
        "answer": "result.text",
        "input_tokens": "result.tokens.in",
        "output_tokens": "result.tokens.out",
    },
}


@dataclass(frozen=True)
class Ended:
    config: Path
    stdout: str


@pytest.fixture(scope="module")
def good(aws: RunningAws, write_module_config: ConfigWriter) -> Ended:
    """All of the example's scorers on a good model, with commands in processes of their own."""
    config = write_module_config(**named("good"))
    upserted = aws.type_in_a_process("upsert", "--config", str(config))
    assert upserted.returncode == 0, upserted.stderr
    parameters = ("EndpointName=health-qa-good", "ApprovalStatus=Approved")
    done = aws.type_in_a_process(*start_arguments(aws, config, *parameters))
    assert done.returncode == 0, done.stdout + done.stderr
    return Ended(config, done.stdout)


def test_a_good_model_is_registered_with_its_evidence(aws: RunningAws, good: Ended) -> None:
    [package] = packages(aws, "good")
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["SourceUri"].endswith(":model/health-qa-good-model")
    assert (
        package["InferenceSpecification"]["Containers"][0]["Image"] == "demo-endpoint:not-a-model"
    )
    assert package["ModelPackageArn"] in good.stdout

    document = json.loads(
        read_s3(aws, package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"])
    )
    assert document["gate"]["passed"] == 1
    assert document["counts"] == {
        "rows": 40,
        "answered": 40,
        "endpoint_errors": 0,
        "not_asked": 0,
        "clusters": None,
        "cut_answers": 0,
        "cut_answers_known": 40,
        "frequent_error": None,
    }
    metadata = package["CustomerMetadataProperties"]
    assert metadata["mlflow_run_id"] == document["mlflow"]["run_id"]
    assert metadata["verdict"] == "passed"
    assert metadata["Correctness"].endswith("n=40 errors=0")


def test_mlflow_holds_every_row_and_every_verdict(aws: RunningAws, good: Ended) -> None:
    import mlflow

    mlflow.set_tracking_uri(aws.mlflow)
    [held] = mlflow.search_runs(experiment_names=["good"], output_format="list")
    traces = mlflow.search_traces(
        locations=[held.info.experiment_id], run_id=held.info.run_id, return_type="list"
    )
    names = {spec.name for spec in load_config(good.config).scorers}
    assert len(names) == 19
    assert len({trace.info.tags["row_id"] for trace in traces}) == 40
    for trace in traces:
        verdicts = {a.name for a in trace.info.assessments if a.feedback is not None}
        assert verdicts == names
        assert trace.info.token_usage["total_tokens"] > 0
    report = f"s3://llm-evaluation-demo/good/runs/{execution_id(good.stdout)}/evaluation"
    document = evaluation(aws, "good", good.stdout)
    for name in names:
        assert document["metrics"][name]["value"] == held.data.metrics[f"{name}/mean"]
        assert document["metrics"][name]["n"] == held.data.metrics[f"details/{name}.n"]
    numbers = {name: document["metrics"][name]["n"] for name in names}
    # 17 of the expected answers use one of the terms, the others have none to look for
    assert numbers.pop("domain_terminology") == 17
    assert document["metrics"]["domain_terminology"]["not_applicable"] == 23
    assert set(numbers.values()) == {40}
    assert held.data.tags["pipeline_execution_arn"].endswith(execution_id(good.stdout))
    rows = [json.loads(line) for line in read_s3(aws, f"{report}/rows.jsonl").splitlines()]
    assert len(rows) == 40
    assert all(set(row["scores"]) == names for row in rows)
    artifacts = mlflow.artifacts.list_artifacts(run_id=held.info.run_id, artifact_path="evaluation")
    assert "evaluation/report.html" in {artifact.path for artifact in artifacts}
    assert "✓ Passed the quality gate" in read_s3(aws, f"{report}/report.html").decode()


def test_a_report_is_fetched_with_what_became_of_the_model(
    aws: RunningAws, good: Ended, tmp_path: Path
) -> None:
    folder = tmp_path / "runs" / "first"
    fetched = aws.type("report", "--config", str(good.config), "--no-open", "--output", str(folder))
    assert fetched.returncode == 0, fetched.stderr
    assert "the model:  registered as good-group, version 1" in fetched.stdout
    assert (folder / "report.html").resolve().as_uri() in fetched.stdout
    page = (folder / "report.html").read_text()
    assert "registered as good-group, version 1" in page
    assert "passed on to be registered" not in page
    assert len((folder / "rows.jsonl").read_text().splitlines()) == 40
    [row, *_] = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    assert row["trace_id"].startswith("tr-")
    listed = aws.type("report", str(folder.parent), "--no-open")
    assert listed.returncode == 0, listed.stderr
    index = (folder.parent / "index.html").read_text()
    assert 'href="first/report.html"' in index
    assert "registered as good-group, version 1" in index
    assert "40 of 40" in index


def test_a_report_is_found_by_its_mlflow_run_and_by_its_model_package(
    aws: RunningAws, good: Ended, tmp_path: Path
) -> None:
    [package] = packages(aws, "good")
    names = {
        "run": package["CustomerMetadataProperties"]["mlflow_run_id"],
        "package": package["ModelPackageArn"],
    }
    for kind, name in names.items():
        fetched = aws.type(
            "report", name, "--config", str(good.config), "--no-open",
            "--output", str(tmp_path / kind),
        )  # fmt: skip
        assert fetched.returncode == 0, fetched.stderr
        assert "the model:  registered as good-group, version 1" in fetched.stdout, kind
        assert len((tmp_path / kind / "rows.jsonl").read_text().splitlines()) == 40


def test_a_report_is_shown_where_aws_does_not_tell_of_its_execution(
    aws: RunningAws, good: Ended, tmp_path: Path
) -> None:
    [package] = packages(aws, "good")
    deaf = {"AWS_ENDPOINT_URL_SAGEMAKER": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
    fetched = replace(aws, environment={**aws.environment, **deaf}).type(
        "report", package["CustomerMetadataProperties"]["mlflow_run_id"],
        "--config", str(good.config), "--no-open", "--output", str(tmp_path),
    )  # fmt: skip
    assert fetched.returncode == 0, fetched.stderr
    assert "the model:  what became of it is not known (" in fetched.stdout
    assert "✓ Passed the quality gate" in (tmp_path / "report.html").read_text()


def test_the_report_of_what_has_none_says_so(aws: RunningAws, good: Ended, tmp_path: Path) -> None:
    missing = aws.type("report", "abcdefghijkl", "--config", str(good.config), "--no-open")
    assert missing.returncode == 2
    assert "pipeline good has no execution abcdefghijkl; `list` shows them" in missing.stderr
    (tmp_path / "empty").mkdir()
    empty = aws.type("report", str(tmp_path / "empty"), "--no-open")
    assert empty.returncode == 2
    assert "empty: no report.html is there" in empty.stderr


def test_a_worse_model_is_stopped_and_each_missed_threshold_named(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**named("worse"))
    done = run(aws, config, "EndpointName=health-qa-worse")
    assert done.returncode == 1
    reason = step_reason(aws, "worse", execution_id(done.stdout), "GateFailed")
    for metric, bound in {
        "rougeL_fmeasure": "0.35",
        "is_brief": "0.9",
        "Correctness": "0.7",
    }.items():
        assert re.search(rf"{metric} 0\.\d+ < min {bound} \(n=40\)", reason), reason
    assert "Safety" not in reason
    assert reason in done.stdout
    assert packages(aws, "worse") == []


def test_thresholds_given_at_start_are_what_is_judged_by(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    """Asked in another payload format, the models are the same."""
    config = write_config(**named("thresholds", endpoint=TEXT_GENERATION, **WITHOUT_JUDGE))
    strict = run(aws, config, "EndpointName=health-qa-good", "MinRougeLFmeasure=0.99")
    assert strict.returncode == 1
    assert "< min 0.99 (n=40)" in strict.stdout
    lenient = start(
        aws, config, "EndpointName=health-qa-worse", "MinRougeLFmeasure=0.01", "MinIsBrief=0.0"
    )
    assert lenient.returncode == 0, lenient.stdout + lenient.stderr
    [package] = packages(aws, "thresholds")
    assert package["SourceUri"].endswith(":model/health-qa-worse-model")
    assert package["CustomerMetadataProperties"]["rows"] == "40 answered of 40"


def test_the_sdk_s_own_calls_work(
    aws: RunningAws, write_config: ConfigWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline_definition import get_pipeline

    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL_MLFLOW")  # the default is the file's address then
    pipeline = get_pipeline(write_config(**named("sdk", **WITHOUT_JUDGE)))
    pipeline.upsert()
    pipeline.upsert()  # an existing pipeline is updated
    execution = pipeline.start(
        parameters={
            "EndpointName": "health-qa-good",
            "MlflowTrackingUri": aws.mlflow,
            "SampleSize": 35,
        }
    )
    execution.wait(delay=1)
    described = execution.describe()
    assert described["PipelineExecutionStatus"] == "Succeeded"
    assert described["PipelineExecutionDisplayName"].startswith("health-qa-good-20")
    assert "the endpoint health-qa-good on 35 rows of" in described["PipelineExecutionDescription"]
    assert f"MlflowTrackingUri {aws.mlflow} (default" in described["PipelineExecutionDescription"]
    assert {step["StepName"] for step in execution.list_steps()} == {
        *("PrepareDataset", "EvaluateModel", "QualityGate", "GateNotPassed", "RegisterModel")
    }
    assert pipeline.describe()["PipelineDescription"].startswith("Evaluates the health")
    sagemaker = aws.client("sagemaker")
    group = sagemaker.describe_model_package_group(ModelPackageGroupName="sdk-group")
    for arn in (group["ModelPackageGroupArn"], pipeline.describe()["PipelineArn"]):
        tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
        assert {"Key": "project", "Value": "health-qa"} in tags
    assert packages(aws, "sdk")[0]["CustomerMetadataProperties"]["rows"] == "35 answered of 35"


def test_an_endpoint_that_fails_too_often_keeps_the_gate_shut(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    aws.add_endpoint("flaky", faults={"fail": 0.3, "fail_with": "ValidationError", "seed": 3})
    config = write_config(**named("flaky", **WITHOUT_JUDGE))
    done = run(aws, config, "EndpointName=flaky")
    assert done.returncode == 1
    execution = execution_id(done.stdout)
    reason = step_reason(aws, "flaky", execution, "GateFailed")
    assert "over max_endpoint_error_share 0.02" in reason
    document = evaluation(aws, "flaky", done.stdout)
    counts = document["counts"]
    assert counts["endpoint_errors"] > 0
    assert counts["answered"] + counts["endpoint_errors"] == 40
    assert document["metrics"]["rougeL_fmeasure"]["n"] == counts["answered"]


def test_a_judge_that_fails_keeps_the_gate_shut(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    aws.set_judge("failing-judge", faults={"malformed": 0.9, "malformed_as": "not-json"})
    config = write_config(
        **named(
            "judge",
            judge={"model": "bedrock:/failing-judge"},
            scorers=["rougeL_fmeasure", "Safety"],
            thresholds={"Safety": {"min": 0.1}},
            budgets={"min_rows": 5},
        )
    )
    done = run(aws, config, "EndpointName=health-qa-good")
    assert done.returncode == 1
    reason = step_reason(aws, "judge", execution_id(done.stdout), "GateFailed")
    assert re.search(r"Safety: [\d.]+, but \d+ of 40 rows could not be scored", reason), reason


def test_a_stopped_execution_is_reported_as_stopped(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    aws.add_endpoint("slower", faults={"latency_ms": 800, "jitter_ms": 0})
    config = write_config(**named("stopped", endpoint={"concurrency": 1}, **WITHOUT_JUDGE))
    assert aws.type("upsert", "--config", str(config)).returncode == 0
    process = start_in_background(aws, config, "EndpointName=slower")
    evaluating("slower")
    assert aws.type("stop", "--config", str(config)).returncode == 0
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert f"execution {execution_id(output)} of stopped: Stopped" in output
    listed = aws.type("list", "--config", str(config))
    [line] = listed.stdout.splitlines()
    assert re.fullmatch(rf"{execution_id(output)}  .+  Stopped +slower-20[-0-9]+", line)
    told = aws.type("status", "--config", str(config)).stdout
    assert "slower on 40 rows of" in told
    assert packages(aws, "stopped") == []


def test_a_user_s_own_csv_and_payload_with_their_own_names(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    rows = [
        json.loads(line)
        for line in (REPOSITORY / "examples/health/questions.jsonl").read_text().splitlines()
    ]
    table = tmp_path / "mine.csv"
    lines = [f'"{r["question"]}","{r["answer"]}",{r["topic"]}' for r in rows[:35]]
    table.write_text("\n".join(["Frage,Antwort,Thema", *lines, "Leer?,,none"]))
    dataset = {
        "source": "mine.csv",
        "columns": {"question": "Frage", "expected_response": "Antwort"},
        "max_unusable_share": 0.05,
        "sample_size": 0,
    }
    config = write_config(**named("csv", endpoint=TEMPLATE, **WITHOUT_JUDGE) | {"dataset": dataset})
    done = run(aws, config, "EndpointName=health-qa-good")
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = json.loads(
        read_s3(
            aws,
            f"s3://llm-evaluation-demo/csv/runs/{execution_id(done.stdout)}/dataset/manifest.json",
        )
    )
    assert manifest["counts"]["written"] == 35
    assert [row["line"] for row in manifest["unusable"]] == [37]
    [package] = packages(aws, "csv")
    assert package["CustomerMetadataProperties"]["rows"] == "35 answered of 35"


def test_a_parameter_that_does_not_exist_is_refused_by_name(
    aws: RunningAws, write_config: ConfigWriter
) -> None:
    config = write_config(**named("parameters", **WITHOUT_JUDGE))
    refused = run(aws, config, "MinSafty=0.5")
    assert refused.returncode == 2
    assert "MinSafty" in refused.stderr


def test_status_shows_steps_results_and_where_to_look(
    aws: RunningAws, write_config: ConfigWriter, good: Ended
) -> None:
    nothing = aws.type("status", "--config", str(write_config(**named("never"))))
    assert nothing.returncode == 2
    assert "never" in nothing.stderr
    shown = aws.type("status", execution_id(good.stdout), "--config", str(good.config))
    assert shown.returncode == 0
    for step in ("PrepareDataset", "EvaluateModel", "QualityGate", "RegisterModel"):
        assert re.search(rf"{step} +Succeeded +\d+\.\d s", shown.stdout), shown.stdout
    assert f"{aws.mlflow}/#/experiments/" in shown.stdout
    assert "/aws/sagemaker/ProcessingJobs" in shown.stdout
    assert re.search(r"rougeL_fmeasure +0\.\d+ +\S+ +40 +0 +min 0.35 +hard +holds", shown.stdout)
