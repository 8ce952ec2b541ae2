"""Rows with a failed verdict, added to an MLflow evaluation dataset (`dataset.on_failure`)."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from processing.base.errors import ReportedError
from processing.base.secrets import masked
from processing.base.visible_text import visible
from processing.config.mlflow_datasets import OWN_TAGS, named_dataset
from processing.dataset.rows import Row
from processing.dataset.turns import messages_of
from processing.evaluation.job import EvaluationJob
from processing.mlflow_record.errors import short_reason
from processing.mlflow_record.evaluation_datasets import (
    cannot_be_asked,
    dataset_by_id,
    dataset_by_name,
)
from processing.report.evaluation import Evaluation
from processing.report.evaluation_json import ROWS_FILE
from processing.report.html.survey import expectations_of, failures

_AT_ONCE = 200  # records in one request


def add_failed_rows(
    evaluation: Evaluation, document: Mapping[str, Any], job: EvaluationJob
) -> None:
    """Merge them into the dataset that the file names, which is made if it is not there.

    A record is known by its inputs: the same row, failed again, is no second record. What came of
    it is printed; a dataset that cannot be written changes nothing about the verdict.
    """
    wanted = job.config.dataset.on_failure
    if wanted is None:
        return
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    name = wanted.add_to_dataset
    failed = dict(_failed(job.output / ROWS_FILE, document))
    rows = {answer.row.row_id: answer.row for answer in evaluation.answers}
    records = [_record(rows[row_id], by, evaluation) for row_id, by in failed.items()]
    try:
        if records:
            _merge(name, evaluation.run.experiment_id, records)
    except (MlflowException, RequestException, ReportedError) as error:
        said = str(error)
        if not isinstance(error, ReportedError):
            said = cannot_be_asked(evaluation.run.tracking_uri, said)
        print(
            f"warning: {len(records)} rows with a failed verdict were not added to the MLflow "
            f"dataset {name} (dataset.on_failure): {short_reason(said)}",
            file=sys.stderr,
            flush=True,
        )
        return
    print(f"{len(records)} rows with a failed verdict are in the MLflow dataset {name}", flush=True)


def _failed(path: Path, document: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Row id, and the scorers whose verdict on it is not what it should be, as the report has it.

    A row that got no answer, or no verdict, has not failed: nobody knows.
    """
    expected = expectations_of(document)
    with path.open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            by = [n for n in failures(row, expected) if row["scores"][n]["value"] is not None]
            if by:
                yield row["row_id"], by


def _record(row: Row, by: list[str], evaluation: Evaluation) -> dict[str, Any]:
    """No more than the row's trace holds already."""
    inputs: dict[str, Any] = {"question": masked(row.question)}
    if row.history:
        inputs = {"messages": messages_of(turn.mapped(masked) for turn in row.turns)}
    if row.context:
        inputs["context"] = [masked(passage) for passage in row.context]
    expected = {"expected_response": masked(row.expected_response)} if row.expected_response else {}
    slices = {name: masked(visible(str(value))) for name, value in row.slices.items()}
    return {
        "inputs": inputs,
        "expectations": {**expected, **row.further.mapped(masked).given()},
        "tags": {
            **slices,
            f"{OWN_TAGS}row_id": row.row_id,
            f"{OWN_TAGS}failed": ", ".join(by),
            f"{OWN_TAGS}run_id": evaluation.run.run_id,
        },
    }


def _merge(name: str, experiment_id: str, records: list[dict[str, Any]]) -> None:
    from mlflow import MlflowClient

    _, is_id = named_dataset(name)
    dataset = dataset_by_id(name) if is_id else dataset_by_name(name)
    if dataset is None:
        dataset = MlflowClient().create_dataset(name, experiment_id=experiment_id)
    waiting = iter(records)
    while batch := list(itertools.islice(waiting, _AT_ONCE)):
        dataset.merge_records(batch)
