"""Which rows belong together, as `dataset.cluster` says; and rows that look as if they did."""

from __future__ import annotations

import json
from collections.abc import Sequence

from processing.config.dataset import Dataset
from processing.dataset.rows import Row
from processing.dataset.turns import messages_of

ROWS_A_CONTEXT = 2
"""From so many rows a context on, on average, it is said that they belong together."""


def clusters_of(rows: Sequence[Row], dataset: Dataset) -> dict[str, str] | None:
    """Row id -> what it belongs to; None without `dataset.cluster`.

    A row without a value belongs to nothing but itself.
    """
    column = dataset.cluster
    if column is None:
        return None
    return {row.row_id: _value(row, column, dataset) or f"row {row.row_id}" for row in rows}


def _value(row: Row, column: str, dataset: Dataset) -> str:
    columns = dataset.columns
    mapped: dict[str | None, object] = {
        columns.expected_response: row.expected_response,
        columns.context: row.context,
        columns.session: row.talk.session,
    }
    if columns.messages is None:
        mapped[columns.question] = row.question
    else:
        mapped[columns.messages] = messages_of(row.turns)
    value = mapped[column] if column in mapped else row.slices.get(column)
    return "" if value in (None, "", ()) else json.dumps(value, ensure_ascii=False)


def shared_contexts(rows: Sequence[Row], dataset: Dataset) -> str:
    """What a person should know where many rows have one context and nobody has said so."""
    contexts = [row.context for row in rows if row.context]
    different = len(set(contexts))
    if dataset.cluster is not None or different * ROWS_A_CONTEXT > len(contexts) or not contexts:
        return ""
    return (
        f"{len(contexts)} rows have only {different} contexts: rows on one context fail together, "
        "and intervals that take them for independent are too narrow: dataset.cluster: "
        f"{dataset.columns.context} (or another column) says which rows belong together"
    )
