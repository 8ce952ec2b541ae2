"""Reading `evaluation.yaml`: every mistake with its line, its key's path, and the mend.

The pipeline builder and both containers read the file through `load_config`, so that a mistake is
found before anything is created.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from processing.config import EvaluationConfig, Threshold
from processing.errors import ConfigError
from processing.gate import threshold_parameters
from processing.scorers.catalogue import SCORERS

Location = tuple[str | int, ...]


def load_config(path: Path) -> EvaluationConfig:
    """Read and validate an evaluation.yaml.

    Raises ConfigError with one line for each mistake: file, line, key path, what is wrong, mend.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    try:
        document = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text: {error}") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: is not YAML: {error.problem}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path}:1: holds no keys; see the example evaluation.yaml")
    try:
        config = EvaluationConfig.model_validate(document)
        problems = list(_cross_check(config))
    except ValidationError as invalid:
        problems = [(error["loc"], _explain(error)) for error in invalid.errors()]
    if problems:
        lines = [
            f"{path}:{_line(document, location)}: {_dotted(location)}: {message}"
            for location, message in problems
        ]
        raise ConfigError("\n".join(dict.fromkeys(lines)))
    return config


def _cross_check(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    """Mistakes that only show when two sections are held against each other."""
    metrics = ", ".join(config.metrics)
    for metric in config.thresholds:
        if metric not in config.metrics:
            hint = _did_you_mean(metric, config.metrics)
            message = f"no scorer makes the metric {metric!r}{hint}; the metrics are {metrics}"
            yield ("thresholds", metric), message
    judged = ", ".join(scorer.name for scorer in config.judged_scorers())
    if judged and config.judge is None:
        yield ("scorers",), f"{judged} need a judge: add judge: model: bedrock:/..."
    for index, scorer in enumerate(config.scorers):
        if SCORERS[scorer.kind].needs_context and config.dataset.columns.context is None:
            yield (
                ("scorers", index),
                f"{scorer.name} judges against a context: name its column in "
                "dataset.columns.context, or leave the scorer out",
            )
    parameters = [parameter.name for parameter in threshold_parameters(config.thresholds)]
    for name in sorted({name for name in parameters if parameters.count(name) > 1}):
        message = f"two thresholds would both be the pipeline parameter {name}; rename a scorer"
        yield ("thresholds",), message


def _explain(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        *parents, key = error["loc"]
        known = _known_keys(tuple(parents))
        return f"unknown key{_did_you_mean(str(key), known)}; the keys are {', '.join(known)}"
    if error["type"] == "missing":
        return "is missing"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error":
        return message
    return f"{message[0].lower()}{message[1:]}, not {error['input']!r}"


def _known_keys(location: Location) -> list[str]:
    """The keys of the section at `location`; [] where the section is not one of ours."""
    model: Any = EvaluationConfig
    for part in location:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
        field = model.model_fields.get(str(part))
        if field is None:
            return []
        options = [field.annotation, *getattr(field.annotation, "__args__", ())]
        sections = [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]
        if str(part) == "thresholds":
            return list(Threshold.model_fields)
        model = sections[0] if sections else None
    return list(model.model_fields) if model else []


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def _dotted(location: Location) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or "(top level)"


def _line(document: Any, location: Location) -> int:
    """The 1-based line of the deepest part of `location` that the document holds."""
    line, node = 1, document
    for part in location:
        marks = getattr(node, "lc", None)
        if marks is None or not (isinstance(node, list | dict)):
            break
        try:
            line = (marks.item(part) if isinstance(node, list) else marks.key(part))[0] + 1
            node = node[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            break
    return line


def config_digest(path: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
