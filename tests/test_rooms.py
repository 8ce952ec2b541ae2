"""docs/development.md shows the rooms of the import contracts; what is added has one place."""

from __future__ import annotations

import importlib
import itertools
import re
import tomllib
from collections import Counter
from typing import Any, get_args

import pytest
from running_aws import REPOSITORY

from processing.config.endpoint import PayloadFormat
from processing.config.scorer_kinds import IMPLIED_KIND, SCORERS

DOCS = (REPOSITORY / "docs" / "development.md").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]
LAYERED = {c["containers"][0]: c["layers"] for c in CONTRACTS if c["type"] == "layers"}


def picture(layers: list[str]) -> str:
    """Mermaid: each room imports only rooms that arrows lead to, none of those beside it."""
    rows = [layer.replace("|", "&") for layer in layers]
    arrows = (f"    {above} --> {below}" for above, below in itertools.pairwise(rows))
    return "\n".join(["```mermaid", "flowchart TD", *arrows, "```"])


@pytest.mark.parametrize("container", LAYERED)
def test_the_docs_show_the_rooms_of_the_contracts(container: str) -> None:
    assert picture(LAYERED[container]) in DOCS, picture(LAYERED[container])


def test_each_test_file_has_a_name_of_its_own() -> None:
    """pytest imports them by this name alone, so that two of one name stop the whole run."""
    files = (file.name for file in (REPOSITORY / "tests").rglob("*.py"))
    names = Counter(name for name in files if name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("package", ["processing", "pipeline"])
def test_no_module_is_too_long_and_no_package_too_wide(package: str) -> None:
    folder = REPOSITORY / package
    lengths = {
        str(file.relative_to(REPOSITORY)): len(file.read_text(encoding="utf-8").splitlines())
        for file in folder.rglob("*.py")
    }
    assert {name: lines for name, lines in lengths.items() if lines > 300} == {}
    entries = {path.name for path in folder.iterdir()} - {"__pycache__"}
    assert len(entries) <= {"processing": 16, "pipeline": 12}[package], sorted(entries)


@pytest.mark.parametrize("name", get_args(PayloadFormat))
def test_a_payload_format_is_a_module_and_a_word(name: str) -> None:
    module = importlib.import_module(f"processing.endpoint.payloads.{name}")
    assert all(callable(getattr(module, part)) for part in ("request", "prompt", "reply"))


def test_and_every_module_is_one() -> None:
    modules = {file.stem for file in (REPOSITORY / "processing/endpoint/payloads").glob("*.py")}
    assert modules - {"__init__"} == set(get_args(PayloadFormat))


def test_a_scorer_kind_is_a_module_and_a_line() -> None:
    for kind in SCORERS.values():
        module: Any = importlib.import_module(f"processing.scorers.{kind.module}")
        assert callable(module.build)
    assert set(IMPLIED_KIND.values()) <= set(SCORERS)


@pytest.mark.slow
def test_the_docs_name_the_files_that_are_there() -> None:
    section = DOCS.partition("## The rooms")[2]
    named = re.findall(r"`((?:processing|pipeline|tests)/[\w/.]+)`", section)
    assert named
    assert [path for path in named if not (REPOSITORY / path).exists()] == []
