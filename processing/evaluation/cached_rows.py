"""Rows that PrepareDataset did not prepare for this execution, but took from the step cache."""

from __future__ import annotations

from processing.dataset.source_version import require_unchanged
from processing.evaluation.job import EvaluationJob


def require_current_rows(job: EvaluationJob) -> None:
    """The cache goes by the dataset's address, so its contents are compared here once more.

    Raises DatasetError if the dataset has changed since an earlier execution prepared the rows.
    """
    if not job.config.pipeline.cache or not job.execution_arn:
        return
    prepared_by = job.prepared_rows.rstrip("/").split("/")[-2]  # .../runs/<execution id>/dataset
    if prepared_by != job.execution_arn.rpartition("/")[2]:
        manifest = job.manifest
        require_unchanged(manifest.source, manifest.source_version, prepared_by)
