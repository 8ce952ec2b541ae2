"""`compare` of folders that others have written: shown, not obeyed, and refused in one line."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import made_document, made_rows, made_run, write_run

from pipeline.cli.main import main

SCORES = {"Correctness": [1.0] * 12, "rouge": [0.5] * 12}
WORSE = {"Correctness": [0.0] * 12, "rouge": [0.4] * 11 + [None]}
EVIL = "x\x1b[2J\x1b]0;owned\x07\u202e\u2028\r\x9bquality gate: PASSED\n[red]z"
SECRET = "sk-planted-0123456789abcdef"
Path_ = tuple[str | int, ...]


def compared(a: Path, b: Path, *options: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    page = b.parent / "page.html"
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["compare", str(a), str(b), "--html", str(page), *options])
    return code, out.getvalue(), err.getvalue()


def places(value: Any, at: Path_ = ()) -> Iterator[Path_]:
    if at:
        yield at
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(below, (*at, key))


def put(document: Any, at: Path_, value: Any) -> Any:
    changed = copy.deepcopy(document)
    place = changed
    for key in at[:-1]:
        place = place[key]
    place[at[-1]] = value
    return changed


FULL = made_document(
    WORSE,
    12,
    thresholds={"MinC": {"metric": "Correctness", "rule": "min", "bound": 0.7, "on": "mean",
                         "tier": "hard"}},
    varied={"endpoint.system_prompt": "short"},
)  # fmt: skip
ROWS = made_rows(WORSE)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=9), below),
    max_leaves=5,
)


@pytest.mark.slow
@settings(max_examples=20)
@given(data=st.data())
def test_whatever_stands_at_any_place_it_is_compared_or_refused_in_one_line(
    data: st.DataObject,
) -> None:
    document, rows = FULL, ROWS
    if data.draw(st.booleans()):
        at = data.draw(st.sampled_from(list(places(document))))
        document = put(document, at, data.draw(JSON))
    else:
        at = data.draw(st.sampled_from(list(places(rows))))
        rows = put(rows, at, data.draw(JSON))
    with TemporaryDirectory() as folder:
        a = made_run(Path(folder) / "a", SCORES)
        b = write_run(Path(folder) / "b", document, [])
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (b / "rows.jsonl").write_text(text)
        code, out, err = compared(a, b)
    told = out + err
    assert code in (0, 2), told
    assert "--debug" not in told
    assert all(line.isprintable() for line in told.split("\n"))
    if code == 2:
        assert str(b) in err
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, "5", '{"metrics":' + "9" * 10_000 + "}", "\xff", "NaN"],
    ids=["deep", "deep keys", "a number", "giant integer", "latin-1", "not a number"],
)
@pytest.mark.parametrize("name", ["evaluation.json", "rows.jsonl"])
def test_a_file_that_is_none_is_refused_by_its_name(tmp_path: Path, name: str, text: str) -> None:
    a, b = made_run(tmp_path / "a", SCORES), made_run(tmp_path / "b", WORSE)
    (b / name).write_bytes(text.encode("latin-1"))
    code, _, err = compared(a, b)
    assert code == 2
    assert str(b) in err
    assert name in err
    assert "--debug" not in err


def test_names_and_texts_do_not_command_the_terminal(tmp_path: Path) -> None:
    scores, worse = {**SCORES, EVIL: [0.5] * 12}, {**WORSE, EVIL: [0.1] * 12}
    a = made_run(tmp_path / "a", scores)
    changes: dict[str, Any] = {
        "model": {"endpoint_name": EVIL, "model_name": EVIL},
        "varied": {EVIL: EVIL},
        "thresholds": {"M": {"metric": EVIL, "rule": EVIL, "bound": 0.5, "on": EVIL,
                             "tier": EVIL}},
        "scorers": {name: {"definition": EVIL, "judge": EVIL, "low": 0.0, "high": 1.0}
                    for name in worse},
    }  # fmt: skip
    b = made_run(tmp_path / "b", worse, **changes)
    for first, other in ((a, b), (b, a), (b, b)):
        code, out, err = compared(first, other)
        assert code == 0, err
        assert not [sign for sign in "\x1b\x07\u202e\u2028\r\x9b" if sign in out]
        assert r"\x1b[2J" in out
        assert not [line for line in out.splitlines() if line.startswith("[red]z")]


def test_what_another_version_left_unmasked_is_masked(tmp_path: Path) -> None:
    a = made_run(tmp_path / "a", SCORES)
    mlflow = {"tracking_uri": f"http://user:{SECRET}@127.0.0.1:1", "experiment_id": "1",
              "run_id": "0" * 32, "url": f"http://user:{SECRET}@127.0.0.1:1/#/"}  # fmt: skip
    b = made_run(tmp_path / "b", WORSE, varied={"judge.parameters.x": SECRET}, mlflow=mlflow)
    told = tmp_path / "told.json"
    code, out, err = compared(a, b, "--json", str(told))
    assert code == 0, err
    for text in (out, err, told.read_text(), (tmp_path / "page.html").read_text()):
        assert SECRET not in text


def test_a_count_of_rows_that_nobody_has_takes_no_time(tmp_path: Path) -> None:
    a = made_run(tmp_path / "a", SCORES)
    b = made_run(tmp_path / "b", WORSE, counts={"rows": 10**12, "answered": 1})
    code, _, err = compared(a, b)
    assert code == 2
    assert "counts.rows" in err


@pytest.mark.parametrize("uri", ["https://mlflow.example.com", "sqlite:////tmp/other.db", "evil:x"])
def test_no_report_says_which_server_the_user_s_credentials_go_to(tmp_path: Path, uri: str) -> None:
    mlflow = {"tracking_uri": uri, "experiment_id": "1", "run_id": "0" * 32, "url": None}
    a, b = (made_run(tmp_path / name, SCORES, mlflow=mlflow) for name in "ab")
    config = tmp_path / "none.yaml"
    code, _, err = compared(a, b, "--mlflow", "--config", str(config))
    assert code == 2
    assert f"{uri} is not the MLflow server" in err


def test_a_full_disk_is_told_with_the_file(tmp_path: Path) -> None:
    """/dev/full answers as a full disk does."""
    a, b = made_run(tmp_path / "a", SCORES), made_run(tmp_path / "b", WORSE)
    code, _, err = compared(a, b, "--json", "/dev/full")
    assert code == 2
    assert err == "error: /dev/full cannot be written: No space left on device\n"
