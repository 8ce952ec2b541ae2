"""What the evaluation reads: prepared rows, and the manifest beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.base.errors import DatasetError
from processing.dataset.manifest import Counts, Manifest, read_manifest, write_manifest
from processing.dataset.rows import Row, make_row
from processing.dataset.shards import read_share, write_shards

ROWS = [
    make_row("Why?", "So.", ["One.", "Two."], {"topic": "x", "n": 3, "none": None}),
    make_row("Ou\u0300?", "🎉\u2028"),
]


def write_dataset(directory: Path, rows: list[Row]) -> Manifest:
    shards, digest = write_shards((row.line() for row in rows), directory, rows=len(rows), count=1)
    manifest = Manifest(
        source="rows.jsonl",
        format="jsonl",
        files=[],
        seed=0,
        sample_size=0,
        counts=Counts(
            read=2, unusable=0, duplicates=0, conflicting_questions=0, usable=2, written=2
        ),
        unusable_by_reason={},
        unusable=[],
        duplicates=[],
        dropped_columns=[],
        slices={},
        has_context=True,
        sha256=digest,
        shards=shards,
        notes=[],
    )
    write_manifest(manifest, directory)
    return manifest


def read_rows(directory: Path) -> list[Row]:
    return read_share(directory, read_manifest(directory), whole=True).rows


def test_rows_and_manifest_come_back_as_they_were_written(tmp_path: Path) -> None:
    manifest = write_dataset(tmp_path, ROWS)
    assert read_rows(tmp_path) == ROWS
    assert read_manifest(tmp_path) == manifest
    assert manifest.sha256 == hashlib.sha256((tmp_path / "dataset.jsonl").read_bytes()).hexdigest()


def test_an_id_stays_what_it_was_in_earlier_versions() -> None:
    # SHA-256 of {"context":null,"expected_response":"So.","question":"Why?"}
    assert make_row(" Why?\n", "So.", ["  "], {"topic": "x"}).row_id == "6928d2ccbf3893ac"


@given(st.text(), st.text(), st.lists(st.text()))
def test_a_row_made_from_a_rows_own_texts_has_its_id(
    question: str, response: str, context: list[str]
) -> None:
    row = make_row(question, response, context)
    assert make_row(row.question, row.expected_response, row.context) == row


def test_text_that_moves_between_fields_makes_another_row() -> None:
    contents: list[tuple[str, str, list[str] | None]] = [
        ("ab", "c", None),
        ("a", "bc", None),
        ("c", "ab", None),
        ("ab", "c", ["d"]),
        ("ab", "c", ["d", "e"]),
        ("ab", "c", ["de"]),
        ("ab", "c", ['d","e']),
        ("ab", "c", ["null"]),
    ]
    assert len({make_row(*content).row_id for content in contents}) == len(contents)


def test_rows_that_were_changed_or_cut_off_after_preparing_are_refused(tmp_path: Path) -> None:
    write_dataset(tmp_path, ROWS)
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(ROWS[0].line())
    with pytest.raises(DatasetError, match="changed or cut off"):
        read_rows(tmp_path)


def test_a_malformed_row_is_named_with_its_line(tmp_path: Path) -> None:
    write_dataset(tmp_path, ROWS)
    (tmp_path / "dataset.jsonl").write_bytes(ROWS[0].line() + b'{"row_id": "x"}\n')
    with pytest.raises(DatasetError, match=r"dataset\.jsonl:2: is not a prepared row"):
        read_rows(tmp_path)


def test_missing_and_foreign_files_say_what_to_run(tmp_path: Path) -> None:
    write_dataset(tmp_path, ROWS)
    (tmp_path / "dataset.jsonl").unlink()
    with pytest.raises(DatasetError, match=r"dataset\.jsonl does not exist: run"):
        read_rows(tmp_path)
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(DatasetError, match=r"manifest\.json cannot be read"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text('{"schema": 2}')
    with pytest.raises(DatasetError, match=r"is not a manifest: schema"):
        read_manifest(tmp_path)


def test_an_interrupted_write_leaves_the_earlier_rows(tmp_path: Path) -> None:
    write_dataset(tmp_path, ROWS)

    def lines() -> Iterator[bytes]:
        yield ROWS[0].line()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(lines(), tmp_path, rows=2, count=1)
    assert read_rows(tmp_path) == ROWS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset.jsonl", "manifest.json"]
