"""Files as spreadsheets and DataFrames write them: every text as it stood there."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.base.errors import DatasetError
from processing.base.exact_json import decode, repeated_key
from processing.config.dataset import Dataset
from processing.dataset.columns import map_record
from processing.dataset.passages import listed_passages
from processing.dataset.readers import BadRecord, Record
from processing.dataset.rows import Row, row_of
from processing.dataset.sources import open_source
from processing.dataset.validation import require_columns

COLUMNS = {"question": "question", "expected_response": "answer", "context": "context"}
WITHOUT_CONTEXT = {"question": "question", "expected_response": "answer"}


def read(name: str, content: bytes, columns: dict[str, str] = WITHOUT_CONTEXT) -> list[Any]:
    """The usable rows, and of the others (line, reason, detail)."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        return read_source(name, Path(folder), columns)


def read_source(source: str, folder: Path, columns: dict[str, str] = WITHOUT_CONTEXT) -> list[Any]:
    dataset = Dataset.model_validate({"source": source, "columns": columns})
    found: list[Any] = []
    with open_source(dataset, folder / "nothing", folder) as opened:
        for part in opened.parts:
            for record in part.records:
                row = (
                    map_record(record, dataset.columns, set())
                    if isinstance(record, Record)
                    else record
                )
                if isinstance(record, Record):
                    require_columns(part.name, list(record.columns), dataset.columns, "e.yaml")
                found.append(tuple(row) if isinstance(row, BadRecord) else row_of(decode(row.line)))
    return found


def answers(name: str, content: bytes) -> list[str]:
    rows = read(name, content)
    assert all(isinstance(row, Row) for row in rows), rows
    return [row.expected_response for row in rows]


# Delimiters

TEXTS = st.text(st.sampled_from('ab,;\t|"\n é0'), max_size=6).map(lambda text: f"x{text}y")


@given(
    st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=4),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_what_a_csv_writer_wrote_is_read_with_any_delimiter_and_encoding(
    rows: list[tuple[str, str, str]], delimiter: str, encoding: str, ending: str, told: bool
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ending)
    writer.writerows([("question", "answer", "price"), *rows])
    document = (f"sep={delimiter}{ending}" if told else "") + text.getvalue()
    found = read("rows.csv", document.encode(encoding))
    assert [(row.question, row.expected_response, row.slices["price"]) for row in found] == rows


@pytest.mark.parametrize("name", ["rows.tsv", "rows.csv", "rows.TSV"])
def test_tabs_are_recognised_whatever_the_file_is_called(name: str) -> None:
    assert answers(name, b"question\tanswer\nWhat?\tThat, and this.\n") == ["That, and this."]


def test_a_decimal_comma_stays_as_it_is() -> None:
    [row] = read("rows.csv", b"question;answer;price\nHow much?;1,50;2,75\n")
    assert (row.expected_response, row.slices) == ("1,50", {"price": "2,75"})


def test_a_name_with_another_delimiter_in_it_is_no_reason_to_split_there() -> None:
    [row] = read("rows.csv", b"question,answer,notes (a;b)\nWhy?,So.,n\n")
    assert row.slices == {"notes (a;b)": "n"}
    [row] = read("rows.csv", b'"question, short";answer\nWhy?;So.\n',
                 {"question": "question, short", "expected_response": "answer"})  # fmt: skip
    assert row.question == "Why?"


def test_a_file_of_other_columns_is_split_where_its_rows_are_even() -> None:
    with pytest.raises(DatasetError, match=r"its columns are 'frage', 'antwort, kurz'"):
        read("rows.csv", b"frage;antwort, kurz\na;b, c, d\ne;f\n")


def test_a_header_that_can_be_split_in_two_ways_is_refused_with_both() -> None:
    with pytest.raises(DatasetError) as refused:
        read("rows.csv", b"a,b;c,d\n1,2;3,4\n")
    said = str(refused.value)
    assert said.startswith("rows.csv: it is unclear what separates its columns: a comma separates")
    assert "a semicolon separates 'a,b', 'c,d'" in said
    assert "write sep=, or sep=; as the first line" in said


def test_delimiters_at_the_end_of_a_row_are_no_fields() -> None:
    assert answers("rows.csv", b"question;answer\nWhy?;So.;;\n") == ["So."]
    assert answers("rows.csv", b"question;answer;;\nWhy?;So.\nWho?;Me.;;\n") == ["So.", "Me."]


