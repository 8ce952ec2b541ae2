"""A configuration as a document to change, and such a document as a file.

Written by libyaml, and the same text read once: hundreds of tests change the example's.
"""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from running_aws import REPOSITORY

EXAMPLE = REPOSITORY / "evaluation.yaml"


def read_document(path: Path = EXAMPLE) -> dict[str, Any]:
    """By YAML 1.2, as the project reads it: `on` is a text."""
    return copy.deepcopy(_parsed(path.read_text(encoding="utf-8")))


def write_document(document: dict[str, Any], path: Path) -> Path:
    """Lists and mappings of plain values stand on their key's line."""
    text = yaml.dump(document, Dumper=yaml.CSafeDumper, default_flow_style=None, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
    return path


@functools.cache
def _parsed(text: str) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe").load(text)
    return document
