"""Reading `evaluation.yaml`: every mistake with its line, its key's path, and how to fix it.

The pipeline builder and both containers read the file through `load_config`, so that a mistake is
found before anything is created.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from processing.base.errors import ConfigError
from processing.base.secrets import masked, secrets_in
from processing.base.suggestion import did_you_mean
from processing.config.conversations import conversation_problems
from processing.config.early_pass import early_pass_problems
from processing.config.given_answers import given_answer_problems
from processing.config.labelled_metrics import labelling_problems
from processing.config.load import load_problems
from processing.config.model import EvaluationConfig
from processing.config.named_metrics import naming_problems
from processing.config.patterns import IN_WORDS
from processing.config.retrieval import retrieval_problems
from processing.config.roles import role_problems
from processing.config.spending_caps import cap_problems
from processing.config.threshold_scales import Location, threshold_problems
from processing.config.variable_problems import variable_problems
from processing.config.variants import variant_name_problems
from processing.config.yaml_file import read_yaml


def load_config(path: Path) -> EvaluationConfig:
    """Read and validate an evaluation.yaml.

    Raises ConfigError, one line per mistake: file, line, key path, what is wrong, how to fix it.
    """
    return validated(read_yaml(path), str(path))


def validated(document: dict[Any, Any], name: str) -> EvaluationConfig:
    """The configuration that a document of `read_yaml` holds; `name` is what errors call it.

    Raises ConfigError, as `load_config`.
    """
    config, problems = config_and_problems(document)
    if problems or config is None:
        lines = [masked(problem_line(name, document, *problem)) for problem in problems]
        raise ConfigError("\n".join(dict.fromkeys(lines)))
    return config


def config_and_problems(
    document: dict[Any, Any],
) -> tuple[EvaluationConfig | None, list[tuple[Location, str]]]:
    """The configuration, None if its form is wrong, and each mistake with where it is."""
    config = None
    try:
        config = EvaluationConfig.model_validate(document)
        problems = list(_cross_check(config))
    except ValidationError as invalid:
        problems = [(error["loc"], _explain(error)) for error in map(_placed, invalid.errors())]
    return config, [*problems, *secrets_in(document)]


def problem_line(name: str, document: dict[Any, Any], location: Location, message: str) -> str:
    """`evaluation.yaml:12: endpoint.name: is missing`."""
    return f"{name}:{_line(document, location)}: {dotted(location)}: {message}"


def _cross_check(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    """Mistakes that only show when two sections are held against each other."""
    yield from naming_problems(config)
    yield from conversation_problems(config)
    yield from retrieval_problems(config)
    asking = [*config.judged_scorers(), *config.pairwise_scorers]
    judged = ", ".join(scorer.name for scorer in asking if config.judge_of(scorer) is None)
    if judged:
        yield ("scorers",), f"{judged} need a judge: add judge: model: bedrock:/..."
    for index, scorer in enumerate(config.listed_scorers):
        if scorer.compares and len(config.judges_of(scorer)) > 1:
            message = "compares two answers by one judge, no panel: give it judge: {model: ...}"
            yield ("scorers", index), f"{scorer.name} {message}"
        if scorer.options.needs_guidelines() and config.dataset.columns.guidelines is None:
            yield (
                ("scorers", index),
                f"{scorer.name} judges by each row's own guidelines: name their column in "
                "dataset.columns.guidelines, or leave the scorer out",
            )
        if scorer.options.needs_tool_calls() and config.dataset.columns.expected_tool_calls is None:
            yield (
                ("scorers", index),
                f"{scorer.name} compares with the tool calls that a row expects: name their column "
                "in dataset.columns.expected_tool_calls, or leave the scorer out",
            )
    if (
        config.trigger
        and config.trigger.candidates_group == config.registration.model_package_group
    ):
        message = (
            "is also registration.model_package_group: what the pipeline registers would start it "
            "again; candidates need a group of their own"
        )
        yield ("trigger", "candidates_group"), message
    if (
        config.trigger
        and config.trigger.approval_status != "PendingManualApproval"
        and config.registration.stamp_candidate
    ):
        message = (
            "must be PendingManualApproval with registration.stamp_candidate: the job approves "
            "or rejects the candidate, and its event would start the pipeline again"
        )
        yield ("trigger", "approval_status"), message
    yield from _swapped_answers(config)
    yield from role_problems(config)
    hub = config.dataset.hub
    if config.pipeline.cache and config.dataset.from_hub and not (hub and hub.revision):
        message = (
            "needs dataset.hub.revision (a commit of the dataset on the hub): without it the rows "
            "may change, and the cache would not notice"
        )
        yield ("pipeline", "cache"), message
    if config.pipeline.cache and (config.dataset.from_capture or config.dataset.from_mlflow):
        scheme = config.dataset.source.partition("://")[0]
        message = f"has no meaning for {scheme}://, whose rows may be others every hour"
        yield ("pipeline", "cache"), message
    yield from variable_problems(config)
    yield from variant_name_problems(config.variants)
    if not any(threshold.tier == "hard" for threshold in config.thresholds.values()):
        yield ("thresholds",), "none is tier: hard, so the gate would have nothing to judge by"
    yield from labelling_problems(config)
    yield from given_answer_problems(config)
    yield from cap_problems(config)
    yield from load_problems(config)
    yield from early_pass_problems(config)
    yield from threshold_problems(config.scorers, config.thresholds, config.slices, config.champion)


def _placed(error: ErrorDetails) -> ErrorDetails:
    """Without the names of a value's possible kinds, which pydantic takes for keys."""
    return {**error, "loc": tuple(k for k in error["loc"] if not str(k).startswith("#"))}


