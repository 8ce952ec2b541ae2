"""People's labels: how good the judge is, what they correct, and the gate that rests on them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import mlflow as mlflow_page
import pytest
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource, AssessmentSourceType
from pipelines import evaluation, named, run
from running_aws import REPOSITORY, ConfigWriter, RunningAws
from typed_command import Done

from processing.mlflow_record.signing import tracking_uri_restored

pytestmark = pytest.mark.integration

HEALTH = REPOSITORY / "examples" / "health" / "questions.jsonl"


def command(aws: RunningAws, folder: Path, *arguments: str) -> Done:
    folder.mkdir(exist_ok=True)
    return aws.type(*arguments, folder=folder)


def tried(aws: RunningAws, config: Path, folder: Path) -> tuple[str, Path]:
    """What `try` prints of the 45 rows, and the folder of its results."""
    done = command(aws, folder, "try", "--config", str(config), "--rows", "45", "--no-mlflow")
    assert done.returncode == 0, done.stdout + done.stderr
    [file] = (folder / ".runs").glob("2*/evaluation.json")
    return " ".join(done.stdout.split()), file.parent


def rows_of(results: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (results / "rows.jsonl").read_text().splitlines()]


def label_lines(rows: list[dict[str, Any]], differ: int) -> str:
    """A CSV in which people say of the first `differ` rows the opposite of the judge."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["row_id", "answer", "scorer", "label", "who"])
    for place, row in enumerate(rows):
        good = bool(row["scores"]["Correctness"]["value"]) != (place < differ)
        label = "yes" if good else "no"
        table.writerow([row["row_id"], row["answer"], "Correctness", label, "ana"])
    return out.getvalue()


