"""Conversations as rows: read from any format, told apart, and refused with their place."""

from __future__ import annotations

import csv
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running_aws import ConfigWriter
from typed_command import the_line, typed

from processing.base.errors import ConfigError, DatasetError
from processing.config.file import load_config
from processing.dataset.rows import Row, Talk, make_row, row_of
from processing.dataset.turns import ROLES, ToolCall, Turn, messages_of, turn_of
from processing.prepare_dataset import main

Messages = list[dict[str, Any]]
HELLO: Messages = [
    {"role": "user", "content": "Hello, I am Ann."},
    {"role": "assistant", "content": "Hello Ann."},
]
ASKED = {"role": "user", "content": "Who am I?"}
TOOLS: Messages = [
    {"role": "user", "content": "Where is order 7?"},
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "order", "arguments": '{"n": 7}'}}]},
    {"role": "tool", "tool_call_id": "c1", "content": "It is in Kiel."},
    {"role": "user", "content": "And when will it be here?"},
]  # fmt: skip


def config_of(write_config: ConfigWriter, source: Path, **changes: Any) -> Path:
    columns = {"messages": "messages", "expected_response": "a"}
    dataset = {"source": str(source), "columns": columns} | changes.pop("dataset", {})
    return write_config(
        dataset=dataset,
        **({"scorers": ["rougeL_fmeasure"], "thresholds": {"rougeL_fmeasure": {"min": 0.1}}}
           | {"budgets": {"min_rows": 1}} | changes),
    )  # fmt: skip


def written(path: Path, conversations: list[Any], **columns: Any) -> Path:
    rows = [{"messages": talk, "a": "Ann.", **columns} for talk in conversations]
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(row | {"messages": json.dumps(row["messages"])} for row in rows)
    elif path.suffix == ".parquet":
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def prepared(config: Path, folder: Path) -> list[Row]:
    out = folder / "out"
    main(["--config", str(config), "--output", str(out), "--input", str(folder / "nothing")])
    return [row_of(json.loads(line)) for line in (out / "dataset.jsonl").open()]


@pytest.mark.parametrize("name", ["talks.jsonl", "talks.csv", "talks.parquet"])
def test_a_conversation_is_read_from_every_format(
    write_config: ConfigWriter, tmp_path: Path, name: str
) -> None:
    source = written(tmp_path / name, [[*HELLO, ASKED], TOOLS], session="s1")
    columns = {"messages": "messages", "expected_response": "a", "session": "session"}
    dataset = {"columns": columns}
    first, second = prepared(config_of(write_config, source, dataset=dataset), tmp_path)
    assert first.question == "Who am I?"
    assert first.history == (
        Turn("user", "Hello, I am Ann."),
        Turn("assistant", "Hello Ann."),
    )
    assert first.talk.session == "s1"
    assert first.slices == {}
    assert messages_of(second.turns) == TOOLS


def test_parts_of_text_are_joined(write_config: ConfigWriter, tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "Who"}, {"type": "text", "text": "am I?"}]
    source = written(tmp_path / "talks.jsonl", [[*HELLO, {"role": "user", "content": parts}]])
    [row] = prepared(config_of(write_config, source), tmp_path)
    assert row.question == "Who\nam I?"


