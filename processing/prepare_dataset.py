"""The PrepareDataset job: the user's rows in, `dataset.jsonl` or shards, and `manifest.json` out.

python -m processing.prepare_dataset --config evaluation.yaml --output prepared

One pass reads, checks and spools the usable rows to disk; then it is known which are duplicates and
which are drawn, and a second pass over the spool writes these, in the order of the source.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import compress
from pathlib import Path
from typing import IO

from processing.base import container
from processing.base.disk import PREPARE, room_in
from processing.base.errors import DatasetError
from processing.base.job import run_job
from processing.base.stored_secrets import export_secrets
from processing.calls.progress_display import SECONDS, live_line
from processing.calls.progress_line import duration
from processing.config.dataset import Dataset
from processing.config.endpoint import Endpoint
from processing.config.file import load_config
from processing.dataset.manifest import (
    MANIFEST_FILE,
    Counts,
    DuplicateRow,
    Manifest,
    ShardFile,
    write_manifest,
)
from processing.dataset.redaction import Redactor
from processing.dataset.sampling import Selection, select
from processing.dataset.shards import remove_shards, shard_files, write_shards
from processing.dataset.size_limits import BUFFER_BYTES
from processing.dataset.source_version import version_for_job
from processing.dataset.sources import OpenSource, Part
from processing.dataset.validation import (
    LISTED,
    MANY_VALUES,
    Contents,
    Tally,
    place_of,
    read_parts,
    tell_read,
    watched,
)
from processing.mlflow_record.evaluation_datasets import open_rows


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Return the files that EvaluateModel reads. Raises ConfigError and DatasetError."""
    container.name_region()
    arguments = _arguments(argv)
    config = load_config(arguments.config)
    export_secrets(config.secrets)  # HF_TOKEN, before the hub's library is imported
    asked = {"source": arguments.source, "sample_size": arguments.sample_size}
    dataset = config.dataset.model_copy(
        update={name: value for name, value in asked.items() if value is not None}
    )
    if dataset.sample_size < 0:
        raise DatasetError(f"the sample size is {dataset.sample_size}; 0 takes all rows")
    manifest = prepare(
        dataset,
        config=arguments.config,
        inputs=arguments.input,
        output=arguments.output,
        shards=config.infrastructure.evaluate.instance_count,
        source_version=version_for_job(dataset.source) if config.pipeline.cache else None,
        endpoint=config.endpoint,
        tracking_uri=arguments.mlflow_tracking_uri or config.mlflow.tracking_uri,
    )
    rows = shard_files(len(manifest.shards))
    return [arguments.output / name for name in (*rows, MANIFEST_FILE)]


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m processing.prepare_dataset",
        description="Check, de-duplicate and sample a dataset for evaluation.",
    )
    parser.add_argument("--config", type=Path, default=container.CONFIG_FILE, metavar="FILE")
    parser.add_argument(
        "--source",
        metavar="URI",
        help="path or address of the rows (default: dataset.source)",
    )
    parser.add_argument(
        "--sample-size",
        type=int,
        metavar="N",
        help="rows to draw, 0 for all (default: dataset.sample_size)",
    )
    parser.add_argument(
        "--mlflow-tracking-uri", metavar="URI", help="of mlflow:// (default: mlflow.tracking_uri)"
    )
    parser.add_argument(
        "--input",
        type=Path,
        default=container.RAW_DATASET,
        metavar="DIR",
        help="where SageMaker has downloaded the source to (default: %(default)s)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=container.DATASET_OUTPUT,
        metavar="DIR",
        help="where the rows and manifest.json go (default: %(default)s)",
    )
    return parser.parse_args(argv)


def prepare(
    dataset: Dataset,
    *,
    config: Path,
    inputs: Path,
    output: Path,
    shards: int,
    source_version: str | None = None,
    endpoint: Endpoint | None = None,
    tracking_uri: str = "",
) -> Manifest:
    """Write the rows, to so many files, and `manifest.json` to `output`; tell what was read.

    `endpoint` says in which format captured calls are, `tracking_uri` where MLflow's records are.
    Raises DiskError where there is no room for them, DatasetError where there are no usable rows or
    too many unusable ones; the manifest is written then too, so that all of them can be seen, and
    no rows are.
    """
    output.mkdir(parents=True, exist_ok=True)
    remove_shards(output)
    (output / MANIFEST_FILE).unlink(missing_ok=True)
    tally, contents = Tally(), Contents()
    redactor = Redactor(dataset.redact, dataset.redact_regions)
    with (
        room_in(output, PREPARE),
        open_rows(dataset, endpoint, inputs, config.parent, tracking_uri) as source,
        _spool(output) as spool,
        live_line(_progress_line(tally, contents), sys.stdout, SECONDS),
    ):
        parts = [Part(part.name, redactor.records(part.records)) for part in source.parts]
        read_parts(parts, dataset.columns, spool, config.name, tally)
        source.notes.extend(redactor.notes())
        selection = select(
            tally.index, sample_size=dataset.sample_size, seed=dataset.seed, listed=LISTED
        )
        tell_read(source, tally, selection)
        failure = _why_not(dataset, tally, config.name)
        files, sha256 = list[ShardFile](), ""
        if failure is None:
            spool.seek(0)
            lines = compress(spool, selection.written)
            files, sha256 = write_shards(
                watched(lines, contents), output, rows=selection.written.count(1), count=shards
            )
        manifest = _manifest(
            dataset=dataset,
            source=source,
            source_version=source_version or source.version,
            tally=tally,
            selection=selection,
            contents=contents,
            sha256=sha256,
            shards=files,
            failure=failure,
        )
        write_manifest(manifest, output)
    if failure is not None:
        raise DatasetError(f"{failure}\nAll of them are counted in {output / MANIFEST_FILE}")
    _tell_written(manifest, output)
    return manifest