def test_a_ragged_row_is_told_with_its_line() -> None:
    found = read("rows.csv", b'sep=;\nquestion;answer\n"Wh\ny?";So.\nWho?\nWho?;Me.;She.\n')
    assert found[1:] == [
        (5, "wrong number of fields", "1 where the header has 2"),
        (6, "wrong number of fields", "3 where the header has 2"),
    ]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_utf_16_without_its_mark_is_named(name: str, encoding: str) -> None:
    with pytest.raises(DatasetError, match="is UTF-16 text without its mark; save it as UTF-8"):
        read(name, "question,answer\na,b\n".encode(encoding))


def test_a_nul_byte_is_a_character_of_its_text() -> None:
    assert answers("rows.csv", b"question,answer\na,b\0c\n") == ["b\0c"]
    assert answers("rows.jsonl", b'{"question": "a", "answer": "b\\u0000c"}\n') == ["b\0c"]


# Two columns of one name


def test_a_column_that_stands_twice_is_refused_in_every_format(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    with pytest.raises(DatasetError, match=r"rows\.csv:1: .* column 'answer' more than once"):
        read("rows.csv", b"question;answer;answer\na;b;c\n")
    with pytest.raises(DatasetError, match="column 'answer' more than once"):
        read("rows.tsv", b"answer\tquestion\tanswer\na\tb\tc\n")
    [row] = read("rows.jsonl", b'{"question": "a", "answer": "b", "answer": "c"}\n')
    assert row == (1, "repeated key", "'answer' stands in it more than once")
    table = pyarrow.Table.from_arrays([pyarrow.array(["x"])] * 3, ["question", "answer", "answer"])
    parquet.write_table(table, tmp_path / "rows.parquet")
    with pytest.raises(DatasetError, match=r"rows\.parquet.* column 'answer' more than once"):
        read_source("rows.parquet", tmp_path)


@pytest.mark.parametrize("name", ["data.csv", "data.jsonl", "data.parquet"])
def test_a_column_that_stands_twice_is_refused_in_a_hub_s_folder(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow
    from pyarrow import parquet

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    path = tmp_path / "test" / name
    path.parent.mkdir()
    if name.endswith("csv"):
        path.write_text("question,answer,answer\na,b,c\n")
    elif name.endswith("jsonl"):
        path.write_text('{"question": "a", "answer": "b", "answer": "c"}\n')
    else:
        columns = ["question", "answer", "answer"]
        parquet.write_table(pyarrow.Table.from_arrays([pyarrow.array(["x"])] * 3, columns), path)
    with pytest.raises(DatasetError, match=r"(?i)'?answer'?"):
        read_source(f"hf://{tmp_path}", tmp_path)


def as_object(pairs: list[tuple[str, str, str, str]]) -> str:
    return "{" + ",".join(f"{key}{a}:{b}{value}" for key, a, b, value in pairs) + "}"


KEYS = st.sampled_from(['"a"', '"b"', '"\\u0061"', '"\\""', '"\\\\"', '":"', '"a\\":"', '"é"'])
SPACE = st.sampled_from(["", " ", "\t", "\r"])
JSON_VALUES = st.recursive(
    st.sampled_from(['"x"', '":"', '"\\":"', '"\\\\"', "1", "null", '"a: b"', '"{}"']),
    lambda inner: (
        st.lists(st.tuples(KEYS, SPACE, SPACE, inner), max_size=3).map(as_object)
        | st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
    ),
    max_leaves=6,
)


@given(st.lists(st.tuples(KEYS, SPACE, SPACE, JSON_VALUES), max_size=4).map(as_object))
def test_a_key_that_stands_twice_in_a_row_is_always_found(text: str) -> None:
    outermost: list[list[str]] = []
    json.loads(text, object_pairs_hook=lambda pairs: outermost.append([n for n, _ in pairs]))
    names = outermost[-1]
    found = repeated_key(text.encode(), json.loads(text))
    assert (found is not None) == (len(set(names)) < len(names))
    assert found is None or names.count(found) > 1


def test_names_that_differ_in_case_or_spaces_are_all_named() -> None:
    with pytest.raises(DatasetError, match=r"Did you mean 'Answer' or ' answer'\?"):
        read("rows.csv", b"question,Answer, answer\na,b,c\n")


# Numbers

DIGITS = st.text("0123456789", min_size=1, max_size=30)
NUMBERS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-"]),
    DIGITS.map(lambda digits: digits.lstrip("0") or "0"),
    st.one_of(st.just(""), DIGITS.map(lambda digits: f".{digits}")),
    st.one_of(st.just(""), st.builds("{}{}".format, st.sampled_from(["e", "E+", "e-"]), DIGITS)),
)


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_a_number_is_the_text_that_stood_there(numbers: list[str]) -> None:
    lines = [f'{{"question":"q{i}","answer":{number},"n":{i}}}' for i, number in enumerate(numbers)]
    assert answers("rows.jsonl", "\n".join(lines).encode()) == numbers
    table = ["question,answer", *(f"q,{number}" for number in numbers)]
    assert answers("rows.csv", "\n".join(table).encode()) == numbers


def test_numbers_in_a_list_of_passages_too_and_booleans_as_json_has_them() -> None:
    content = b'{"question": 1e3, "answer": true, "context": ["a", 1.10, 0.00001, false, null]}'
    [row] = read("rows.jsonl", content, COLUMNS)
    assert (row.question, row.expected_response) == ("1e3", "true")
    assert row.context == ("a", "1.10", "0.00001", "false")


def test_a_number_of_parquet_is_its_own_type_s_shortest_text(tmp_path: Path) -> None:
    import decimal

    import numpy
    import pyarrow
    from pyarrow import parquet

    def texts(column: Any) -> list[Any]:
        table = {
            "question": ["q"] * len(column),
            "answer": column,
            "context": [["c"]] * len(column),
        }
        parquet.write_table(pyarrow.table(table), tmp_path / "rows.parquet")
        return [
            row.expected_response if isinstance(row, Row) else row[1]
            for row in read_source("rows.parquet", tmp_path)
        ]

    assert texts(pyarrow.array([0.1, 3.0, None], pyarrow.float32())) == [
        "0.1", "3.0", "missing expected response"
    ]  # fmt: skip
    assert texts(pyarrow.array(numpy.array([0.1, 2], numpy.float16))) == ["0.1", "2.0"]
    assert texts(pyarrow.array([0.1, 0.00001, 1e300])) == ["0.1", "0.00001", "1e+300"]
    assert texts(pyarrow.array([decimal.Decimal("1.10"), decimal.Decimal("0.00")])) == [
        "1.10", "0.00"
    ]  # fmt: skip
    assert texts(pyarrow.array([True, False])) == ["true", "false"]
    contexts = pyarrow.array([[0.1, None, 2.5]], pyarrow.list_(pyarrow.float32()))
    table = pyarrow.table({"question": ["q"], "answer": ["a"], "context": contexts})
    parquet.write_table(table, tmp_path / "rows.parquet")
    [row] = read_source("rows.parquet", tmp_path, COLUMNS)
    assert row.context == ("0.1", "2.5")


# Passages in a cell


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_a_list_of_texts_in_a_cell_is_that_many_passages(passages: list[str]) -> None:
    assert listed_passages(json.dumps(passages)) == passages
    assert listed_passages(json.dumps(passages, ensure_ascii=False, indent=1)) == passages
    assert listed_passages(repr(passages)) == passages
    assert listed_passages(f"[{' '.join(map(repr, passages))}]") == passages  # numpy


@given(st.text())
def test_any_other_text_is_one_passage(text: str) -> None:
    found = listed_passages(text)
    assert found is None or (text.strip()[0] == "[" and text.strip()[-1] == "]")


@pytest.mark.parametrize(
    "text",
    ["[1]", "[1] Smith, J. [2]", "[see 'a', 'b']", "['It's', 'b']", "[{'a': 1}]", '[{"a": "b"}]',
     "[", "[]x", "['a'", "['a', 'b'] and more", "[" * 100_000 + "]", "['a', ... 'z']", "[-1.5e3]"],
)  # fmt: skip
def test_what_is_no_list_of_texts_stays_as_it_is(text: str) -> None:
    assert listed_passages(text) is None


def test_a_list_in_a_csv_cell_reaches_the_row_as_passages() -> None:
    for cell in ('["Refunds, 7 days.", "Free."]', "['Refunds, 7 days.', 'Free.']",
                 "[np.str_('Refunds, 7 days.'), None, nan, 'Free.']"):  # fmt: skip
        text = io.StringIO(newline="")
        csv.writer(text).writerows([("question", "answer", "context"), ("q", "a", cell)])
        [row] = read("rows.csv", text.getvalue().encode(), COLUMNS)
        assert row.context == ("Refunds, 7 days.", "Free.")
    assert listed_passages("[]") == []
    assert listed_passages("['a', 1.10]") == ["a", "1.10"]
