"""Writes down the calls that boto3 makes.

A line of JSON for each: {"operation": "s3:PutObject", "program": the command line, "given":
[names], "parameters": {...}}; values that are no text, number or list are left out.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def calls_recorded(target: Path) -> Iterator[None]:
    """Every call of this process is appended to `target`, until the block ends."""
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
        with target.open("a", encoding="utf-8") as file:  # one append, whole lines
            file.write(json.dumps(line, default=str) + "\n")
        return original(self, operation_name, api_params)

    BaseClient._make_api_call = call
    try:
        yield
    finally:
        BaseClient._make_api_call = original
