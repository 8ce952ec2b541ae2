"""Images, audio and files are refused by name: by PrepareDataset, and by `check` before it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from running_aws import ConfigWriter
from typed_command import the_line, typed

from processing.base.errors import DatasetError
from processing.prepare_dataset import main

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
TEXT = {"type": "text", "text": "What is this?"}


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def config_of(
    write_config: ConfigWriter, source: str, columns: dict[str, str] | None = None, **dataset: Any
) -> Path:
    return write_config(
        dataset={
            "source": source,
            "columns": columns or {"question": "q", "expected_response": "a"},
            **dataset,
        },
        scorers=["rougeL_fmeasure"], thresholds={"rougeL_fmeasure": {"min": 0.1}},
    )  # fmt: skip


def json_lines(path: Path, questions: list[Any]) -> str:
    path.write_text("".join(f"{json.dumps({'q': q, 'a': 'A cat.'})}\n" for q in questions))
    return str(path)


def prepare(config: Path, tmp_path: Path) -> None:
    nothing = str(tmp_path / "nothing")
    main(["--config", str(config), "--output", str(tmp_path / "out"), "--input", nothing])


@pytest.mark.parametrize(
    ("question", "what", "how"),
    [
        ([TEXT, image("https://example.org/cat.png")], "an image", "a part of type image_url"),
        ([TEXT, image("data:image/png;base64,iVBO")], "an image", "a part of type image_url"),
        ([{"type": "image", "source": {"type": "base64"}}], "an image", "a part of type image"),
        ([{"type": "input_audio", "input_audio": {}}], "audio", "a part of type input_audio"),
        ([{"type": "audio", "audio": "x"}], "audio", "a part of type audio"),
        ([{"type": "file", "file": {"file_id": "1"}}], "a file", "a part of type file"),
        ("data:image/jpeg;base64,/9j/4AAQ", "an image", "a data:image/ URL"),
        ({"bytes": None, "path": "cat.png"}, "a file", "bytes and path"),
    ],
)
def test_a_row_with_an_image_or_audio_is_refused_by_name(
    write_config: ConfigWriter, tmp_path: Path, question: Any, what: str, how: str
) -> None:
    source = json_lines(tmp_path / "rows.jsonl", ["Why?", question])
    config = config_of(write_config, source)
    line = the_line(typed("check", "--config", str(config)))
    assert f"rows.jsonl:2: {what} ({how}" in line
    assert "in column 'q': texts alone are evaluated" in line
    assert "take the row out" in line
    with pytest.raises(DatasetError) as refused:
        prepare(config, tmp_path)
    assert f"rows.jsonl:2: {what} ({how}" in str(refused.value)


def test_few_rows_with_images_may_be_left_out(write_config: ConfigWriter, tmp_path: Path) -> None:
    questions = [*(f"Why {n}?" for n in range(30)), [image("cat.png")]]
    source = json_lines(tmp_path / "rows.jsonl", questions)
    config = config_of(write_config, source, max_unusable_share=0.5)
    assert typed("check", "--config", str(config)).returncode == 0
    prepare(config, tmp_path)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["unusable_by_reason"] == {"an image": 1}
    assert manifest["counts"]["written"] == 30


def test_a_text_about_a_data_url_is_a_text(write_config: ConfigWriter, tmp_path: Path) -> None:
    questions = ["data:image/png;base64,iVBO is what?", "What does data:image/png mean?"]
    config = config_of(write_config, json_lines(tmp_path / "rows.jsonl", questions))
    prepare(config, tmp_path)
    lines = (tmp_path / "out" / "dataset.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["inputs"]["question"] for line in lines) == sorted(questions)


@pytest.mark.parametrize("several", [False, True])
def test_a_parquet_column_of_images_is_refused_whether_mapped_or_not(
    write_config: ConfigWriter, tmp_path: Path, several: bool
) -> None:
    import pyarrow
    from pyarrow import parquet

    picture: Any = {"bytes": PNG, "path": None}
    cell = [picture, picture] if several else picture
    rows = [{"q": f"What is in picture {n}?", "a": "A cat.", "photo": cell} for n in range(3)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
    config = config_of(write_config, str(tmp_path / "rows.parquet"))
    line = the_line(typed("check", "--config", str(config)))
    assert "rows.parquet: the column 'photo' holds images, audio or video" in line
    assert "remove_columns()" in line
    with pytest.raises(DatasetError, match="the column 'photo' holds images"):
        prepare(config, tmp_path)


def test_bytes_of_an_image_in_a_mapped_column(write_config: ConfigWriter, tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    rows = [{"q": PNG, "a": "A cat."}, {"q": b"What is brown?", "a": "A bear."}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
    with pytest.raises(DatasetError, match=r"rows\.parquet:1: an image \(its bytes in column 'q'"):
        prepare(config_of(write_config, str(tmp_path / "rows.parquet")), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["Image", "Audio"])
def test_a_column_of_the_hubs_images_or_audio(
    write_config: ConfigWriter, tmp_path: Path, kind: str
) -> None:
    import datasets
    import pyarrow

    features = datasets.Features(
        {
            "q": datasets.Value("string"),
            "a": datasets.Value("string"),
            "media": getattr(datasets, kind)(decode=False),
        }
    )
    rows = [{"q": "What is it?", "a": "A cat.", "media": {"bytes": PNG, "path": None}}]
    table = pyarrow.Table.from_pylist(rows, schema=features.arrow_schema)
    datasets.disable_progress_bars()
    datasets.Dataset(datasets.table.InMemoryTable(table)).save_to_disk(str(tmp_path / "hub"))
    config = config_of(write_config, f"hf://{tmp_path}/hub")
    with pytest.raises(DatasetError, match="the column 'media' holds images, audio or video"):
        prepare(config, tmp_path)
