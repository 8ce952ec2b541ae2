"""PrepareDataset through its command line: what a person gives it, and what they find after."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import random
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from processing.base.job import run_job
from processing.prepare_dataset import main

ROOT = Path(__file__).parents[3]

Columns = dict[str, Any]


@dataclass
class Outcome:
    code: int
    out: str
    err: str
    message: str | None
    directory: Path

    @property
    def manifest(self) -> Columns:
        document: Columns = json.loads((self.directory / "manifest.json").read_bytes())
        return document

    @property
    def rows(self) -> list[Columns]:
        return [json.loads(line) for line in self.bytes.splitlines()]

    @property
    def bytes(self) -> bytes:
        return (self.directory / "dataset.jsonl").read_bytes()

    @property
    def questions(self) -> list[str]:
        return [row["inputs"]["question"] for row in self.rows]

    @property
    def wrote_rows(self) -> bool:
        return (self.directory / "dataset.jsonl").exists()


def write_config(folder: Path, dataset: Columns, **infrastructure: Any) -> Path:
    document = {
        "dataset": dataset,
        "endpoint": {"name": "model"},
        "scorers": ["rougeL_fmeasure"],
        "thresholds": {"rougeL_fmeasure": {"min": 0.1}},
        "registration": {"model_package_group": "group"},
        "mlflow": {"tracking_uri": "http://127.0.0.1:1"},
        "infrastructure": {
            "bucket": "bucket",
            "pipeline_role": "arn:aws:iam::123456789012:role/p",
            "job_role": "arn:aws:iam::123456789012:role/j",
            "image": "image",
            **infrastructure,
        },
    }
    path = folder / "evaluation.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


Prepare = Callable[..., Outcome]


@pytest.fixture
def prepare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Prepare:
    """Run the job in this process: `prepare("rows.jsonl", seed=3, arguments=["--help"])`."""
    runs = iter(range(1000))

    def run(source: str | Path, *, arguments: list[str] | None = None, **dataset: Any) -> Outcome:
        directory = tmp_path / f"run-{next(runs)}"
        dataset.setdefault("columns", {"question": "q", "expected_response": "a"})
        config = write_config(tmp_path, {"source": str(source), **dataset})
        message = directory / "message"
        argv = ["--config", str(config), "--output", str(directory / "out")]
        argv += ["--input", str(tmp_path / "no-input"), *(arguments or [])]
        code = run_job(lambda: main(argv), message)
        out, err = capsys.readouterr()
        said = message.read_text() if message.exists() else None
        return Outcome(code, out, err, said, directory / "out")

    return run


def rows(count: int, start: int = 0) -> list[Columns]:
    return [{"q": f"Question {n}?", "a": f"Answer {n}."} for n in range(start, start + count)]


def write_jsonl(path: Path, records: list[Columns]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_bytes(
        gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text.encode()
    )
    return path


def write_csv(path: Path, records: list[Columns]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)
    return path


def write_parquet(path: Path, records: list[Columns]) -> Path:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(records), path)
    return path


def ids(outcome: Outcome) -> list[str]:
    return [row["row_id"] for row in outcome.rows]


def reasons(outcome: Outcome) -> list[tuple[int, str]]:
    return [(entry["line"], entry["reason"]) for entry in outcome.manifest["unusable"]]


# Rows and what identifies them


def test_a_prepared_row_is_what_the_contract_says(tmp_path: Path, prepare: Prepare) -> None:
    record = {"q": " Why? ", "a": "Because.", "passage": ["One.", " "], "topic": "x", "n": 3}
    write_jsonl(tmp_path / "rows.jsonl", [record])
    columns = {"question": "q", "expected_response": "a", "context": "passage"}
    outcome = prepare("rows.jsonl", columns=columns)
    canonical = '{"context":["One."],"expected_response":"Because.","question":"Why?"}'
    expected = {
        "row_id": hashlib.sha256(canonical.encode()).hexdigest()[:16],
        "inputs": {"question": "Why?"},
        "expectations": {"expected_response": "Because."},
        "context": ["One."],
        "slices": {"topic": "x", "n": 3},
    }
    assert outcome.code == 0
    assert outcome.rows == [expected]
    assert list(outcome.rows[0]) == list(expected)
    assert outcome.manifest["has_context"] is True


def test_ids_are_the_same_from_every_format_in_any_order_and_with_other_slices(
    tmp_path: Path, prepare: Prepare
) -> None:
    records = [{"q": f'Is "{n}",\nfine?', "a": f"Ja, schön {n} 🎉"} for n in range(20)]
    labelled = [{**record, "topic": n} for n, record in enumerate(reversed(records))]
    outcomes = [
        prepare(write_jsonl(tmp_path / "rows.jsonl", records)),
        prepare(write_jsonl(tmp_path / "rows.ndjson.gz", records)),
        prepare(write_csv(tmp_path / "rows.csv", labelled)),
        prepare(write_parquet(tmp_path / "rows.parquet", records)),
    ]
    assert [outcome.code for outcome in outcomes] == [0, 0, 0, 0]
    assert len(set(ids(outcomes[0]))) == 20
    assert [sorted(ids(outcome)) for outcome in outcomes] == [sorted(ids(outcomes[0]))] * 4
    assert ids(outcomes[2]) == ids(outcomes[0])[::-1]
    formats = [outcome.manifest["format"] for outcome in outcomes]
    assert formats == ["jsonl", "jsonl", "csv", "parquet"]


def test_composed_and_decomposed_letters_are_the_same_row(tmp_path: Path, prepare: Prepare) -> None:
    composed = {"q": "Où est le café ?", "a": "Là."}
    decomposed = {key: unicodedata.normalize("NFD", text) for key, text in composed.items()}
    assert decomposed != composed
    outcome = prepare(write_jsonl(tmp_path / "rows.jsonl", [decomposed, composed]))
    assert outcome.questions == [decomposed["q"]], "the first, as it came"
    assert outcome.manifest["counts"]["duplicates"] == 1
    assert ids(prepare(write_jsonl(tmp_path / "rows.jsonl", [composed]))) == ids(outcome)


def test_files_joined_with_their_byte_order_marks_are_read(
    tmp_path: Path, prepare: Prepare
) -> None:
    line = b'\xef\xbb\xbf{"q": "%d?", "a": "So."}\n'
    (tmp_path / "rows.jsonl").write_bytes(line % 1 + line % 2)
    assert prepare("rows.jsonl").questions == ["1?", "2?"]


def test_numbers_and_booleans_are_taken_as_their_text(tmp_path: Path, prepare: Prepare) -> None:
    write_jsonl(tmp_path / "rows.jsonl", [{"q": 7, "a": 2.5}, {"q": "Is it?", "a": True}])
    outcome = prepare("rows.jsonl")
    answers = [row["expectations"]["expected_response"] for row in outcome.rows]
    assert answers == ["2.5", "true"]
    assert outcome.questions == ["7", "Is it?"]


def test_a_context_may_be_a_text_a_list_or_nothing(tmp_path: Path, prepare: Prepare) -> None:
    contexts = ["One.", ["One.", "Two."], None, "", [], {"no": "text"}]
    records = [{**row, "c": c} for row, c in zip(rows(6), contexts, strict=True)]
    write_jsonl(tmp_path / "rows.jsonl", records)
    columns = {"question": "q", "expected_response": "a", "context": "c"}
    outcome = prepare("rows.jsonl", columns=columns, max_unusable_share=0.5)
    found = [row["context"] for row in outcome.rows]
    assert found == [["One."], ["One.", "Two."], None, None, None]
    assert reasons(outcome) == [(6, "context is not text")]


def test_nested_values_are_left_out_of_the_slices_and_said_once(
    tmp_path: Path, prepare: Prepare
) -> None:
    extra = {"topic": "x", "tags": ["a", "b"], "meta": {"k": 1}, "none": None, "yes": True}
    write_jsonl(tmp_path / "rows.jsonl", [{**row, **extra} for row in rows(3)])
    outcome = prepare("rows.jsonl")
    assert outcome.manifest["dropped_columns"] == ["meta", "tags"]
    assert outcome.rows[0]["slices"] == {"topic": "x", "none": None, "yes": True}
    assert outcome.manifest["slices"] == {"none": 0, "topic": 1, "yes": 1}


def test_distinct_slice_values_are_counted_as_json_tells_them_apart(
    tmp_path: Path, prepare: Prepare
) -> None:
    values = [1, True, "1", 0, False, 1]
    records = [{**row, "v": value} for row, value in zip(rows(6), values, strict=True)]
    outcome = prepare(write_jsonl(tmp_path / "rows.jsonl", records))
    assert outcome.manifest["slices"] == {"v": 5}


def test_slices_are_told_from_texts_that_look_like_them(tmp_path: Path, prepare: Prepare) -> None:
    trick = 'x","context":null,"slices":{"no":1}'
    records = [{"q": trick, "a": trick, "c": [trick, "slices"], 'slices":{"': 2**70, "slices": "{"}]
    columns = {"question": "q", "expected_response": "a", "context": "c"}
    outcome = prepare(write_jsonl(tmp_path / "rows.jsonl", records), columns=columns)
    assert outcome.rows[0]["slices"] == {'slices":{"': 2**70, "slices": "{"}
    assert outcome.manifest["slices"] == {"slices": 1, 'slices":{"': 1}
    assert outcome.manifest["has_context"] is True


def test_dates_decimals_and_floats_of_parquet_become_json(tmp_path: Path, prepare: Prepare) -> None:
    import datetime
    import decimal

    day = datetime.date(2024, 2, 29)
    record = {"q": "When?", "a": day, "price": decimal.Decimal("1.50"), "nan": float("nan")}
    outcome = prepare(write_parquet(tmp_path / "rows.parquet", [record]))
    assert outcome.rows[0]["expectations"] == {"expected_response": "2024-02-29"}
    assert outcome.rows[0]["slices"] == {"price": "1.50", "nan": None}


def test_a_column_of_ids_is_counted_up_to_a_limit(tmp_path: Path, prepare: Prepare) -> None:
    records = [{**row, "id": n, "half": n // 2} for n, row in enumerate(rows(10_050))]
    manifest = prepare(write_jsonl(tmp_path / "rows.jsonl", records)).manifest
    assert manifest["slices"] == {"half": 5025, "id": 10_000}
    assert [note.split(";")[0] for note in manifest["notes"]] == [
        "slices: 'id' has 10000 distinct values or more"
    ]


# Columns


@pytest.mark.parametrize("write", [write_jsonl, write_csv, write_parquet])
def test_a_missing_column_is_named_with_the_key_to_change(
    tmp_path: Path, prepare: Prepare, write: Callable[[Path, list[Columns]], Path]
) -> None:
    suffix = {write_jsonl: "jsonl", write_csv: "csv", write_parquet: "parquet"}[write]
    write(tmp_path / f"mine.{suffix}", [{"question": "Why?", "anwser": "So.", "topic": "x"}])
    outcome = prepare(f"mine.{suffix}", columns={"expected_response": "answer"})
    assert outcome.code == 1
    for part in (
        f"mine.{suffix}: there is no column 'answer'",
        "'question', 'anwser', 'topic'",
        "Did you mean 'anwser'?",
        "dataset.columns.expected_response in evaluation.yaml",
    ):
        assert part in (outcome.message or "")
    assert not outcome.wrote_rows


def test_a_column_missing_in_the_second_file_only_is_found(
    tmp_path: Path, prepare: Prepare
) -> None:
    write_jsonl(tmp_path / "data/1.jsonl", rows(3))
    write_jsonl(tmp_path / "data/2.jsonl", [{"q": "Why?", "response": "So."}])
    outcome = prepare("data", max_unusable_share=1.0)
    assert outcome.code == 1
    assert "2.jsonl: there is no column 'a'" in outcome.err


def test_a_missing_context_column_is_an_error_too(tmp_path: Path, prepare: Prepare) -> None:
    write_jsonl(tmp_path / "rows.jsonl", rows(3))
    columns = {"question": "q", "expected_response": "a", "context": "passage"}
    outcome = prepare("rows.jsonl", columns=columns)
    assert outcome.code == 1
    assert "dataset.columns.context" in (outcome.message or "")


# Unusable rows

BAD_LINES = (
    (b'{"q": "broken', "invalid JSON"),
    (b'{"q": "Why?", "a": NaN}', "invalid JSON"),
    (b"[1, 2]", "not an object"),
    (b'{"a": "So."}', "missing question"),
    (b'{"q": null, "a": "So."}', "missing question"),
    (b'{"q": "", "a": "So."}', "empty question"),
    (b'{"q": "Why?", "a": " \\t\\u00a0"}', "empty expected response"),
    (b'{"q": {"text": "Why?"}, "a": "So."}', "question is not text"),
    (b'{"q": "Why?", "a": [1]}', "expected response is not text"),
    (b'{"q": "caf\xe9?", "a": "So."}', "invalid UTF-8"),
    (b'{"q": "half \\ud83d", "a": "So."}', "invalid UTF-8"),
    (b'{"q": "Why?", "a": "So.", "topic": "\\udc00"}', "invalid UTF-8"),
    (b'{"q": "Why?", "a": "So.", "\\udc00": []}', "invalid UTF-8"),
)


@pytest.mark.parametrize(("bad", "reason"), BAD_LINES)
def test_an_unusable_line_is_left_out_and_listed_with_its_line_number(
    tmp_path: Path, prepare: Prepare, bad: bytes, reason: str
) -> None:
    good = [json.dumps(row).encode() for row in rows(3)]
    # Blank lines are no rows, but they count as lines.
    lines = [b"", good[0], b"  ", bad, good[1], good[2]]
    (tmp_path / "rows.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines))
    outcome = prepare("rows.jsonl", max_unusable_share=0.25)
    assert outcome.code == 0
    assert reasons(outcome) == [(4, reason)]
    assert outcome.manifest["unusable"][0]["file"] == "rows.jsonl"
    assert outcome.manifest["unusable_by_reason"] == {reason: 1}
    assert outcome.questions == ["Question 0?", "Question 1?", "Question 2?"]


def test_an_escaped_pair_of_surrogates_is_an_ordinary_letter(
    tmp_path: Path, prepare: Prepare
) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b'{"q": "party \\ud83c\\udf89?", "a": "Yes."}\n')
    assert prepare("rows.jsonl").questions == ["party 🎉?"]


def test_too_many_unusable_rows_fail_the_job_and_say_where(
    tmp_path: Path, prepare: Prepare
) -> None:
    bad = [{"q": "", "a": "x"}, {"q": "Why?"}, {"q": [], "a": "x"}, {"a": "x"}]
    write_jsonl(tmp_path / "rows.jsonl", [*rows(16), *bad])
    outcome = prepare("rows.jsonl", max_unusable_share=0.15)
    assert outcome.code == 1
    for part in (
        "4 of 20 rows are unusable, a share of 0.2; the limit is 0.15",
        "dataset.max_unusable_share in evaluation.yaml",
        "rows.jsonl:17: empty question",
        "rows.jsonl:18: missing expected response",
        "rows.jsonl:19: question is not text",
    ):
        assert part in (outcome.message or "")
    assert "rows.jsonl:20" not in (outcome.message or "")
    assert [line for line, _ in reasons(outcome)] == [17, 18, 19, 20]
    assert outcome.manifest["counts"]["written"] == 0
    assert outcome.manifest["sha256"] == ""
    assert not outcome.wrote_rows


def test_a_share_of_unusable_rows_at_the_limit_passes(tmp_path: Path, prepare: Prepare) -> None:
    write_jsonl(tmp_path / "rows.jsonl", [*rows(4), {"q": "", "a": "x"}])
    assert prepare("rows.jsonl", max_unusable_share=0.2).code == 0
    assert prepare("rows.jsonl", max_unusable_share=0.19).code == 1


def test_a_failed_run_leaves_no_rows_of_an_earlier_one(tmp_path: Path, prepare: Prepare) -> None:
    write_jsonl(tmp_path / "good.jsonl", rows(3))
    write_jsonl(tmp_path / "bad.jsonl", [{"q": "", "a": ""}])
    out = ["--output", str(tmp_path / "same")]
    assert prepare("good.jsonl", arguments=out).code == 0
    assert (tmp_path / "same" / "dataset.jsonl").exists()
    assert prepare("bad.jsonl", arguments=out).code == 1
    assert sorted(path.name for path in (tmp_path / "same").iterdir()) == ["manifest.json"]


def test_a_full_disk_is_told_with_the_volume_of_this_job(tmp_path: Path, prepare: Prepare) -> None:
    """/dev/full answers as a full disk does."""
    write_jsonl(tmp_path / "rows.jsonl", rows(3))
    out = tmp_path / "run-0" / "out"
    out.mkdir(parents=True)
    (out / ".rows.spool").symlink_to("/dev/full")
    outcome = prepare("rows.jsonl")
    assert outcome.code == 1
    said = outcome.message or ""
    assert f"{out} cannot be written: No space left on device; its disk, mounted at" in said
    assert "infrastructure.prepare.volume_gb" in said
    assert "evaluate" not in said
    assert "Traceback" not in outcome.err
    assert not outcome.wrote_rows


def test_no_usable_rows_fail_even_if_all_may_be_unusable(tmp_path: Path, prepare: Prepare) -> None:
    write_jsonl(tmp_path / "rows.jsonl", [{"q": "", "a": "x"}] * 2)
    outcome = prepare("rows.jsonl", max_unusable_share=1.0)
    assert outcome.code == 1
    assert "none of the 2 rows is usable" in (outcome.message or "")
    assert outcome.manifest["counts"]["unusable"] == 2


def test_only_the_first_hundred_are_listed_but_all_are_counted(
    tmp_path: Path, prepare: Prepare
) -> None:
    write_jsonl(tmp_path / "rows.jsonl", [*rows(150), *rows(150), *[{"q": "", "a": "x"}] * 120])
    manifest = prepare("rows.jsonl", max_unusable_share=0.5).manifest
    assert manifest["counts"]["unusable"] == 120
    assert [entry["line"] for entry in manifest["unusable"]] == list(range(301, 401))
    assert manifest["counts"]["duplicates"] == 150
    assert [entry["line"] for entry in manifest["duplicates"]] == list(range(151, 251))


# Duplicates


def test_the_first_of_equal_rows_is_kept_and_both_places_are_listed(
    tmp_path: Path, prepare: Prepare
) -> None:
    first = {"q": "Why?", "a": "So.", "topic": "first"}
    again = {"q": " Why? ", "a": "So.", "topic": "second"}
    write_jsonl(tmp_path / "data/1.jsonl", [*rows(2), first])
    write_jsonl(tmp_path / "data/2.jsonl", [*rows(1, 5), again])
    outcome = prepare("data")
    kept = [row for row in outcome.rows if row["inputs"]["question"] == "Why?"]
    assert [row["slices"] for row in kept] == [{"topic": "first"}]
    assert outcome.manifest["duplicates"] == [
        {
            "row_id": kept[0]["row_id"],
            "file": "2.jsonl",
            "line": 2,
            "first_file": "1.jsonl",
            "first_line": 3,
        }
    ]


def test_a_question_with_two_answers_is_kept_twice_and_counted(
    tmp_path: Path, prepare: Prepare
) -> None:
    records = [
        {"q": "Why?", "a": "So."},
        {"q": "Why?", "a": "Otherwise."},
        {"q": "Why?", "a": "Yet another."},
        {"q": "When?", "a": "Now.", "c": "One."},
        {"q": "When?", "a": "Now.", "c": "Two."},
    ]
    columns = {"question": "q", "expected_response": "a", "context": "c"}
    outcome = prepare(write_jsonl(tmp_path / "rows.jsonl", records), columns=columns)
    counts = outcome.manifest["counts"]
    assert (counts["duplicates"], counts["usable"], counts["conflicting_questions"]) == (0, 5, 1)
    assert "1 questions have more than one expected response" in outcome.out


# Sampling


def test_the_sample_depends_on_seed_and_content_and_not_on_order_or_format(
    tmp_path: Path, prepare: Prepare
) -> None:
    records = rows(200)
    shuffled = random.Random(5).sample(records, 200)
    given = {"sample_size": 40, "seed": 1}
    first = prepare(write_jsonl(tmp_path / "rows.jsonl", records), **given)
    assert len(set(ids(first))) == 40
    assert first.questions == [r["q"] for r in records if r["q"] in set(first.questions)]
    assert prepare("rows.jsonl", **given).bytes == first.bytes
    other = prepare(write_csv(tmp_path / "rows.csv", shuffled), **given)
    assert sorted(ids(other)) == sorted(ids(first))
    assert set(ids(prepare("rows.jsonl", sample_size=40, seed=2))) != set(ids(first))
    assert set(ids(prepare("rows.jsonl", sample_size=60, seed=1))) > set(ids(first))


def test_a_sample_is_drawn_evenly_from_the_file(tmp_path: Path, prepare: Prepare) -> None:
    write_jsonl(tmp_path / "rows.jsonl", rows(2000))
    drawn = [
        int(question.split()[1].rstrip("?"))
        for seed in range(5)
        for question in prepare("rows.jsonl", sample_size=200, seed=seed).questions
    ]
    # 1,000 draws from 0..1999: the mean's standard error is 18.
    assert abs(sum(drawn) / len(drawn) - 999.5) < 5 * 18


def test_the_command_line_overrides_the_sample_size_and_the_source(
    tmp_path: Path, prepare: Prepare
) -> None:
    write_jsonl(tmp_path / "rows.jsonl", rows(10))
    write_jsonl(tmp_path / "other.jsonl", rows(10, 100))
    outcome = prepare("rows.jsonl", arguments=["--sample-size", "3", "--source", "other.jsonl"])
    assert len(outcome.rows) == 3
    assert all(int(question[9:12]) >= 100 for question in outcome.questions)
    assert outcome.manifest["source"] == "other.jsonl"
    assert outcome.manifest["sample_size"] == 3
    assert "drew 3 of 10 usable rows with seed 0" in outcome.out
    assert len(prepare("rows.jsonl", sample_size=4, arguments=["--sample-size", "0"]).rows) == 10


def test_a_sample_larger_than_the_dataset_takes_all_and_says_so(
    tmp_path: Path, prepare: Prepare
) -> None:
    write_jsonl(tmp_path / "rows.jsonl", rows(5))
    outcome = prepare("rows.jsonl", sample_size=6)
    assert len(outcome.rows) == 5
    assert any("more than the 5 usable rows" in note for note in outcome.manifest["notes"])
    assert prepare("rows.jsonl", sample_size=5).manifest["notes"] == []


def test_a_negative_sample_size_is_refused(tmp_path: Path, prepare: Prepare) -> None:
    write_jsonl(tmp_path / "rows.jsonl", rows(5))
    outcome = prepare("rows.jsonl", arguments=["--sample-size", "-1"])
    assert outcome.code == 1
    assert "0 takes all rows" in (outcome.message or "")


# CSV


def test_csv_line_numbers_are_those_of_the_file_where_quoted_fields_span_lines(
    tmp_path: Path, prepare: Prepare
) -> None:
    text = 'q,a\r\n"one\r\ntwo, ""three""",yes\r\n,no\r\n\r\nshort\r\n"x"y,z\r\nlast,ok\r\n'
    (tmp_path / "rows.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    outcome = prepare("rows.csv", max_unusable_share=0.6)
    assert outcome.questions == ['one\r\ntwo, "three"', "last"]
    assert reasons(outcome) == [
        (4, "empty question"),
        (6, "wrong number of fields"),
        (7, "malformed CSV"),
    ]


def test_a_quote_that_swallows_further_rows_stops_the_job(tmp_path: Path, prepare: Prepare) -> None:
    for text in (
        'q,a\n1,one\n2,"two\n3,three\n4,four\n',
        'q,a\n1,one\n2,"two\n3,three\n4,"four"\n',
    ):
        (tmp_path / "rows.csv").write_text(text)
        outcome = prepare("rows.csv", max_unusable_share=1.0)
        assert outcome.code == 1
        assert "rows.csv:3: a quoted field" in (outcome.message or "")


def test_a_quote_left_open_in_the_last_line_costs_that_row_only(
    tmp_path: Path, prepare: Prepare
) -> None:
    (tmp_path / "rows.csv").write_text('q,a\n1,one\n2,"two\n')
    outcome = prepare("rows.csv", max_unusable_share=0.5)
    assert reasons(outcome) == [(3, "malformed CSV")]
    assert outcome.questions == ["1"]


def test_csv_bytes_that_are_no_utf8_cost_that_row_only(tmp_path: Path, prepare: Prepare) -> None:
    (tmp_path / "rows.csv").write_bytes(b"q,a,t\ncaf\xe9,x,1\nok,fine,2\nok2,fine,\xff\n")
    outcome = prepare("rows.csv", max_unusable_share=0.7)
    assert reasons(outcome) == [(2, "invalid UTF-8"), (4, "invalid UTF-8")]
    assert outcome.questions == ["ok"]


def test_the_index_that_pandas_writes_is_no_slice(tmp_path: Path, prepare: Prepare) -> None:
    (tmp_path / "rows.csv").write_text(",,q,a,topic\n0,b,Why?,So.,x\n")
    outcome = prepare("rows.csv")
    assert outcome.rows[0]["slices"] == {"topic": "x"}
    assert outcome.manifest["dropped_columns"] == ["(column without a name)"]


def test_parquet_text_that_is_no_utf8_costs_that_row_only(tmp_path: Path, prepare: Prepare) -> None:
    import pyarrow
    from pyarrow import parquet

    offsets, data = pyarrow.py_buffer(b"\0\0\0\0\2\0\0\0\4\0\0\0"), pyarrow.py_buffer(b"ok\xff\xfe")
    questions = pyarrow.StringArray.from_buffers(2, offsets, data)
    table = pyarrow.table({"q": questions, "a": pyarrow.array(["x", "y"])})
    parquet.write_table(table, tmp_path / "rows.parquet")
    outcome = prepare("rows.parquet", max_unusable_share=0.5)
    assert reasons(outcome) == [(2, "invalid UTF-8")]
    assert outcome.questions == ["ok"]


# Files


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.json", b'[{"q": "Why?", "a": "So."}]', "one JSON array, not JSON Lines"),
        ("rows.json", b'[\n  {"q": "Why?", "a": "So."}\n]', "one JSON array, not JSON Lines"),
        ("rows.jsonl", '{"q": "a"}'.encode("utf-16"), "is UTF-16 text"),
        ("rows.csv", b"q,q,a\n1,2,3\n", "column 'q' more than once"),
        ("rows.csv", b"caf\xe9,q,a\n1,2,3\n", "the header is not UTF-8"),
        ("rows.csv", b"q,a\n", "holds no rows"),
        ("rows.parquet", b"this is no parquet", "cannot be read as Parquet"),
        ("rows.jsonl.gz", b"this is no gzip", "rows.jsonl.gz: cannot be read"),
        (
            "rows.csv.gz",
            gzip.compress(b"q,a\n" + b"x,y\n" * 99, mtime=0)[:-9],
            "rows.csv.gz: cannot be",
        ),
        ("rows.jsonl", b"", "the file is empty"),
        ("rows.xlsx", b"PK", "cannot tell its format"),
        ("rows.parquet.gz", b"PK", "cannot tell its format"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_is_wrong(
    tmp_path: Path, prepare: Prepare, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    outcome = prepare(name, max_unusable_share=1.0)
    assert outcome.code == 1
    assert name in (outcome.message or "")
    assert said in (outcome.message or "")
    assert "Traceback" not in outcome.err
    assert not outcome.wrote_rows


def test_the_format_may_be_set_where_the_suffix_does_not_tell(
    tmp_path: Path, prepare: Prepare
) -> None:
    write_jsonl(tmp_path / "rows.txt", rows(3))
    assert prepare("rows.txt", format="jsonl").questions == [row["q"] for row in rows(3)]


def test_a_source_that_is_not_there_is_met_with_a_near_one(
    tmp_path: Path, prepare: Prepare
) -> None:
    write_jsonl(tmp_path / "questions.jsonl", rows(1))
    outcome = prepare("question.jsonl")
    assert outcome.code == 1
    assert "did you mean 'questions.jsonl'?" in (outcome.message or "")
    assert "gs:// is not known" in (prepare("gs://bucket/x.csv").message or "")


def test_a_folder_is_read_in_the_order_of_names_without_hidden_and_empty_files(
    tmp_path: Path, prepare: Prepare
) -> None:
    write_jsonl(tmp_path / "data/b/part-2.jsonl", rows(2, 20))
    write_jsonl(tmp_path / "data/b/part-10.jsonl.gz", rows(2, 10))
    write_jsonl(tmp_path / "data/a/z.ndjson", rows(2, 0))
    write_jsonl(tmp_path / "data/.hidden/x.jsonl", rows(2, 90))
    (tmp_path / "data/_SUCCESS").write_bytes(b"")
    (tmp_path / "data/b/empty.jsonl").write_bytes(b"")
    outcome = prepare("data")
    assert [int(question.split()[1][:-1]) for question in outcome.questions] == [
        0,
        1,
        10,
        11,
        20,
        21,
    ]
    files = outcome.manifest["files"]
    assert [file["name"] for file in files] == [
        "a/z.ndjson",
        "b/part-10.jsonl.gz",
        "b/part-2.jsonl",
    ]
    stored = (tmp_path / "data/b/part-10.jsonl.gz").read_bytes()
    assert files[1]["bytes"] == len(stored)
    assert files[1]["sha256"] == hashlib.sha256(stored).hexdigest()
    ignored = [note.split(":")[0] for note in outcome.manifest["notes"]]
    assert ignored == [
        "ignored .hidden/x.jsonl",
        "ignored _SUCCESS",
        "ignored b/empty.jsonl",
    ]
    assert "from 3 files (jsonl)" in outcome.out


def test_files_of_different_formats_in_one_place_are_refused(
    tmp_path: Path, prepare: Prepare
) -> None:
    write_jsonl(tmp_path / "data/1.jsonl", rows(2))
    write_csv(tmp_path / "data/2.csv", rows(2))
    outcome = prepare("data")
    assert outcome.code == 1
    assert "1.jsonl (jsonl), 2.csv (csv)" in (outcome.message or "")


def test_what_sagemaker_has_downloaded_is_read_instead_of_the_source(
    tmp_path: Path, prepare: Prepare
) -> None:
    write_jsonl(tmp_path / "raw/questions.jsonl", rows(3))
    raw = ["--input", str(tmp_path / "raw")]
    outcome = prepare("s3://no-such-bucket/questions.jsonl", arguments=raw)
    assert outcome.code == 0
    assert len(outcome.rows) == 3
    assert outcome.manifest["source"] == "s3://no-such-bucket/questions.jsonl"
    assert [file["name"] for file in outcome.manifest["files"]] == ["questions.jsonl"]


def test_a_download_without_data_files_is_an_error_and_not_passed_over(
    tmp_path: Path, prepare: Prepare
) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/_SUCCESS").write_bytes(b"")
    write_jsonl(tmp_path / "rows.jsonl", rows(3))
    outcome = prepare("rows.jsonl", arguments=["--input", str(tmp_path / "raw")])
    assert outcome.code == 1
    assert "holds no data files; ignored: _SUCCESS" in (outcome.message or "")


# S3, over the wire to moto


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    client.create_bucket(Bucket="data-bucket")
    yield client
    server.stop()


@pytest.mark.slow
def test_s3_objects_and_prefixes(tmp_path: Path, prepare: Prepare, s3: Any) -> None:
    def put(key: str, records: list[Columns]) -> None:
        body = write_jsonl(tmp_path / "upload.jsonl", records).read_bytes()
        s3.put_object(Bucket="data-bucket", Key=key, Body=body)

    put("sets/v1/b.jsonl", rows(2, 10))
    put("sets/v1/a/x.jsonl", rows(2))
    put("sets/v10/c.jsonl", rows(2, 90))
    s3.put_object(Bucket="data-bucket", Key="sets/v1/", Body=b"")
    s3.put_object(Bucket="data-bucket", Key="sets/v1/_SUCCESS", Body=b"")

    single = prepare("s3://data-bucket/sets/v1/b.jsonl")
    assert single.questions == ["Question 10?", "Question 11?"]
    assert [file["name"] for file in single.manifest["files"]] == ["b.jsonl"]
    for uri in ("s3://data-bucket/sets/v1", "s3://data-bucket/sets/v1/"):
        below = prepare(uri)
        assert [file["name"] for file in below.manifest["files"]] == ["a/x.jsonl", "b.jsonl"]
        assert len(below.rows) == 4
        assert below.manifest["source"] == uri


@pytest.mark.slow
def test_what_s3_does_not_have_is_said_plainly(tmp_path: Path, prepare: Prepare, s3: Any) -> None:
    nothing = prepare("s3://data-bucket/none.jsonl")
    assert "there is no such object, and none below it" in (nothing.message or "")
    bucket = prepare("s3://other-bucket/rows.jsonl")
    assert "s3://other-bucket/rows.jsonl cannot be read" in (bucket.message or "")
    assert "NoSuchBucket" in (bucket.message or "")
    s3.put_object(Bucket="data-bucket", Key="sets/../../out.jsonl", Body=b'{"q":"x","a":"y"}')
    outside = prepare("s3://data-bucket/sets")
    assert "leads out of the prefix" in (outside.message or "")
    assert [nothing.code, bucket.code, outside.code] == [1, 1, 1]
    assert not list(tmp_path.rglob("out.jsonl"))


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["plain", "slash/"])
def test_no_key_writes_a_file_outside_of_the_dataset(
    tmp_path: Path, prepare: Prepare, s3: Any, prefix: str
) -> None:
    target = tmp_path / "mine.jsonl"
    target.write_text("mine")
    key = f"{prefix.rstrip('/')}/{target}"  # with two slashes in the middle
    s3.put_object(Bucket="data-bucket", Key=key, Body=b"theirs")
    outcome = prepare(f"s3://data-bucket/{prefix}")
    assert target.read_text() == "mine"
    assert f"s3://data-bucket/{key}: refused" in (outcome.message or "")


def test_a_link_out_of_the_dataset_s_folder_is_refused(tmp_path: Path, prepare: Prepare) -> None:
    secret = write_jsonl(tmp_path / "secret.jsonl", rows(2))
    folder = tmp_path / "data"
    folder.mkdir()
    write_jsonl(folder / "a.jsonl", rows(2))
    (folder / "within.jsonl").symlink_to("a.jsonl")
    assert prepare(folder).code == 0
    (folder / "z.jsonl").symlink_to(secret)
    refused = prepare(folder)
    assert "z.jsonl leads out of" in (refused.message or "")
    assert not refused.wrote_rows


# The Hugging Face hub: datasets on disk, by the same code


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`one`: a saved Dataset; `splits`: a saved DatasetDict; `folder`: files as on the hub."""
    import datasets

    folder = tmp_path_factory.mktemp("hub")
    features = datasets.Features(
        {
            "q": datasets.Value("string"),
            "a": datasets.ClassLabel(names=["no", "yes"]),
            "tags": datasets.Sequence(datasets.Value("string")),
        }
    )

    def make(name: str) -> Any:
        records = [{"q": f"{name} {n}?", "a": n % 2, "tags": ["x"]} for n in range(5)]
        return datasets.Dataset.from_list([*records, {"q": None, "a": 1, "tags": []}], features)

    datasets.disable_progress_bars()
    make("one").save_to_disk(str(folder / "one"))
    both = datasets.DatasetDict({"train": make("train"), "test": make("test")})
    both.save_to_disk(str(folder / "splits"))
    (folder / "folder").mkdir()
    make("file").to_parquet(str(folder / "folder" / "test-00000-of-00001.parquet"))
    write_jsonl(folder / "lines" / "train.jsonl", rows(3))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("name", "said"), [("one", "one"), ("splits", "test"), ("folder", "file")])
def test_a_hub_dataset_streams_with_its_labels_as_names(
    hub: Path, prepare: Prepare, name: str, said: str
) -> None:
    outcome = prepare(f"hf://{hub}/{name}", hub={"split": "test"}, max_unusable_share=0.2)
    assert outcome.code == 0, outcome.err
    assert outcome.questions == [f"{said} {n}?" for n in range(5)]
    answers = [row["expectations"]["expected_response"] for row in outcome.rows]
    assert answers == ["no", "yes", "no", "yes", "no"]
    assert reasons(outcome) == [(6, "missing question")]
    assert outcome.manifest["format"] == "hub"
    assert outcome.manifest["dropped_columns"] == ["tags"]
    assert outcome.manifest["files"]


@pytest.mark.slow
def test_a_hub_folder_of_json_lines_is_read_by_the_split_asked_for(
    hub: Path, prepare: Prepare
) -> None:
    outcome = prepare(f"hf://{hub}/lines", hub={"split": "train"})
    assert outcome.questions == [row["q"] for row in rows(3)]


@pytest.mark.parametrize("name", ["splits", "folder", "nowhere"])
def test_a_split_or_dataset_that_is_not_there_names_the_section_to_change(
    hub: Path, prepare: Prepare, name: str
) -> None:
    outcome = prepare(f"hf://{hub}/{name}", hub={"split": "dev"})
    assert outcome.code == 1
    assert f"hf://{hub}/{name} cannot be read" in (outcome.message or "")
    assert "split dev" in (outcome.message or "")
    assert "(dataset.hub)" in (outcome.message or "")
    assert "Traceback" not in outcome.err


# What a person and SageMaker see


def test_the_manifest_and_the_lines_on_the_terminal(tmp_path: Path, prepare: Prepare) -> None:
    records = [{**row, "topic": n % 3} for n, row in enumerate(rows(10))]
    text = "".join(json.dumps(record) + "\n" for record in [*records, records[0]])
    (tmp_path / "questions.jsonl").write_text(text + '{"q": \n{"q": "", "a": "x"}\n')
    outcome = prepare("questions.jsonl", max_unusable_share=0.2, seed=4)
    told = [line for line in outcome.out.splitlines() if not line.startswith("progress ")]
    assert told[0] == (
        "read 13 rows from questions.jsonl (jsonl): 10 usable, 1 duplicates, "
        "2 unusable (1 invalid JSON, 1 empty question)"
    )
    assert "left out questions.jsonl:12: invalid JSON" in outcome.out
    assert "slice columns: topic (3 values)" in outcome.out
    assert "wrote 10 rows to " in outcome.out
    manifest = outcome.manifest
    assert list(manifest) == [
        "schema",
        "source",
        "source_version",
        "format",
        "files",
        "seed",
        "sample_size",
        "counts",
        "unusable_by_reason",
        "unusable",
        "duplicates",
        "dropped_columns",
        "slices",
        "has_context",
        "sha256",
        "shards",
        "notes",
    ]
    assert manifest["schema"] == 1
    assert manifest["seed"] == 4
    assert manifest["counts"] == {
        "read": 13,
        "unusable": 2,
        "duplicates": 1,
        "conflicting_questions": 0,
        "usable": 10,
        "written": 10,
    }
    assert manifest["has_context"] is False
    assert manifest["sha256"] == hashlib.sha256(outcome.bytes).hexdigest()
    names = sorted(path.name for path in outcome.directory.iterdir())
    assert names == ["dataset.jsonl", "manifest.json"]


def job(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.integration
def test_as_a_sagemaker_job_it_finds_its_paths_and_leaves_its_failure_reason(
    tmp_path: Path,
) -> None:
    work = tmp_path / "ml"
    inputs = work / "processing" / "input"
    (inputs / "config").mkdir(parents=True)
    columns = {"question": "q", "expected_response": "a"}
    write_config(inputs / "config", {"source": "s3://bucket/rows.jsonl", "columns": columns})
    write_jsonl(inputs / "raw" / "rows.jsonl", rows(4))
    module = ("-m", "processing.prepare_dataset")
    done = job(*module, "--sample-size", "3", OPT_ML=str(work))
    assert (done.returncode, done.stderr) == (0, "")
    output = work / "processing" / "output" / "dataset"
    assert len((output / "dataset.jsonl").read_text().splitlines()) == 3
    assert not (work / "output" / "message").exists()

    write_jsonl(inputs / "raw" / "rows.jsonl", [*rows(1), {"q": "Why?"}])
    failed = job(*module, OPT_ML=str(work))
    assert failed.returncode == 1
    message = (work / "output" / "message").read_text()
    assert message.startswith("1 of 2 rows are unusable")
    assert failed.stderr == f"error: {message}\n"
    assert not (output / "dataset.jsonl").exists()


@pytest.mark.integration
def test_without_a_network_a_hub_dataset_fails_with_a_reason(tmp_path: Path) -> None:
    config = write_config(tmp_path, {"source": "hf://owner/name", "hub": {"split": "train"}})
    paths = ("--config", str(config), "--output", str(tmp_path / "out"))
    offline = {"HF_HUB_OFFLINE": "1", "OPT_ML": str(tmp_path), "HF_HOME": str(tmp_path / "hf")}
    failed = job("-m", "processing.prepare_dataset", *paths, **offline)
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    message = (tmp_path / "output" / "message").read_text()
    assert message.startswith("hf://owner/name cannot be read: ")
    assert "split train, revision (latest) (dataset.hub)" in message


@pytest.mark.slow
def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    check = (
        "import sys, processing.prepare_dataset; "
        "print([m for m in ('polars','datasets','boto3','pyarrow','numpy') if m in sys.modules])"
    )
    assert job("-c", check).stdout == "[]\n"
