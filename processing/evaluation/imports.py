"""When an evaluation imports its libraries: each import is time that its calls wait for."""

from __future__ import annotations

import gc
import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from processing.config.model import EvaluationConfig

NEEDED_AT_THE_END = ("scipy.special", "processing.report.html.page")
"""Imports that the metrics and the report need, and nothing before them."""


@contextmanager
def kept_out_of_garbage_collection() -> Iterator[None]:
    """What the block makes is never looked through for garbage: modules stay until the end.

    Else each full collection walks through 250,000 objects of the libraries', 0.25 s a time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def import_in_the_background(config: EvaluationConfig) -> None:
    """Begin to import what is NEEDED_AT_THE_END, and return; services are waited for meanwhile.

    scipy.stats, 0.7 s of processor time, only where a champion is compared with.
    """
    names = [*NEEDED_AT_THE_END, *(["scipy.stats"] if config.champion else [])]
    threading.Thread(
        target=lambda: [importlib.import_module(name) for name in names],
        name="imports",
        daemon=True,
    ).start()
