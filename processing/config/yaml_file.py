"""A YAML file as a document that knows its lines; what is wrong with it in words that help."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processing.base.errors import ConfigError

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError

_HINTS = (
    (r"'\\t'", "a tab stands where only spaces may: indent with spaces"),
    (r"duplicate key \"(?P<key>[^\"]*)\"", "the key {key!r} stands here a second time: keep one"),
    (r"mapping values are not allowed here",
     "there is a colon where none can be: either this line or the one before it is indented "
     "wrongly, or a text with ': ' in it needs quotes"),
    (r"expected <block end>",
     "its indentation fits none of the lines above: keys of one section begin in one column"),
    (r"unexpected end of stream|while scanning a quoted", "a quote is not closed"),
    (r"expected ',' or '[\]}]'", "a bracket is not closed, or a comma is missing"),
    (r"could not find expected ':'", "a key needs a colon and a space after it"),
    (r"another document", "a file holds one document: remove the line ---"),
    (r"undefined alias", "a text that begins with * needs quotes"),
    (r"cannot start any token", "a text that begins with this character needs quotes"),
)  # fmt: skip


def read_yaml(path: Path) -> dict[Any, Any]:
    """The document of the file, with ruamel's line numbers in it.

    Raises ConfigError, with the line, for a file that cannot be read or is no YAML mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    text = _read_text(path)
    try:
        document = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        raise ConfigError(f"{path}:{_line(error)}: is not YAML: {_reason(error)}") from error
    except ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        character = (
            f"U+{int(error.character):04X}" if error.character is not None else "a character"
        )
        raise ConfigError(
            f"{path}:{line}: is not YAML: {character} cannot be seen and may not stand here: "
            "delete it"
        ) from error
    except YAMLError as error:
        raise ConfigError(f"{path}: is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path}:1: holds no keys; see the example evaluation.yaml")
    return document


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        hint = {
            FileNotFoundError: "name the file with --config",
            IsADirectoryError: "name the file in it with --config",
        }.get(type(error), "may you read it?")
        raise ConfigError(f"{path}: cannot be read: {error.strerror}: {hint}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}:{line}: is not UTF-8 text (byte 0x{content[error.start]:02x}): save the file "
            "as UTF-8"
        ) from error


def _line(error: MarkedYAMLError) -> int:
    """1-based; of an open quote or bracket, where it was opened."""
    opened = error.context_mark and re.search(
        r"scanning a quoted|parsing a flow", str(error.context)
    )
    mark = error.context_mark if opened else error.problem_mark
    return mark.line + 1 if mark else 1


def _reason(error: MarkedYAMLError) -> str:
    """YAML's own words, cut short where they quote the file, and what they mean here."""
    problem = " ".join(str(error.problem).split())
    for pattern, hint in _HINTS:
        if found := re.search(pattern, f"{problem} {error.context or ''}"):
            short = problem.partition(' with value "')[0]
            return f"{short}; {hint.format(**found.groupdict())}"
    return problem
