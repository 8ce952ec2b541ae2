"""MLflow's evaluation datasets: as `dataset.source`, and as the place for failed rows."""

from __future__ import annotations

import re

from pydantic import Field

from processing.config.section import Section

SCHEME = "mlflow://"
OPTIONAL = ("expected_facts", "guidelines")
"""Columns that are read where a record's expectations have a key of that name."""

OWN_TAGS = "evaluation."
"""How tags begin that `on_failure` gives a record; they are no slices."""

_ID = re.compile(r"d-[0-9a-f]{32}")


class OnFailure(Section):
    """`add_to_dataset`: the MLflow evaluation dataset that rows with a failed verdict go to."""

    add_to_dataset: str = Field(min_length=1, max_length=500)


def named_dataset(source: str) -> tuple[str, bool]:
    """The name or id in `mlflow://NAME`, and whether it is an id. Raises ValueError for neither."""
    name = source.removeprefix(SCHEME).strip()
    if not name:
        raise ValueError(f"{source}: names no dataset; write mlflow://my-dataset, or its id")
    return name, _ID.fullmatch(name) is not None
