"""Rows out of Arrow's columns, as Parquet files and the hub's datasets have them."""

from __future__ import annotations

from typing import Any

from processing.dataset.column_names import require_distinct


def arrow_records(name: str, batch: Any) -> list[dict[str, Any]]:
    """A pyarrow RecordBatch or Table as Python values. Raises DatasetError for a column twice."""
    import pyarrow

    names: list[str] = batch.schema.names
    require_distinct(f"{name}: it", names)
    if any(map(_is_short_float, batch.schema.types)):
        columns = [_in_shortest_form(column) for column in batch.columns]
        batch = pyarrow.table(columns, names=names)
    try:
        records: list[dict[str, Any]] = batch.to_pylist()
    except UnicodeDecodeError:
        # Arrow does not check its strings. Read them as bytes, so that only bad rows are lost.
        columns = [
            column.cast(pyarrow.binary()) if _is_text(column.type) else column
            for column in batch.columns
        ]
        records = pyarrow.table(columns, names=names).to_pylist()
    return records


def _is_short_float(arrow_type: Any) -> bool:
    from pyarrow import types

    if types.is_list(arrow_type) or types.is_large_list(arrow_type):
        return _is_short_float(arrow_type.value_type)
    return bool(types.is_float16(arrow_type) or types.is_float32(arrow_type))


def _in_shortest_form(column: Any) -> Any:
    """A float32's 0.1 as 0.1, where a double of the same value is 0.10000000149011612."""
    import numpy
    import pyarrow

    if not _is_short_float(column.type):
        return column

    def shortest(value: Any, kind: Any) -> Any:
        if isinstance(value, list):
            return [shortest(each, kind.value_type) for each in value]
        short = numpy.float16 if kind == pyarrow.float16() else numpy.float32
        return None if value is None else float(str(short(value)))

    as_double = pyarrow.float64()
    inner = column.type
    while not (pyarrow.types.is_floating(inner)):
        inner, as_double = inner.value_type, pyarrow.list_(as_double)
    return pyarrow.array([shortest(v, column.type) for v in column.to_pylist()], as_double)


def _is_text(arrow_type: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_string(arrow_type) or pyarrow.types.is_large_string(arrow_type))
