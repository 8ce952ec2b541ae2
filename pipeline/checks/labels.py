"""People's labels, looked at before anything is uploaded or paid for."""

from __future__ import annotations

from pipeline.definition.bundle import Bundle
from processing.base.errors import ConfigError
from processing.labels.sources import labels_of_file


def check_labels(bundle: Bundle, config_name: str) -> None:
    """Raises ConfigError for a mistake in the labels file, or a threshold that it has none for.

    A file in S3, and labels in the dataset's columns, the job reads.
    """
    config = bundle.config
    if config.labels is not None and config.labels_file is None:
        return
    labels, _ = labels_of_file(config, bundle.folder)
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
