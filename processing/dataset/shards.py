"""The files that hold the prepared rows: one, or as many as the evaluation has instances.

For one instance `dataset.jsonl` lies beside the manifest. For N there is a folder `shards`, with
nothing else in it, since SageMaker hands out all that lies under the prefix (ShardedByS3Key).
One after the other the files are the dataset: the same rows in the same order, with the same
SHA-256, whatever N.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from processing.base.errors import DatasetError
from processing.dataset.manifest import Manifest, ShardFile
from processing.dataset.rows import ROWS_FILE, Row, read_lines

SHARDS_FOLDER = "shards"
BLOCK_LINES = 2048


def shard_files(count: int) -> list[str]:
    """Paths below the output, in the order of the rows."""
    if count == 1:
        return [ROWS_FILE]
    return [f"{SHARDS_FOLDER}/shard-{n:05d}-of-{count:05d}.jsonl" for n in range(count)]


def shard_sizes(rows: int, count: int) -> list[int]:
    """Rows of each shard: they differ by one at most."""
    return [rows // count + (number < rows % count) for number in range(count)]


def write_shards(
    lines: Iterable[bytes], directory: Path, *, rows: int, count: int
) -> tuple[list[ShardFile], str]:
    """Write `rows` lines to `count` files; returns these, and the SHA-256 of all lines.

    The files appear when all are written.
    """
    remaining, whole, shards = iter(lines), hashlib.sha256(), []
    with tempfile.TemporaryDirectory(prefix=".rows-", dir=directory) as part:
        files = [(Path(part) / Path(name).name, directory / name) for name in shard_files(count)]
        for (written, _), size in zip(files, shard_sizes(rows, count), strict=True):
            digest = hashlib.sha256()
            with written.open("wb") as file:
                for block in _blocks(islice(remaining, size)):
                    file.write(block)
                    digest.update(block)
                    whole.update(block)
            shards.append(ShardFile(name=written.name, rows=size, sha256=digest.hexdigest()))
        for written, final in files:
            final.parent.mkdir(exist_ok=True)
            written.replace(final)
    return shards, whole.hexdigest()


def _blocks(lines: Iterator[bytes]) -> Iterator[bytes]:
    while block := b"".join(islice(lines, BLOCK_LINES)):
        yield block


def remove_shards(directory: Path) -> None:
    """Remove what an earlier run has written, for whatever number of instances."""
    (directory / ROWS_FILE).unlink(missing_ok=True)
    for shard in (directory / SHARDS_FOLDER).glob("shard-*-of-*.jsonl"):
        shard.unlink()
    folder = directory / SHARDS_FOLDER
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


@dataclass(frozen=True)
class Share:
    """The rows that an instance has, each with its place in the dataset, from 0."""

    rows: list[Row]
    places: list[int]


def read_share(folder: Path, manifest: Manifest, *, whole: bool) -> Share:
    """The rows of the manifest's files that are in `folder`: all of them, some or none.

    Raises DatasetError where a file is not the one in the manifest, or one too many; and if `whole`
    where one is missing.
    """
    rows: list[Row] = []
    places: list[int] = []
    first = 0
    known = {shard.name for shard in manifest.shards}
    for path in sorted(folder.glob("*.jsonl")):
        if path.name not in known:
            raise DatasetError(
                f"{path} is not among the files of the dataset ({', '.join(sorted(known)[:3])}, "
                "...): it is from another run; prepare the dataset again"
            )
    for shard in manifest.shards:
        if (folder / shard.name).is_file():
            rows += read_lines(folder / shard.name, shard.sha256)
            places += range(first, first + shard.rows)
        elif whole:
            raise DatasetError(
                f"{folder / shard.name} does not exist: run processing.prepare_dataset first"
            )
        first += shard.rows
    return Share(rows, places)
