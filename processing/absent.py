"""Modules that are not to be looked for, or not to be loaded, in an evaluation.

MLflow 3.17 tries to import pyspark, dbruntime and IPython about six times for each trace and
request; where they are not installed Python searches the disk each time, 2 ms a row in all. And
`mlflow.genai.evaluate` loads litellm and the Databricks SDK whoever judges, 3 s of processor time
and 200 MB. None in `sys.modules` makes an import fail at once, which MLflow takes as "not there".
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOOKED_FOR = ("pyspark", "dbruntime", "IPython")


def name_absent_modules() -> None:
    """Say once which of LOOKED_FOR are not installed."""
    for name in LOOKED_FOR:
        if name not in sys.modules and importlib.util.find_spec(name) is None:
            sys.modules[name] = None  # type: ignore[assignment]


@contextmanager
def left_out(name: str) -> Iterator[None]:
    """Within the block the module is not imported, unless it already is."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
