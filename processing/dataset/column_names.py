"""A source's columns are known by their names, so no two may have the same."""

from __future__ import annotations

from collections.abc import Sequence

from processing.base.errors import DatasetError


def require_distinct(place: str, names: Sequence[str]) -> None:
    """Raises DatasetError; `place` is how its message begins."""
    if len(set(names)) < len(names):
        twice = [name for name in dict.fromkeys(names) if name and names.count(name) > 1]
        if twice:
            shown = ", ".join(map(repr, twice))
            raise DatasetError(f"{place} has the column {shown} more than once; rename one")
