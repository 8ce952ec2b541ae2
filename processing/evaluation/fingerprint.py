"""What makes two evaluations the same: model, dataset, configuration, thresholds, code.

The sample is part of the dataset's digest, which is that of the prepared rows. Where the record is
kept (MLflow's address and experiment) and the approval status are no part of it.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from processing.calls.paid_store import key_of
from processing.config.thresholds import ThresholdParameter

SCORING_PACKAGES = ("mlflow", "deepeval", "ragas", "rouge-score", "sacrebleu", "regex")
"""Their versions change verdicts: prompts of judges, formulas."""


def fingerprint(
    *,
    model_identity: str,
    dataset_sha256: str,
    config_sha256: str,
    thresholds: Sequence[ThresholdParameter],
) -> str:
    """SHA-256, in hexadecimal, of everything that the verdict depends on."""
    return key_of(
        {
            "model": model_identity,
            "dataset": dataset_sha256,
            "config": config_sha256,
            "thresholds": {threshold.name: threshold.bound for threshold in thresholds},
            "code": code_digest(),
        }
    )


@functools.lru_cache(maxsize=1)
def code_digest() -> str:
    """SHA-256 of this package's sources and of the versions of what it scores with."""
    folder = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(file.relative_to(folder).as_posix().encode() + file.read_bytes())
    for name in SCORING_PACKAGES:
        digest.update(f"{name} {_version(name)}\n".encode())
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
