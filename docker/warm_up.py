"""Imports what the steps import, which proves that the packages load and leaves their bytecode.

Only these modules are compiled: bytecode for every file of the packages would add 90 MB that
nobody reads, and none at all makes every job compile the same 4,000 files (figures: README).
"""

import importlib
import os
import time

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
    "polars",
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

started = time.monotonic()
for module in MODULES:
    importlib.import_module(module)
print(f"{len(MODULES)} modules and what they import in {time.monotonic() - started:.1f} s")