def _explain(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        *parents, key = error["loc"]
        known = _known_keys(tuple(parents))
        return f"unknown key{did_you_mean(str(key), known)}; the keys are {', '.join(known)}"
    if error["type"] == "missing":
        return "is missing"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error":
        return message
    given = error["input"]
    if given is None:
        return f"is empty: {_EMPTY.get(error['type'], 'give it a value, or leave the key out')}"
    kind = _KINDS.get(error["type"].partition("_")[0])
    if error["type"] == "invalid_key" and isinstance(given, int):
        # {min: 0,7} is min: 0 and another key, 7
        kind = f"a text in quotes (or 0.{given} was meant: a decimal number has a point)"
    if error["type"] == "string_pattern_mismatch":
        kind = IN_WORDS.get(error["ctx"]["pattern"])
    elif not error["type"].endswith(_WRONG_KIND):
        kind = None
    if kind == "a number" and isinstance(given, str) and re.fullmatch(r"-?\d+,\d+", given):
        kind = f"a number with a point, {given.replace(',', '.')}"
    if kind:
        return f"must be {kind}, not {_shown(given)}{_keys_hint(error)}"
    return f"{message[0].lower()}{message[1:]}, not {_shown(given)}"


_WRONG_KIND = ("_type", "_parsing", "_from_float", "_unicode", "_key")
_KINDS = {
    "model": "a section with keys",
    "dict": "a section with keys",
    "list": "a list, each entry after a hyphen",
    "tuple": "a list, each entry after a hyphen",
    "int": "a whole number",
    "float": "a number",
    "string": "a text",
    "bool": "true or false",
    "invalid": "a text: put the key in quotes",
}
_EMPTY = {
    "model_type": "its keys have to be indented below it",
    "dict_type": "its keys have to be indented below it",
    "list_type": "its entries have to stand below it, each after a hyphen",
}


def _keys_hint(error: ErrorDetails) -> str:
    known = _known_keys(error["loc"]) if error["type"] == "model_type" else []
    return f"; the keys are {', '.join(known)}" if known else ""


def _shown(value: object) -> str:
    text = repr(getattr(value, "value", value))
    return text if len(text) <= 80 else f"{text[:80]}..."


def _known_keys(location: Location) -> list[str]:
    """The keys of the section at `location`; [] where the section is not one of ours."""
    model: Any = EvaluationConfig
    names_are_free = False  # a mapping's keys, such as the metrics under thresholds
    for part in location:
        if isinstance(part, int):  # an entry of a list of sections
            continue
        if names_are_free:
            names_are_free = False
            continue
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
        fields = {field.alias or key: field for key, field in model.model_fields.items()}
        field = fields.get(str(part))
        if field is None:
            return []
        names_are_free = get_origin(field.annotation) is dict
        options = [field.annotation, *getattr(field.annotation, "__args__", ())]
        options += [option.__origin__ for option in options if hasattr(option, "__metadata__")]
        sections = [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]
        model = sections[0] if sections else None
    return [field.alias or key for key, field in model.model_fields.items()] if model else []


def _swapped_answers(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    """A share that is asked for of swapped answers that nobody is given would hold nothing."""
    share = config.budgets.min_swapped_rejected_share
    asked_for = "min_swapped_rejected_share" in config.budgets.model_fields_set and share
    judges = [judge for spec in config.judged_scorers() for judge in config.judges_of(spec)]
    if asked_for and judges and not any(judge.swapped_answers for judge in judges):
        yield (
            ("budgets", "min_swapped_rejected_share"),
            f"is {share:g}, but judge.swapped_answers is 0, so that no judge is given any: raise "
            "that, or leave this out",
        )


def place_of_scorer(path: Path, name: str, option: str = "") -> str:
    """`evaluation.yaml:12: scorers[3].NAME.OPTION` of an entry, of its key if it has one."""
    document = read_yaml(path)
    for index, entry in enumerate(document["scorers"]):
        if name == entry or (isinstance(entry, dict) and name in entry):
            location: Location = ("scorers", index)
            if option and isinstance(entry, dict):
                location = (*location, name, option)
            return f"{path}:{_line(document, location)}: {dotted(location)}"
    return f"{path}: scorers: {name}"


def dotted(location: Location) -> str:
    """`scorers[3].judge.model`."""
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


def config_digest(path: Path, config: EvaluationConfig) -> str:
    """SHA-256, in hexadecimal, of the file's bytes and of the files beside it that it names.

    Raises ConfigError if one of those cannot be read.
    """
    digest = hashlib.sha256(path.read_bytes())
    for name in config.named_files():
        try:
            digest.update(name.encode() + (path.parent / name).read_bytes())
        except OSError as error:
            key = "labels" if name == config.labels_file else "scorers"
            hint = "; `labels sample` makes one" if key == "labels" else ""
            raise ConfigError(f"{path}: {key}: {name}: {error.strerror}{hint}") from error
    return digest.hexdigest()
