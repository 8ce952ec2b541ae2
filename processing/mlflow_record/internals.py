"""What an evaluation imports, and when: each import is processor time that its calls wait for.

MLflow 3.17 tries to import pyspark, dbruntime and IPython about six times for each trace and
request; where they are not installed Python searches the disk each time, 2 ms a row in all. And
`mlflow.genai.evaluate` loads litellm and the Databricks SDK whoever judges, 3 s of processor time
and 200 MB. None in `sys.modules` makes an import fail at once, which MLflow takes as "not there".
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

LOOKED_FOR = ("pyspark", "dbruntime", "IPython")

NEEDED_AT_THE_END = ("scipy.stats", "processing.report.html.page")
"""A second's imports, which the metrics and the report need, and nothing before them."""


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


@contextmanager
def uncollected() -> Iterator[None]:
    """What the block makes is never looked through for garbage: modules stay until the end.

    Else each full collection walks through 250,000 objects of the libraries', 0.25 s a time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def load_evaluate() -> None:
    """Import what `mlflow.genai.evaluate` runs in, without the litellm that it imports unasked.

    Before anybody is asked: a judge's or a user's own scorer may import litellm itself.
    """
    with left_out("litellm"):
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


def load_meanwhile() -> None:
    """Begin to import what is NEEDED_AT_THE_END, and return; services are waited for meanwhile."""
    threading.Thread(
        target=lambda: [importlib.import_module(name) for name in NEEDED_AT_THE_END],
        name="imports",
        daemon=True,
    ).start()
