"""When, on which rows and for which group an evaluation was made, as evaluation.json says it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from processing.base.secrets import masked
from processing.dataset.manifest import Manifest


@dataclass(frozen=True)
class Provenance:
    """`group` is the model package group that a model which passes is registered in; "" in none."""

    evaluated_at: dt.datetime
    manifest: Manifest
    group: str


def provenance_entries(found: Provenance | None) -> dict[str, Any]:
    """`evaluated_at` in UTC. `registration.group` is null where nothing would be registered."""
    if found is None:
        return {"evaluated_at": None, "dataset": None, "registration": None}
    manifest = found.manifest
    return {
        "evaluated_at": f"{found.evaluated_at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
        "dataset": {
            "name": masked(manifest.title),
            "source": masked(manifest.source),
            "version": manifest.source_version,
            "usable_rows": manifest.counts.usable,
            "seed": manifest.seed,
        },
        # what the step after this one does with a model that has passed
        "registration": {"group": found.group or None},
    }
