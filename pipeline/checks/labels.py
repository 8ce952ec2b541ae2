"""People's labels, looked at before anything is uploaded or paid for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from pipeline.checks.dataset import usable_rows
from pipeline.definition.bundle import Bundle
from processing.base.errors import ConfigError
from processing.labels.label import Label, same_text
from processing.labels.sources import labels_of_file

MOST_ROWS = 100_000
"""Of a dataset that are looked through for questions that stand twice."""


def check_labels(bundle: Bundle, config_name: str) -> None:
    """Raises ConfigError for a mistake in the labels file, or a threshold that it has none for.

    A file in S3, and labels in the dataset's columns, the job reads.
    """
    config = bundle.config
    if config.labels is not None and config.labels_file is None:
        return
    labels, _ = labels_of_file(config, bundle.folder)
    _require_one_row_a_question(bundle, labels)
    there = {label.scorer for label in labels if label.number is not None}
    there |= config.dataset.columns.labels.keys()
    lacking = [
        name
        for name, threshold in config.thresholds.items()
        if threshold.on == "calibrated" and name not in there
    ]
    if lacking:
        raise ConfigError(
            f"{config_name}: thresholds.{lacking[0]}.on: calibrated, but "
            f"{config.labels_file or 'dataset.columns.labels'} has no label for {lacking[0]}: "
            "label some answers, or take mean or interval"
        )


def _require_one_row_a_question(bundle: Bundle, labels: Sequence[Label]) -> None:
    """A label that names its row by a question which several rows have would count for none."""
    lines: dict[str, list[str]] = {}
    for label in labels:
        if not label.row_id:
            lines.setdefault(same_text(label.question), []).append(label.place)
    if not lines or bundle.dataset_upload is None:
        return
    rows: dict[str, list[str]] = {}
    for row in itertools.islice(usable_rows(bundle), MOST_ROWS):
        if (asked := same_text(row.question)) in lines and row.row_id not in rows.get(asked, ()):
            rows.setdefault(asked, []).append(row.row_id)
    twice = [
        f"{', '.join(lines[asked])}: question: {len(ids)} rows of the dataset ask it: name the one "
        f"that was labelled by row_id ({', '.join(ids)})"
        for asked, ids in rows.items()
        if len(ids) > 1
    ]
    if twice:
        raise ConfigError("\n".join(twice))
