"""An answer as scorers judge it: the model's text, and what came with it."""

from __future__ import annotations

from dataclasses import dataclass

from processing.dataset.retrieved import Retrieved


@dataclass(frozen=True)
class JudgedAnswer:
    """`retrieved` is None where nobody returns passages; the dataset's context counts then."""

    text: str
    retrieved: Retrieved | None = None
