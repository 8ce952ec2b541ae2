"""Put on PYTHONPATH: writes every boto3 call of the process to the file RECORDED_CALLS.

A line for each: {"operation": "s3:PutObject", "parameters": {...}}; bodies are left out.
"""

import json
import os
from typing import Any

_TARGET = os.environ.get("RECORDED_CALLS")


def _record(target: str) -> None:
    from botocore.client import BaseClient

    original = BaseClient._make_api_call

    def call(self: Any, operation_name: str, api_params: dict[str, Any]) -> Any:
        kept = {k: v for k, v in api_params.items() if isinstance(v, str | int | list)}
        line = {
            "operation": f"{self.meta.service_model.service_name}:{operation_name}",
            "parameters": kept,
        }
        with open(target, "a", encoding="utf-8") as file:  # noqa: PTH123 one append, no partial line
            file.write(json.dumps(line, default=str) + "\n")
        return original(self, operation_name, api_params)

    BaseClient._make_api_call = call  # type: ignore[method-assign]


if _TARGET:
    _record(_TARGET)
