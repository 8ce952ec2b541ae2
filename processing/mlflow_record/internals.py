"""What an evaluation imports, and when: each import is processor time that its calls wait for.

MLflow 3.17 tries to import pyspark, dbruntime and IPython about six times for each trace and
request; where they are not installed Python searches the disk each time, 2 ms a row in all. And
`mlflow.genai.evaluate` loads litellm and the Databricks SDK whoever judges, 3 s of processor time
and 200 MB. None in `sys.modules` makes an import fail at once, which MLflow takes as "not there".
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

LOOKED_FOR = ("pyspark", "dbruntime", "IPython")


def skip_searches_for_absent_modules() -> None:
    """Have imports of those of LOOKED_FOR that are not installed fail without a search."""
    for name in LOOKED_FOR:
        if name not in sys.modules and importlib.util.find_spec(name) is None:
            sys.modules[name] = None  # type: ignore[assignment]


@contextmanager
def without_importing(name: str) -> Iterator[None]:
    """Within the block the module is not imported, unless it already is."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


def import_evaluate() -> None:
    """Import what `mlflow.genai.evaluate` runs in, without the litellm that it imports unasked.

    Before anybody is asked: a judge's or a user's own scorer may import litellm itself.
    """
    with without_importing("litellm"):
        importlib.import_module("mlflow.genai.evaluation.harness")
        adapters = importlib.import_module("mlflow.genai.judges.adapters.rate_limit_retry_adapters")
    for adapter in adapters.get_retry_adapters():
        if adapter.name == "litellm":  # else looked for, and thereby loaded, before the first row
            adapters.register_retry_adapter(
                replace(adapter, is_adapter_active=lambda: "litellm" in sys.modules)
            )
    _trace_no_clients()


def _trace_no_clients() -> None:
    """Else evaluate traces each call of a client library to a judge as if it were a row.

    `mlflow.autolog(disable=True)` would do so by hooks on imports, and a hook imports while it
    holds a lock that every other thread's import waits for with Python's own: both stand still.
    """
    from mlflow.ml_package_versions import FLAVOR_TO_MODULE_NAME
    from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS

    for flavor in FLAVOR_TO_MODULE_NAME:
        AUTOLOGGING_INTEGRATIONS.setdefault(flavor, {})["disable"] = True
