"""Where SageMaker Processing puts things inside a container.

`OPT_ML` is unset on SageMaker and in Docker. The local AWS sets it where it cannot give a job the
path /opt/ml itself (macOS, Linux without user namespaces).
Source: SageMaker developer guide, "How Amazon SageMaker Processing configures your container".
"""

from __future__ import annotations

import os
from pathlib import Path

OPT_ML = Path(os.environ.get("OPT_ML", "/opt/ml"))
MESSAGE_FILE = OPT_ML / "output" / "message"
PROCESSING = OPT_ML / "processing"
CONFIG_FILE = PROCESSING / "input" / "config" / "evaluation.yaml"
RAW_DATASET = PROCESSING / "input" / "raw"
PREPARED_DATASET = PROCESSING / "input" / "dataset"
DATASET_OUTPUT = PROCESSING / "output" / "dataset"
EVALUATION_OUTPUT = PROCESSING / "output" / "evaluation"
ANSWERS_OUTPUT = PROCESSING / "output" / "answers"