def test_the_same_last_turn_after_another_history_is_another_row(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    other = [{"role": "user", "content": "Hello, I am Bea."}, HELLO[1], ASKED]
    source = written(tmp_path / "talks.jsonl", [[*HELLO, ASKED], other, [*HELLO, ASKED], [ASKED]])
    rows = prepared(config_of(write_config, source), tmp_path)
    assert [row.question for row in rows] == ["Who am I?"] * 3
    assert len({row.row_id for row in rows}) == 3
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["counts"]["duplicates"] == 1
    assert manifest["counts"]["conflicting_questions"] == 0
    assert rows[2].row_id == make_row("Who am I?", "Ann.").row_id  # one turn is a question


BAD: dict[str, tuple[Any, str]] = {
    "the assistant ends it": (HELLO, "the conversation does not end with the user"),
    "no list": ({"role": "user"}, "messages are no list"),
    "nothing": ([], "no messages (column 'messages' is an empty list"),
    "an image": (
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
        "an image (a part of type image_url in column 'messages'[0]",
    ),
    "sound": (
        [*HELLO, {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}],
        "audio (a part of type input_audio in column 'messages'[2]",
    ),
    "a role": ([{"role": "bot", "content": "x"}, ASKED], "'bot' is none of system, developer"),
    "a key": ([{**ASKED, "weight": 1}], "column 'messages'[0] has 'weight'"),
    "no text": ([{"role": "user", "content": " "}], "a message without text"),
    "another format": ([{"from": "human", "value": "x"}], "from and value are role and content"),
    "a text": ("not JSON", "messages are no JSON"),
}


@pytest.mark.parametrize(("talk", "said"), BAD.values(), ids=BAD)
def test_what_is_no_conversation_is_refused_with_its_place(
    write_config: ConfigWriter, tmp_path: Path, talk: Any, said: str
) -> None:
    source = written(tmp_path / "talks.jsonl", [[*HELLO, ASKED], talk])
    with pytest.raises(DatasetError) as refused:
        prepared(config_of(write_config, source), tmp_path)
    assert "talks.jsonl:2: " in str(refused.value)
    assert said in str(refused.value)


def test_check_refuses_it_before_anything_is_uploaded(
    write_config: ConfigWriter, tmp_path: Path
) -> None:
    source = written(tmp_path / "talks.jsonl", [[*HELLO, ASKED], HELLO])
    line = the_line(typed("check", "--config", str(config_of(write_config, source))))
    assert "talks.jsonl:2: the conversation does not end with the user" in line
    assert "map it as the expected response" in line


TEMPLATE = {
    "format": "template", "request": {"q": "{question}"}, "response": {"answer": "a"},
}  # fmt: skip
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "text_generation": (
        {"endpoint": {"format": "text_generation"}},
        "endpoint.format: text_generation sends one text",
    ),
    "a template": ({"endpoint": TEMPLATE}, "endpoint.request: sends the question alone"),
    "messages in a text": (
        {"endpoint": {**TEMPLATE, "request": {"q": "{question}, {messages}"}}},
        "let it stand alone as a value",
    ),
    "a question, too": (
        {"dataset": {"columns": {"messages": "m", "question": "q"}}},
        "messages and question are both named",
    ),
    "MLflow's judge": (
        {
            "dataset": {"columns": {"question": "q"}},
            "scorers": ["ConversationCompleteness"],
            "thresholds": {"ConversationCompleteness": {"min": 0.1}},
        },
        "ConversationCompleteness judges a conversation: name the column",
    ),
    "DeepEval's metric": (
        {
            "dataset": {"columns": {"question": "q"}},
            "scorers": [{"Kept": {"kind": "DeepEval", "metric": "KnowledgeRetention"}}],
            "thresholds": {"Kept": {"min": 0.1}},
        },
        "Kept judges a conversation: name the column",
    ),
}


@pytest.mark.parametrize(("changes", "said"), REFUSED.values(), ids=REFUSED)
def test_who_cannot_take_a_conversation_is_refused_with_the_line(
    write_config: ConfigWriter, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    config = config_of(write_config, tmp_path / "talks.jsonl", **changes)
    with pytest.raises(ConfigError, match=r"\.yaml:\d+: ") as refused:
        load_config(config)
    assert said in str(refused.value)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(lambda t: f"x{t}y")
TURNS = st.builds(
    Turn,
    st.sampled_from(ROLES),
    TEXTS,
    st.just(()),
    st.sampled_from(["", "call-1"]),
    st.sampled_from(["", "Ann"]),
)
CALLING = st.builds(
    Turn, st.just("assistant"), st.sampled_from(["", "I look."]),
    st.lists(st.builds(ToolCall, TEXTS, TEXTS, TEXTS), min_size=1, max_size=2).map(tuple),
)  # fmt: skip
TALKS = st.lists(TURNS | CALLING, max_size=4).map(tuple)


@given(TALKS, TEXTS)
def test_what_is_written_is_read_again(history: tuple[Turn, ...], session: str) -> None:
    row = make_row("Why?", "So.", talk=Talk(history, session))
    assert row.history == history
    assert row.talk.session == session
    assert row_of(json.loads(row.line())) == row
    assert [turn_of(message, "x") for message in messages_of(history)] == list(history)


@given(TALKS, TALKS)
def test_a_rows_id_is_that_of_its_whole_conversation(
    one: tuple[Turn, ...], other: tuple[Turn, ...]
) -> None:
    first, second = (make_row("Why?", "So.", talk=Talk(talk)) for talk in (one, other))
    same = [
        tuple(t.mapped(lambda x: unicodedata.normalize("NFC", x)) for t in talk)
        for talk in (one, other)
    ]
    assert (first.row_id == second.row_id) == (same[0] == same[1])
