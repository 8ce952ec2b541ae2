"""What a run varies of evaluation.yaml, and the file that comes of it.

    --set endpoint.parameters.temperature=0.7 --set endpoint.system_prompt=@prompt.txt

The varied file is a file like any other: it is read, digested, uploaded and recorded as such.
`variation.json` beside it says what was varied, for the record.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from processing.base.errors import ConfigError
from processing.config.file import validated
from processing.config.model import EvaluationConfig
from processing.config.yaml_file import read_yaml

VARIATION_FILE = "variation.json"
VARIANT = "variant"
"""The key of `variation.json` that a variant's name stands under; the file has none of that name.
"""

Variation = Mapping[str, Any]
"""Key path (`endpoint.parameters.temperature`) -> value."""


def parse_settings(texts: Sequence[str]) -> dict[str, Any]:
    """`KEY=VALUE` each; a value is YAML (0.7, true, [a, b]), or with @ the text of a file.

    A value that is no YAML is a text. Raises ConfigError.
    """
    return dict(_setting(text) for text in texts)


def _setting(text: str) -> tuple[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise ConfigError(
            f"--set {text}: give it as KEY=VALUE, such as endpoint.parameters.temperature=0.7"
        )
    if value.startswith("@"):
        try:
            return key.strip(), Path(value[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise ConfigError(
                f"--set {key}: {value[1:]} cannot be read: {said}; a text that begins with @ "
                f"needs quotes: --set '{key}=\"@...\"'"
            ) from error
    try:
        return key.strip(), YAML(typ="safe").load(value)
    except YAMLError:
        return key.strip(), value


def write_varied(path: Path, variation: Variation, folder: Path, *, variant: str = "") -> Path:
    """Write the varied file into `folder`, with the files that it names; the varied file's path.

    `variant`: what the record calls it. A dataset on this machine stays where it is, and the
    section `variants` is left out. Raises ConfigError for a key that is not there, or a file that
    is none after it.
    """
    from ruamel.yaml import YAML

    document = read_yaml(path)
    for key, value in variation.items():
        try:
            put(document, key, value)
        except ConfigError as error:
            raise ConfigError(f"--set {key}: {error}") from error
    document.pop("variants", None)
    config = validated(document, f"{path} with {_keys(variation)} set" if variation else str(path))
    source = config.dataset.source
    if "://" not in source:
        document["dataset"]["source"] = str((path.parent / source).resolve())
    folder.mkdir(parents=True, exist_ok=True)
    varied = folder / "evaluation.yaml"
    with varied.open("w", encoding="utf-8") as file:
        YAML(typ="rt").dump(document, file)
    record = ({VARIANT: variant} if variant else {}) | shown(variation)
    (folder / VARIATION_FILE).write_text(json.dumps(record, indent=2), encoding="utf-8")
    _copy_files(config, path.parent, folder)
    return varied


def read_variation(config_file: Path) -> dict[str, str]:
    """What was varied in this file, as `shown`; empty for one that somebody wrote."""
    try:
        found = json.loads((config_file.parent / VARIATION_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in found.items()}


def shown(variation: Variation) -> dict[str, str]:
    """The values as they are shown to people."""
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in variation.items()
    }


def put(document: dict[Any, Any], key: str, value: Any) -> None:
    """Set the key path in a document of `read_yaml`.

    Raises ConfigError, without the key, for a path that leads through something without keys.
    """
    *parents, last = key.split(".")
    place: Any = document
    for number, parent in enumerate(parents):
        if place.get(parent) is None:
            place[parent] = {}
        place = place[parent]
        if not isinstance(place, dict):
            kind = "a list" if isinstance(place, list) else "a value"
            above = ".".join(parents[: number + 1])
            raise ConfigError(f"{above} is {kind} and has no keys: set it whole")
    place[last] = value


def _keys(variation: Variation) -> str:
    return ", ".join(variation)


def _copy_files(config: EvaluationConfig, source: Path, target: Path) -> None:
    for name in config.named_files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source / name, target / name)
        except OSError as error:
            raise ConfigError(f"{source / name}: {error.strerror}") from error
