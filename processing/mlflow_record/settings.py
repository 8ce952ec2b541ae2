"""How this process talks to MLflow: what no argument says, but variables, loggers and sockets."""

from __future__ import annotations

import logging
import os
from typing import Any

from processing.mlflow_record.quick_acks import acknowledge_at_once


def quiet_evaluate(rows_at_once: int) -> None:
    """Settings of `mlflow.genai.evaluate` that exist only as environment variables."""
    settings: dict[str, Any] = {
        "MLFLOW_GENAI_EVAL_MAX_WORKERS": rows_at_once,
        # one row's scorers one after the other: their judges have been asked already
        "MLFLOW_GENAI_EVAL_MAX_SCORER_WORKERS": 1,
        # "auto" would hold scoring at 10 rows a second, whatever the judge can take
        "MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT": 0,
        # else the first row is asked once more, to see whether that makes a trace
        "MLFLOW_GENAI_EVAL_SKIP_TRACE_VALIDATION": "true",
    }
    os.environ.update({key: str(value) for key, value in settings.items()})


def set_up_client(uri: str) -> None:
    """No chatter of MLflow's in a job's log, no idle waits, retries where Outage has none."""
    acknowledge_at_once()
    # the one is for a connection that the server has closed while nobody used it
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    # its default of 10 connections kept would have every further request make a new one
    os.environ.setdefault("MLFLOW_HTTP_POOL_MAXSIZE", "32")
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"  # TraceWriter has its own threads
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    # a connection more than a pool keeps is closed after use, which harms nobody
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    if uri.startswith("http"):
        # sagemaker-mlflow 0.5.0 takes every tracking URI for an ARN and warns on each request
        noisy = logging.getLogger("mlflow.tracking.request_header.registry")
        noisy.setLevel(logging.ERROR)