def test_labels_tell_how_good_the_judge_is_and_correct_its_number(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.csv"

    def config(name: str, **more: Any) -> Path:
        return write_config(
            **named(
                name,
                dataset={"sample_size": 45},
                scorers=["Correctness"],
                mlflow={"tracking_uri": aws.mlflow, "experiment": "peoples-labels"},
                **more,
            )
        )

    plain = config("without-labels", thresholds={"Correctness": {"min": 0.3}})
    told, results = tried(aws, plain, tmp_path / "plain")
    assert "people:" not in told
    rows = rows_of(results)
    labels.write_text(label_lines(rows[:30], differ=0) + "elsewhere,a,Correctness,no,ana\n")

    calibrated = {
        "labels": "labels.csv",
        "judges": {"min_kappa": 0.6, "min_labels": 30},
        "thresholds": {"Correctness": {"min": 0.3, "on": "calibrated"}},
    }
    with_labels = config("with-labels", **calibrated)
    (with_labels.parent / "labels.csv").write_bytes(labels.read_bytes())
    told, results = tried(aws, with_labels, tmp_path / "good")
    document = json.loads((results / "evaluation.json").read_text())
    assert document["gate"]["passed"] == 1, document["gate"]
    found = document["labels"]["Correctness"]
    assert (found["n"], found["agreement"], found["kappa"], found["differ"]) == (30, 1.0, 1.0, 0)
    assert found["other_rows"] == 1
    corrected = document["metrics"]["Correctness"]["calibrated"]
    assert corrected["value"] == pytest.approx(document["metrics"]["Correctness"]["value"])
    assert document["thresholds"]["MinCorrectness"]["compared"] == corrected["worst_low"]
    assert "people: Correctness's judge agrees with people on 30 of 30 answers" in told
    assert "not used: 1 of another row" in told
    assert "corrected: Correctness: " in told

    # a judge that people contradict on a third of the answers: the pipeline, with the same file
    (with_labels.parent / "labels.csv").write_text(label_lines(rows[:30], differ=10))
    done = run(aws, with_labels)
    document = evaluation(aws, "with-labels", done.stdout)
    assert document["gate"]["passed"] == 0
    assert "under judges.min_kappa 0.6" in " ".join(document["gate"]["reasons"])
    found = document["labels"]["Correctness"]
    assert found["differ"] == 10
    assert set(found["differing_rows"]) == {row["row_id"] for row in rows[:10]}
    corrected = document["metrics"]["Correctness"]["calibrated"]
    assert corrected["moved"] != 0
    held = MlflowClient(aws.mlflow).get_run(document["mlflow"]["run_id"])
    assert held.data.metrics["details/Correctness.labels"] == 30
    assert held.data.metrics["details/Correctness.kappa"] == pytest.approx(found["kappa"])
    assert held.data.metrics["details/Correctness.calibrated"] == pytest.approx(corrected["value"])
    assert held.data.params["labels"] == "labels.csv"
    assert "agrees with people on 20 of 30 answers" in held.data.tags["mlflow.note.content"]
    card = json.loads(document["model_card"])
    assert (
        "agrees with people on 20 of 30" in card["evaluation_details"][0]["evaluation_observation"]
    )


def test_a_draw_is_filled_in_and_corrects_the_number(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    def config(**more: Any) -> Path:
        mlflow = {"tracking_uri": aws.mlflow, "experiment": "drawn-labels"}
        changes = {"dataset": {"sample_size": 45}, "scorers": ["Correctness"], "mlflow": mlflow}
        return write_config(**named("drawn-labels", **changes, **more))

    plain = config(thresholds={"Correctness": {"min": 0.3}}, slices={})
    done = command(aws, tmp_path, "try", "--config", str(plain), "--rows", "45")
    assert done.returncode == 0, done.stdout + done.stderr
    [run_folder] = (tmp_path / ".runs").glob("2*")

    drawn = command(aws, tmp_path, "labels", "sample", run_folder.name, "--rows", "20",
                    "--config", str(plain))  # fmt: skip
    assert drawn.returncode == 0, drawn.stdout + drawn.stderr
    assert "drawn: 20 of 45 answers, by the verdicts of Correctness" in " ".join(
        drawn.stdout.split()
    )
    assert "20 traces have the tag review = wanted" in drawn.stdout
    document = json.loads((run_folder / "evaluation.json").read_text())
    tagged = MlflowClient(aws.mlflow).search_traces(
        locations=[document["mlflow"]["experiment_id"]],
        filter_string="tags.review = 'wanted'",
        include_spans=False,
        max_results=100,
    )
    file = plain.parent / "labels.csv"
    with file.open(newline="") as opened:
        lines = list(csv.DictReader(opened))
    assert {line["row_id"] for line in lines} == {t.info.tags["row_id"] for t in tagged}
    assert sum(1 / float(line["probability"]) for line in lines) == pytest.approx(45)
    assert all(line["label"] == "" and "verdict" not in line for line in lines)
    again = command(aws, tmp_path, "labels", "sample", run_folder.name, "--rows", "20",
                    "--config", str(plain), "--no-mlflow")  # fmt: skip
    assert again.returncode != 0
    assert "has this draw already" in again.stderr

    verdicts = {row["row_id"]: row["scores"]["Correctness"]["value"] for row in rows_of(run_folder)}
    for line in lines:
        line["label"] = "yes" if verdicts[line["row_id"]] else "no"
        line["who"] = "ana"
    with file.open("w", newline="") as opened:
        table = csv.DictWriter(opened, lines[0])
        table.writeheader()
        table.writerows(lines)
    calibrated = config(
        labels="labels.csv", thresholds={"Correctness": {"min": 0.3, "on": "calibrated"}}, slices={}
    )
    status = command(
        aws, tmp_path, "labels", "status", run_folder.name, "--config", str(calibrated)
    )
    assert status.returncode == 0, status.stdout + status.stderr
    assert "Correctness: 20 of 20 lines are filled in, by 1 people" in status.stdout
    assert "Correctness: 20 answers of" in status.stdout
    assert " wide" in status.stdout

    asked = aws.calls("BEDROCK_RUNTIME")
    _, results = tried(aws, calibrated, tmp_path / "second")
    document = json.loads((results / "evaluation.json").read_text())
    assert aws.calls("BEDROCK_RUNTIME") == asked
    corrected = document["metrics"]["Correctness"]["calibrated"]
    assert (corrected["labels"], corrected["drawn"], corrected["moved"]) == (20, 20, 0)
    assert document["labels"]["Correctness"]["probabilities"] is True


def test_feedback_that_people_give_in_mlflow_is_a_label(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    mlflow = {"tracking_uri": aws.mlflow, "experiment": "labels-in-mlflow"}
    changes = {"dataset": {"sample_size": 45}, "scorers": ["Correctness"], "mlflow": mlflow}
    config = write_config(
        **named(
            "labels-in-mlflow",
            **changes,
            labels="mlflow",
            thresholds={"Correctness": {"min": 0.3, "on": "calibrated"}},
            slices={},
        )
    )
    first, second = tmp_path / "first", tmp_path / "second"
    done = command(aws, first, "try", "--config", str(config), "--rows", "45")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Correctness has no labels of people" in done.stdout
    [folder] = (first / ".runs").glob("2*")
    drawn = command(
        aws, first, "labels", "sample", folder.name, "--rows", "20", "--config", str(config)
    )
    assert drawn.returncode == 0, drawn.stdout + drawn.stderr
    assert "give each the feedback Correctness" in drawn.stdout
    assert not (config.parent / "labels.csv").exists()

    document = json.loads((folder / "evaluation.json").read_text())
    client = MlflowClient(aws.mlflow)
    traces = client.search_traces(
        locations=[document["mlflow"]["experiment_id"]],
        filter_string="tags.review = 'wanted'",
        include_spans=False,
        max_results=100,
    )
    assert len(traces) == 20
    judged = {row["row_id"]: row["scores"]["Correctness"]["value"] for row in rows_of(folder)}
    with tracking_uri_restored():
        mlflow_page.set_tracking_uri(aws.mlflow)
        for trace in traces[:19]:  # nobody labels the last one, and one is off the scale
            said = "yes" if judged[trace.info.tags["row_id"]] else "no"
            mlflow_page.log_feedback(
                trace_id=trace.info.trace_id,
                name="Correctness",
                value="who knows" if trace is traces[0] else said,
                source=AssessmentSource(AssessmentSourceType.HUMAN, "ana@example.org"),
            )
    status = command(aws, first, "labels", "status", folder.name, "--config", str(config))
    assert status.returncode == 0, status.stdout + status.stderr
    assert "18 of 20 lines are filled in" in status.stdout

    done = command(aws, second, "try", "--config", str(config), "--rows", "45")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "labels: mlflow: not used: MLflow trace" in done.stdout
    [folder] = (second / ".runs").glob("2*")
    document = json.loads((folder / "evaluation.json").read_text())
    found, corrected = (
        document["labels"]["Correctness"],
        document["metrics"]["Correctness"]["calibrated"],
    )
    assert (found["n"], found["differ"], found["blank"]) == (18, 0, 2)
    assert (corrected["labels"], corrected["drawn"]) == (18, 20)
    assert corrected["worst_low"] < corrected["low"]
    assert found["probabilities"] is True


def test_what_is_wrong_with_labels_is_found_by_check(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    def check(name: str, text: str | None, **changes: Any) -> str:
        changes = {"thresholds": {"Safety": {"min": 0.1, "on": "calibrated"}}} | changes
        config = write_config(**named(name, scorers=["Safety"], labels="mine.csv", **changes))
        if text is not None:
            (config.parent / "mine.csv").write_text(text)
        done = command(aws, tmp_path, "check", "--config", str(config))
        assert done.returncode != 0, done.stdout
        return " ".join(done.stderr.split())

    header = "row_id,answer,scorer,label\n"
    assert "labels: mine.csv: No such file" in check("no-file", None)
    assert "mine.csv:2: label: 'perhaps' is no verdict" in check(
        "off-scale", f"{header}r,a,Safety,perhaps\n"
    )
    told = check("unlabelled", f"{header}r,a,Safety,\n")
    assert "on: calibrated, but mine.csv has no label for Safety" in told
    told = check("clusters", header, dataset={"cluster": "kind"})
    assert "calibrated does not go together with dataset.cluster" in told


def test_labels_in_columns_of_the_dataset_and_in_a_file_in_s3(
    aws: RunningAws, write_config: ConfigWriter, tmp_path: Path
) -> None:
    questions = [json.loads(line) for line in HEALTH.read_text().splitlines()[:40]]
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in questions))

    def config(**more: Any) -> Path:
        changes = {
            "dataset": {"source": str(rows), "sample_size": 0},
            "scorers": ["Correctness"],
            "thresholds": {"Correctness": {"min": 0.1}},
            "slices": {},
        }
        return write_config(**named("labels-in-columns", **changes | more))

    _, results = tried(aws, config(), tmp_path / "plain")
    by_question = {row["question"]: row for row in rows_of(results)}
    labelled = []
    for place, row in enumerate(questions):
        found = by_question[row["question"]]
        said = {"answered": found["answer"], "human": bool(found["scores"]["Correctness"]["value"])}
        if place == 0:
            said["answered"] = "Another model's answer. " * 500
        labelled.append(row | (said if place < 30 else {"answered": None, "human": None}))
    rows.write_text("".join(json.dumps(row) + "\n" for row in labelled))
    columns = {
        "expected_response": "answer",
        "answer": "answered",
        "labels": {"Correctness": "human"},
    }
    calibrated = {"Correctness": {"min": 0.1, "on": "calibrated"}}
    dataset = {"source": str(rows), "sample_size": 0, "columns": columns}
    _, results = tried(aws, config(dataset=dataset, thresholds=calibrated), tmp_path / "columns")
    document = json.loads((results / "evaluation.json").read_text())
    found = document["labels"]["Correctness"]
    assert (found["n"], found["differ"], found["other_answers"]) == (29, 0, 1)
    assert document["metrics"]["Correctness"]["calibrated"]["drawn"] == 30

    done = command(
        aws, tmp_path, "check", "--config",
        str(config(dataset=dataset | {"columns": columns | {"labels": {"Correctness": "humam"}}})),
    )  # fmt: skip
    assert done.returncode != 0
    assert (
        "there is no column 'humam', which dataset.columns.labels.Correctness names" in done.stderr
    )

    aws.client("s3").put_object(
        Bucket="llm-evaluation-demo",
        Key="people/labels.csv",
        Body=label_lines(rows_of(results)[:25], differ=5).encode(),
    )
    unlabelled = dataset | {"columns": {"expected_response": "answer"}}
    address = "s3://llm-evaluation-demo/people/labels.csv"
    in_s3 = config(labels=address, thresholds=calibrated, dataset=unlabelled)
    _, results = tried(aws, in_s3, tmp_path / "s3")
    document = json.loads((results / "evaluation.json").read_text())
    assert document["labels"]["Correctness"]["n"] == 25
    assert document["labels"]["Correctness"]["differ"] == 5
