"""Where SageMaker Processing puts things inside a container.

`OPT_ML` is unset on SageMaker and in Docker. The local AWS sets it where it cannot give a job the
path /opt/ml itself (macOS, Linux without user namespaces).
Source: SageMaker developer guide, "How Amazon SageMaker Processing configures your container".
"""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any

OPT_ML = Path(os.environ.get("OPT_ML", "/opt/ml"))
MESSAGE_FILE = OPT_ML / "output" / "message"
PROCESSING = OPT_ML / "processing"
CONFIG_FILE = PROCESSING / "input" / "config" / "evaluation.yaml"
RAW_DATASET = PROCESSING / "input" / "raw"
PREPARED_DATASET = PROCESSING / "input" / "dataset"
DATASET_OUTPUT = PROCESSING / "output" / "dataset"
EVALUATION_OUTPUT = PROCESSING / "output" / "evaluation"
REGISTRATION_OUTPUT = PROCESSING / "output" / "registration"
EVALUATION_INPUT = PROCESSING / "input" / "evaluation"
STORE_OUTPUT = PROCESSING / "output" / "store"


def name_region() -> None:
    """Tell boto3 the region: SageMaker sets AWS_REGION, and boto3 reads AWS_DEFAULT_REGION."""
    if region := os.environ.get("AWS_REGION"):
        os.environ.setdefault("AWS_DEFAULT_REGION", region)


def job_name() -> str:
    """This processing job's name; a new one outside SageMaker.

    Source: developer guide, "/opt/ml/config/processingjobconfig.json".
    """
    return _job_config("ProcessingJobName") or f"by-hand-{uuid.uuid4().hex[:12]}"


def job_arn() -> str:
    """This processing job's ARN; empty outside SageMaker."""
    return _job_config("ProcessingJobArn")


def input_uri(name: str) -> str:
    """Where in S3 an input of this processing job comes from; empty outside SageMaker."""
    for entry in _read_job_config().get("ProcessingInputs", []):
        if entry.get("InputName") == name:
            return str(entry.get("S3Input", {}).get("S3Uri", ""))
    return ""


def _job_config(key: str) -> str:
    return str(_read_job_config().get(key, ""))


def _read_job_config() -> dict[str, Any]:
    return _read_config("processingjobconfig.json")


def _read_config(name: str) -> dict[str, Any]:
    try:
        config = json.loads((OPT_ML / "config" / name).read_text())
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}
