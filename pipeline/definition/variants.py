"""`variants:` of evaluation.yaml, each made ready: what the file says with it, and how to start it.

One section serves `try` and the pipeline, so a variant may override what a started execution can
take: what EvaluateModel reads, and what has a parameter. Everything else is the definition's.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline.definition.varied_keys import AS_PARAMETERS, PARAMETERS, READ_BY_THE_JOB
from processing.base.errors import ConfigError
from processing.base.secrets import masked
from processing.base.suggestion import did_you_mean
from processing.config.file import config_and_problems, dotted, problem_line, validated
from processing.config.model import EvaluationConfig
from processing.config.threshold_scales import Location
from processing.config.thresholds import threshold_parameters
from processing.config.variation import Variation, put
from processing.config.yaml_file import read_yaml

NONE: Variation = MappingProxyType({})

HOW = "such as `variants: {warm: {endpoint.parameters.temperature: 0.7}, base: {}}`"

_ONE_FOR_ALL = {
    "dataset": "variants are compared on the same rows",
    "mlflow": "variants are recorded on one MLflow server",
}


@dataclass(frozen=True)
class Variant:
    """`overrides` by key path, texts of files read. `config` is the file with them.

    `parameters` are the pipeline's parameters that they are started with.
    """

    name: str
    overrides: Variation
    config: EvaluationConfig
    parameters: Mapping[str, str]


def read_variants(
    path: Path, *, base: Variation = NONE, given: Mapping[str, Variation] | None = None
) -> tuple[Variant, ...]:
    """The file's variants in its order, with `base` (`--set`) below what each overrides.

    `given`: instead of those that the file has. Raises ConfigError, a line for each mistake: file,
    line, key, what is wrong.
    """
    document = read_yaml(path)
    if given is not None:
        document["variants"] = {name: dict(overrides) for name, overrides in given.items()}
    section = document.get("variants") or {}
    below = copy.deepcopy(document)
    for key, value in base.items():
        try:
            put(below, key, value)
        except ConfigError as error:
            raise ConfigError(f"--set {key}: {error}") from error
    unvaried = validated(below, f"{path} with {', '.join(base)} set" if base else str(path))
    below.pop("variants", None)
    found: list[Variant] = []
    problems: list[str] = []
    for name, overrides in section.items():
        made = _variant(below, unvaried, name, overrides or {}, path.parent)
        if isinstance(made, Variant):
            found.append(made)
        else:
            problems += [masked(problem_line(str(path), document, *problem)) for problem in made]
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    return tuple(found)


def chosen(variants: Sequence[Variant], names: Sequence[str], path: Path) -> list[Variant]:
    """The named variants, in that order; all of them without names.

    Raises ConfigError for a name that is not there or is given twice, and if there are none.
    """
    known = {variant.name: variant for variant in variants}
    if not known:
        raise ConfigError(f"{path}: variants: the file has none: add the section, {HOW}")
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(f"--variants {name}: {path} has no variant {name!r}{hint}; there are "
                              f"{', '.join(known)}")  # fmt: skip
        if names.count(name) > 1:
            raise ConfigError(f"--variants: {name} is named more than once")
    return [known[name] for name in names or known]


def _variant(
    below: Mapping[Any, Any],
    unvaried: EvaluationConfig,
    name: str,
    overrides: Mapping[str, Any],
    folder: Path,
) -> Variant | list[tuple[Location, str]]:
    """The variant, or what is wrong with it."""
    at: Location = ("variants", name)
    problems = [((*at, key), refused) for key in overrides if (refused := _refused(unvaried, key))]
    document, read = copy.deepcopy(dict(below)), dict[str, Any]()
    for key, value in overrides.items():
        try:
            read[key] = _text_of_file(value, folder)
            put(document, key, read[key])
        except ConfigError as error:
            problems.append(((*at, key), str(error)))
    if problems:
        return problems
    config, mistakes = config_and_problems(document)
    if mistakes or config is None:
        return [_where_overridden(at, overrides, *mistake) for mistake in mistakes]
    problems = [(at, reason) for reason in _other_definition(unvaried, config)]
    return problems or Variant(name, read, config, _parameters(unvaried, config, read))


def _text_of_file(value: Any, folder: Path) -> Any:
    """`"@prompt.txt"` is the text of a file beside the configuration; `@@` begins a text with @."""
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    if value.startswith("@@"):
        return value[1:]
    try:
        return (folder / value[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            f"{folder / value[1:]} cannot be read: {said}; a text that begins with @ begins with "
            "@@ here"
        ) from error


def _refused(config: EvaluationConfig, key: str) -> str:
    """Why a variant may not override this key; empty if it may."""
    section = key.partition(".")[0]
    if key in AS_PARAMETERS or section in READ_BY_THE_JOB:
        return ""
    bounds = {f"thresholds.{p.metric}.{p.rule}" for p in threshold_parameters(config.thresholds)}
    if key in bounds:
        return ""
    if reason := _ONE_FOR_ALL.get(section):
        return f"{reason}: change `{section}` itself"
    fields = EvaluationConfig.model_fields.items()
    if section not in (known := [field.alias or name for name, field in fields]):
        hint = did_you_mean(section, known)
        return f"the file has no section {section!r}{hint}"
    return (
        "is part of the pipeline's definition, which is the same for all variants: a variant may "
        f"override {', '.join(READ_BY_THE_JOB)}, {', '.join(AS_PARAMETERS)} and thresholds' bounds"
    )


def _where_overridden(
    at: Location, overrides: Mapping[str, Any], location: Location, message: str
) -> tuple[Location, str]:
    """A mistake of the varied file, at the override that made it where one did."""
    place = dotted(location)
    for key in overrides:
        if place == key or place.startswith((f"{key}.", f"{key}[")):
            below = place.removeprefix(key).lstrip(".")
            return (*at, key), f"{below}: {message}" if below else message
    return at, f"with it, {place}: {message}"


def _other_definition(before: EvaluationConfig, after: EvaluationConfig) -> Iterator[str]:
    """The metrics and thresholds stand in the definition by name."""
    if changed := sorted(set(before.metrics) ^ set(after.metrics)):
        yield (
            f"scorers: {', '.join(changed)}: which metrics there are is part of the pipeline's "
            "definition, and variants are compared by the same ones"
        )


def _parameters(
    before: EvaluationConfig, after: EvaluationConfig, overrides: Variation
) -> dict[str, str]:
    """What EvaluateModel takes from its parameters and not from the file, where it is overridden.

    Also by the file's own value: `-p` may have given all variants another.
    """
    ours, theirs = _values(before), _values(after)
    if not before.endpoint.inference_component:  # the pipeline then has no such parameter
        del theirs["endpoint.inference_component"]
    return {
        name: value
        for key, (name, value) in theirs.items()
        if key in overrides or ours[key] != (name, value)
    }


def _values(config: EvaluationConfig) -> dict[str, tuple[str, str]]:
    """Key path -> the parameter and its value."""
    values = {
        "endpoint.name": config.endpoint.name,
        "endpoint.inference_component": config.endpoint.inference_component or "",
        "registration.approval_status": config.registration.approval_status,
        "mlflow.experiment": config.mlflow.experiment,
    }
    bounds = threshold_parameters(config.thresholds)
    return {
        **{key: (PARAMETERS[key], value) for key, value in values.items()},
        **{f"thresholds.{b.metric}.{b.rule}": (b.name, str(b.bound)) for b in bounds},
    }
