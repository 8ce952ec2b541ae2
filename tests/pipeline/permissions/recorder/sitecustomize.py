"""Put on PYTHONPATH: writes every boto3 call of the process to the file RECORDED_CALLS.

A line for each: {"operation": "s3:PutObject", "program": the command line, "given": [names],
"parameters": {...}}; values that are no text, number or list are left out.
"""

import json
import os
import sys
from typing import Any

_TARGET = os.environ.get("RECORDED_CALLS")


def _record(target: str) -> None:
    from botocore.client import BaseClient

    original = BaseClient._make_api_call

    def call(self: Any, operation_name: str, api_params: dict[str, Any]) -> Any:
        line = {
            "operation": f"{self.meta.service_model.service_name}:{operation_name}",
            "program": " ".join(sys.orig_argv),
            "given": list(api_params),
            "parameters": {
                name: value
                for name, value in api_params.items()
                if isinstance(value, str | int | list)
            },
        }
        with open(target, "a", encoding="utf-8") as file:  # noqa: PTH123 one append, whole lines
            file.write(json.dumps(line, default=str) + "\n")
        return original(self, operation_name, api_params)

    BaseClient._make_api_call = call


if _TARGET:
    _record(_TARGET)
