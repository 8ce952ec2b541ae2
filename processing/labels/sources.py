"""Where labels come from: the file that evaluation.yaml names, and columns of the dataset."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from pathlib import Path

from processing.base.errors import ConfigError
from processing.base.s3 import bucket_and_key, download
from processing.config.labels import IN_MLFLOW
from processing.config.model import EvaluationConfig
from processing.dataset.rows import Row
from processing.labels.file import read_labels
from processing.labels.label import Label, label_number


def labels_of_file(config: EvaluationConfig, folder: Path) -> tuple[list[Label], str]:
    """The labels of the file that `labels:` names, and its SHA-256 if it is in S3; else [] and "".

    `folder`: that of evaluation.yaml. Raises ConfigError, or DatasetError if S3 refuses.
    """
    if config.labels in (None, IN_MLFLOW):
        return [], ""
    if config.labels_file is not None:
        return read_labels(
            _text(folder / config.labels_file), config.labels_file, config.scorers
        ), ""
    with tempfile.TemporaryDirectory(prefix="labels-") as there:
        download(config.labels, Path(there))
        path = Path(there) / bucket_and_key(config.labels)[1].rpartition("/")[2]
        text = _text(path)
    return read_labels(text, config.labels, config.scorers), hashlib.sha256(
        text.encode()
    ).hexdigest()


def labels_of_rows(config: EvaluationConfig, rows: Iterable[Row]) -> list[Label]:
    """The labels in `dataset.columns.labels`; a row without a label is no part of a draw.

    Raises ConfigError for one off its scorer's scale.
    """
    columns = config.dataset.columns
    if not columns.labels:
        return []
    specs = {spec.name: spec for spec in config.scorers}
    found = []
    for row in rows:
        answer = row.given.text if row.given else row.slices.get(columns.answer or "")
        for scorer, column in columns.labels.items():
            place = f"dataset.columns.labels.{scorer}, row {row.row_id}"
            number = label_number(specs[scorer], row.slices.get(column), place)
            if number is not None and answer not in (None, ""):
                found.append(
                    Label(scorer, row.row_id, row.question, str(answer), number, place=place)
                )
    return found


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError(f"labels: {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"labels: {path} is not UTF-8 (at byte {error.start}): save it as CSV UTF-8"
        ) from error
