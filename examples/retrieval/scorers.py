"""Scorers of our own: was the passage retrieved that has the answer, and where does it stand?

The dataset's own context is the gold here: the passage that somebody has found the answer in.
Without retrieved passages there is no verdict, and the gold is never taken in their place.
"""

from __future__ import annotations

from typing import Any

from mlflow.entities import Feedback
from mlflow.genai.scorers import scorer


def _place(inputs: dict[str, Any]) -> int | None:
    """Of the first retrieved passage that is the gold one, from 1; None if it is not there."""
    retrieved = [_plain(text) for text in inputs["retrieved_context"]]
    gold = {_plain(text) for text in inputs["context"]}
    return next((number for number, text in enumerate(retrieved, 1) if text in gold), None)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


@scorer
def right_passage_found(inputs: dict[str, Any]) -> Feedback:
    """yes if the right passage is among those that were retrieved (hit rate)."""
    place, count = _place(inputs), len(inputs["retrieved_context"])
    if place is None:
        return Feedback(value="no", rationale=f"none of {count} passages is the right one")
    return Feedback(value="yes", rationale=f"passage {place} of {count} is the right one")


@scorer
def right_passage_rank(inputs: dict[str, Any]) -> Feedback:
    """1 over the right passage's place, 0 if it was not retrieved (mean reciprocal rank)."""
    place = _place(inputs)
    why = "the right passage was not retrieved" if place is None else f"it is passage {place}"
    return Feedback(value=0.0 if place is None else 1 / place, rationale=why)
