"""`variants:`, other ways to run the same evaluation: a name for each, and what it overrides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator

from processing.config.threshold_scales import Location

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


def _nothing_is_empty(value: Any) -> Any:
    return {} if value is None else value


Overrides = Annotated[dict[str, Any], BeforeValidator(_nothing_is_empty)]
"""Key path (`endpoint.parameters.temperature`) -> value; none is the file as it stands."""


def variant_name_problems(names: Iterable[str]) -> Iterator[tuple[Location, str]]:
    """A variant's name is a folder's, and a part of an execution's name."""
    earlier: dict[str, str] = {}
    for name in names:
        location: Location = ("variants", name)
        if not _NAME.fullmatch(name):
            message = (
                "a variant's name is at most 40 letters of A to Z, digits, hyphens and "
                f"underscores, and begins with a letter or digit, unlike {name!r}"
            )
            yield location, message
        elif (other := earlier.setdefault(name.lower(), name)) != name:
            yield location, f"differs from {other} by upper and lower case alone: rename one"
