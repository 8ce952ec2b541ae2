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

OPT_ML = Path(os.environ.get("OPT_ML", "/opt/ml"))
MESSAGE_FILE = OPT_ML / "output" / "message"
PROCESSING = OPT_ML / "processing"
CONFIG_FILE = PROCESSING / "input" / "config" / "evaluation.yaml"
RAW_DATASET = PROCESSING / "input" / "raw"
PREPARED_DATASET = PROCESSING / "input" / "dataset"
DATASET_OUTPUT = PROCESSING / "output" / "dataset"
EVALUATION_OUTPUT = PROCESSING / "output" / "evaluation"
EVALUATION_INPUT = PROCESSING / "input" / "evaluation"
STORE_OUTPUT = PROCESSING / "output" / "store"


def job_name() -> str:
    """This processing job's name; a new one outside SageMaker.

    Source: developer guide, "/opt/ml/config/processingjobconfig.json".
    """
    return _job_config("ProcessingJobName") or f"by-hand-{uuid.uuid4().hex[:12]}"


def job_arn() -> str:
    """This processing job's ARN; empty outside SageMaker."""
    return _job_config("ProcessingJobArn")


def _job_config(key: str) -> str:
    try:
        config = json.loads((OPT_ML / "config" / "processingjobconfig.json").read_text())
        return str(config[key])
    except (OSError, ValueError, KeyError):
        return ""
