"""The rows that an evaluation will have, drawn as PrepareDataset draws them."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.definition.bundle import Bundle
from processing.base.errors import DatasetError, LaunchError
from processing.dataset.clusters import clusters_of
from processing.dataset.manifest import read_manifest
from processing.dataset.rows import Row
from processing.dataset.shards import read_share
from processing.gate.clusters import collapsed
from processing.gate.slices import slice_groups


@dataclass(frozen=True)
class PlannedRows:
    """`count` of them; `rows` where the dataset is on this machine, else none.

    With `count` above `rows`, it is as if the dataset had so many more of the same kind.
    """

    count: int
    rows: tuple[Row, ...]
    clusters: Mapping[str, str] | None

    def planned(self, row_ids: Sequence[str]) -> int:
        """How many rows these stand for."""
        return len(row_ids) * self.count // len(self.rows)

    def independent(self, row_ids: Sequence[str] | None = None) -> int:
        """As so many rows that are independent these rows count; all of them by default.

        Kish's effective number of clusters: rows that belong together count as one.
        """
        if self.clusters is None:
            return self.count if row_ids is None else self.planned(row_ids)
        chosen = [self.clusters[row_id] for row_id in row_ids or self.clusters]
        effective = collapsed([0.0] * len(chosen), chosen).effective * self.count / len(self.rows)
        return max(1, int(effective + 1e-9))

    def slices(self, column: str) -> dict[str, list[str]]:
        """JSON text of the column's value -> row ids."""
        return slice_groups({row.row_id: row.slices for row in self.rows}, column)


def planned_rows(bundle: Bundle, config: Path, rows: int | None = None) -> PlannedRows:
    """`rows`: instead of dataset.sample_size; 0 takes all, and it may be more than there are.

    Raises DatasetError as PrepareDataset does; LaunchError where nobody says how many rows a
    dataset has that is not on this machine.
    """
    dataset = bundle.config.dataset
    wanted = dataset.sample_size if rows is None else rows
    if wanted < 0:
        raise LaunchError(f"--rows {wanted}: give how many rows, or 0 for all")
    if bundle.dataset_upload is None:
        if wanted == 0:
            raise LaunchError(
                f"{dataset.source} is not on this machine, and dataset.sample_size says not how "
                "many rows it has: give --rows N"
            )
        return PlannedRows(wanted, (), None)
    from processing.prepare_dataset import prepare

    drawn = dataset.model_copy(update={"sample_size": wanted})
    with tempfile.TemporaryDirectory(prefix="plan-") as folder:
        output = Path(folder)
        with contextlib.redirect_stdout(io.StringIO()):  # what PrepareDataset tells
            try:
                prepare(drawn, config=config, inputs=Path(os.devnull), output=output, shards=1)
            except DatasetError as error:  # its last line names the manifest, which goes now
                kept = (each for each in str(error).splitlines() if folder not in each)
                raise DatasetError("\n".join(kept)) from error
        found = read_share(output, read_manifest(output), whole=True).rows
    return PlannedRows(max(len(found), rows or 0), tuple(found), clusters_of(found, dataset))