def _progress_line(tally: Tally, contents: Contents) -> Callable[[], str]:
    """How many rows there are is not known before the last one has been read."""
    started = time.monotonic()

    def line() -> str:
        written = f"  written {contents.written}" if contents.written else ""
        return f"progress  read {tally.read}{written}  {duration(time.monotonic() - started)}"

    return line


@contextmanager
def _spool(output: Path) -> Iterator[IO[bytes]]:
    # Beside the output, since that is on the volume whose size the configuration sets.
    path = output / ".rows.spool"
    try:
        with path.open("w+b", BUFFER_BYTES) as spool:
            yield spool
    finally:
        path.unlink(missing_ok=True)


def _why_not(dataset: Dataset, tally: Tally, config_name: str) -> str | None:
    """Why the rows must not be used; None where they may."""
    unusable = tally.reasons.total()
    if tally.read == 0:
        return f"{dataset.source}: holds no rows"
    first = "; ".join(place_of(row) for row in tally.unusable[:3])
    if unusable / tally.read > dataset.max_unusable_share:
        return (
            f"{unusable} of {tally.read} rows are unusable, a share of "
            f"{unusable / tally.read:.4g}; the limit is {dataset.max_unusable_share:.4g} "
            f"(dataset.max_unusable_share in {config_name}). The first: {first}"
        )
    if not len(tally.index):
        return f"{dataset.source}: none of the {tally.read} rows is usable. The first: {first}"
    return None


def _manifest(
    *,
    dataset: Dataset,
    source: OpenSource,
    source_version: str | None,
    tally: Tally,
    selection: Selection,
    contents: Contents,
    sha256: str,
    shards: list[ShardFile],
    failure: str | None,
) -> Manifest:
    names = [part.name for part in source.parts]
    return Manifest(
        source=dataset.source,
        source_version=source_version,
        format=source.format,
        files=source.files,
        seed=dataset.seed,
        sample_size=dataset.sample_size,
        counts=Counts(
            read=tally.read,
            unusable=tally.reasons.total(),
            duplicates=selection.duplicates,
            conflicting_questions=selection.conflicting_questions,
            usable=selection.usable,
            written=contents.written,
        ),
        unusable_by_reason=dict(tally.reasons.most_common()),
        unusable=tally.unusable,
        duplicates=[
            DuplicateRow(
                row_id=duplicate.row_id,
                file=names[duplicate.place.file],
                line=duplicate.place.line,
                first_file=names[duplicate.first.file],
                first_line=duplicate.first.line,
            )
            for duplicate in selection.first_duplicates
        ],
        dropped_columns=sorted(tally.dropped),
        slices={name: len(values) for name, values in sorted(contents.values.items())},
        has_context=contents.has_context,
        sha256=sha256,
        shards=shards,
        notes=[*source.notes, *_notes(dataset, selection, contents, failure)],
    )


def _notes(
    dataset: Dataset, selection: Selection, contents: Contents, failure: str | None
) -> Iterator[str]:
    if failure is not None:
        yield f"failed, and no rows were written: {failure}"
    if dataset.sample_size > selection.usable:
        yield (
            f"sample_size {dataset.sample_size} is more than the {selection.usable} usable rows: "
            "all of them were taken"
        )
    for name, values in sorted(contents.values.items()):
        if len(values) >= MANY_VALUES:
            yield f"slices: {name!r} has {MANY_VALUES} distinct values or more; not counted further"


def _tell_written(manifest: Manifest, output: Path) -> None:
    counts = manifest.counts
    if counts.written < counts.usable:
        print(f"drew {counts.written} of {counts.usable} usable rows with seed {manifest.seed}")
    for note in manifest.notes:
        print(f"note: {note}")
    if manifest.slices:
        columns = (f"{name} ({count} values)" for name, count in manifest.slices.items())
        print(f"slice columns: {', '.join(columns)}")
    files = shard_files(len(manifest.shards))
    several = f" to {output / files[-1]}" if len(files) > 1 else ""
    print(f"wrote {counts.written} rows to {output / files[0]}{several}, and {MANIFEST_FILE}")


if __name__ == "__main__":
    sys.exit(run_job(main, container.MESSAGE_FILE))
