"""Only the image changes in the file, however it is written there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from running_aws import REPOSITORY

from pipeline.definition.image import write_image
from processing.base.errors import LaunchError
from processing.config.file import load_config

URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/llm-evaluation@sha256:" + "0a" * 32


@pytest.mark.parametrize("written", ["old:1", '"old:1"', "'old:1'", "old:1           # why"])
def test_the_image_is_replaced_and_nothing_else(tmp_path: Path, written: str) -> None:
    text = (REPOSITORY / "evaluation.yaml").read_text()
    path = tmp_path / "evaluation.yaml"
    path.write_text(re.sub(r"(\n  image: ).*", lambda found: f"{found[1]}{written}", text))
    before = path.read_text()
    write_image(path, URI)
    after = written.replace('"', "").replace("'", "").replace("old:1", URI)
    assert path.read_text() == before.replace(f"  image: {written}\n", f"  image: {after}\n")
    assert load_config(path).infrastructure.image == URI


def test_a_value_on_a_line_of_its_own_is_found(tmp_path: Path) -> None:
    text = (REPOSITORY / "evaluation.yaml").read_text()
    path = tmp_path / "evaluation.yaml"
    path.write_text(re.sub(r"\n  image: .*", "\n  image:\n    old:1", text))
    write_image(path, URI)
    assert load_config(path).infrastructure.image == URI


def test_what_cannot_be_changed_stays_as_it_was(tmp_path: Path) -> None:
    text = (REPOSITORY / "evaluation.yaml").read_text()
    path = tmp_path / "evaluation.yaml"
    path.write_text(re.sub(r"\n  image: .*", "\n  image: >-\n    old:1", text))
    before = path.read_text()
    with pytest.raises(LaunchError, match=f"write image: {re.escape(URI)} there"):
        write_image(path, URI)
    assert path.read_text() == before
