"""Imports what the steps import, which proves that the packages load and leaves their bytecode.

Only these modules are compiled: bytecode for every file of the packages would add 90 MB that
nobody reads, and none at all makes every job compile the same 4,000 files (docs/container.md).

Python writes a source file's time into its bytecode, which differs from build to build. That header
becomes one with the source's hash, which Python does not check again (PEP 552, unchecked).
"""

import importlib
import importlib.util
import os
import sys
import time
from pathlib import Path

os.environ.update(
    DEEPEVAL_DISABLE_DOTENV="1",
    DEEPEVAL_TELEMETRY_OPT_OUT="1",
    DO_NOT_TRACK="true",
    LITELLM_LOCAL_MODEL_COST_MAP="True",
    LITELLM_MODE="PRODUCTION",
    MLFLOW_DISABLE_TELEMETRY="true",
    RAGAS_DO_NOT_TRACK="true",
)
MODULES = (
    "boto3",
    "s3transfer.manager",
    "botocore.signers",
    "jmespath",
    "ruamel.yaml",
    "pydantic",
    "pyarrow.parquet",
    "pyarrow.dataset",
    "numpy",
    "scipy.stats",
    "datasets",
    "rouge_score.rouge_scorer",
    "sacrebleu",
    "regex",
    "mlflow",
    "mlflow.genai",
    "mlflow.genai.judges",
    "mlflow.genai.scorers",
    "mlflow.genai.judges.prompts",
    "mlflow.genai.evaluation",
    "mlflow.genai.datasets",
    "sagemaker_mlflow",
    "litellm",
    "openai",
    "deepeval.metrics",
    "deepeval.models",
    "ragas.metrics.collections",
    "ragas.llms",
    "jinja2",
    "leather",
)

TIMED, UNCHECKED_HASH = (number.to_bytes(4, "little") for number in (0b00, 0b01))


def forget_time(bytecode: Path) -> None:
    """Replaces the header's flags, time and size: bytes 4 to 16, after the magic number."""
    content = bytecode.read_bytes()
    if content[4:8] == TIMED:
        source = Path(importlib.util.source_from_cache(str(bytecode))).read_bytes()
        header = content[:4] + UNCHECKED_HASH + importlib.util.source_hash(source)
        bytecode.write_bytes(header + content[16:])


started = time.monotonic()
for module in MODULES:
    importlib.import_module(module)
compiled = list(Path(sys.prefix).rglob("*.pyc"))
for path in compiled:
    forget_time(path)
seconds = time.monotonic() - started
print(f"{len(MODULES)} modules, {len(compiled)} files of bytecode in {seconds:.1f} s")
