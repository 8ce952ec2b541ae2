"""docs/configuration.md has every key of evaluation.yaml, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from running_aws import REPOSITORY

from processing.config.model import EvaluationConfig

PAGE = re.sub(  # without the examples
    r"^```.*?^```$",
    "",
    (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8"),
    flags=re.DOTALL | re.MULTILINE,
)
TABLE = PAGE.partition("\n## ")[0]


def sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from sections(part)


def keys(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted: `dataset.columns.question`."""
    for attribute, field in section.model_fields.items():
        name = field.alias or attribute
        yield prefix + name
        for inner in {*sections(field.annotation)} - {section}:  # a judge's panel is of judges
            yield from keys(inner, f"{prefix}{name}.")


def listed() -> Iterator[str]:
    """Of the first column; `.seed` beside `dataset.source` is `dataset.seed`."""
    for row in TABLE.splitlines():
        parent = ""
        for key in re.findall(r"`([^`]+)`", row.partition("| ")[2].partition(" | ")[0]):
            whole = parent + key if key.startswith(".") else key
            parent = whole.rpartition(".")[0]
            yield whole


KEYS = set(keys(EvaluationConfig)) - {"scorers.options"}  # written beside the scorer's name


def test_every_key_is_on_the_page() -> None:
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", PAGE))))
    assert {key for key in KEYS if key.rpartition(".")[2] not in words} == set()


def test_every_key_on_the_page_is_one() -> None:
    assert len(set(listed())) > 60
    assert set(listed()) - KEYS == set()
