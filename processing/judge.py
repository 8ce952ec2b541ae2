"""How the configured judge model reaches MLflow, and where its calls go."""

from __future__ import annotations

import os


def mlflow_model_uri(model: str) -> str:
    """The form of a judge's URI that the pinned MLflow can use.

    MLflow 3.17 refuses `bedrock:/MODEL` (its Bedrock provider has no endpoint URL);
    `bedrock/converse:/MODEL` goes through litellm to Bedrock's Converse API, for every model.
    """
    provider, _, name = model.partition(":/")
    return f"bedrock/converse:/{name}" if provider == "bedrock" else model


def route_bedrock_calls() -> None:
    """Make litellm honour the address that boto3 honours.

    litellm reads AWS_BEDROCK_RUNTIME_ENDPOINT and ignores botocore's own variables
    (AWS_ENDPOINT_URL_BEDROCK_RUNTIME, AWS_ENDPOINT_URL).
    """
    address = os.environ.get("AWS_ENDPOINT_URL_BEDROCK_RUNTIME") or os.environ.get(
        "AWS_ENDPOINT_URL"
    )
    if address:
        os.environ.setdefault("AWS_BEDROCK_RUNTIME_ENDPOINT", address)


def silence_libraries() -> None:
    """Turn off telemetry and downloads at import. Must run before mlflow, ragas or litellm load."""
    os.environ.update(
        MLFLOW_DISABLE_TELEMETRY="true",
        DO_NOT_TRACK="true",
        DEEPEVAL_TELEMETRY_OPT_OUT="1",
        RAGAS_DO_NOT_TRACK="true",
        LITELLM_LOCAL_MODEL_COST_MAP="True",  # else litellm downloads a price list at import
        MLFLOW_MODEL_CATALOG_URI="",  # else make_judge downloads a model catalogue
        HF_HUB_DISABLE_TELEMETRY="1",
        TQDM_DISABLE="1",  # a progress bar is noise in CloudWatch; tqdm reads this at import
    )
