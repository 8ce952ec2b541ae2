"""Every scorer that a configuration can name, its options, and where it is built.

Importing this module is cheap: a scorer's own libraries are imported when it is built.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.metadata
import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, SerializeAsAny, ValidationError

from processing.base.errors import ConfigError
from processing.config.judge import Judge
from processing.config.scorer_frameworks import RAGAS_LOWER_IS_BETTER
from processing.config.scorer_options import (
    BriefOptions,
    DeepEvalOptions,
    FileOptions,
    GuidelinesOptions,
    MetricOptions,
    Options,
    RagasOptions,
    TemplateOptions,
    TermsOptions,
)
from processing.judges.verdict import JudgeError, Question, Score

if TYPE_CHECKING:
    from processing.calls.spend import Spend
    from processing.judges.service import JudgeLine

__all__ = [
    "SCORERS",
    "BuiltScorer",
    "JudgeError",
    "Question",
    "ScorerSpec",
    "build_scorers",
    "number_of",
    "number_range",
    "number_rule",
    "parse_scorer",
]


@dataclass(frozen=True)
class ScorerKind:
    """One kind of scorer. `module` has `build(spec, judge, folder) -> Score`.

    `packages` are the distributions whose version can change a verdict.
    """

    module: str
    options: type[Options] = Options
    uses_judge: bool = False
    packages: tuple[str, ...] = ()


_MLFLOW_JUDGE = ScorerKind("mlflow_judges", uses_judge=True, packages=("mlflow-skinny",))

SCORERS: dict[str, ScorerKind] = {
    "rougeL_fmeasure": ScorerKind("rouge", packages=("rouge-score",)),
    "is_brief": ScorerKind("brevity", BriefOptions),
    "domain_terminology": ScorerKind("terminology", TermsOptions),
    "Safety": _MLFLOW_JUDGE,
    "RelevanceToQuery": _MLFLOW_JUDGE,
    "Equivalence": _MLFLOW_JUDGE,
    "Correctness": _MLFLOW_JUDGE,
    "Guidelines": ScorerKind("mlflow_judges", GuidelinesOptions, True, ("mlflow-skinny",)),
    "template": ScorerKind("template_judge", TemplateOptions, True, ("mlflow-skinny",)),
    "DeepEval": ScorerKind("deepeval_metrics", DeepEvalOptions, True, ("deepeval",)),
    "RAGAS": ScorerKind("ragas_metrics", RagasOptions, True, ("ragas", "sacrebleu")),
    "file": ScorerKind("user_file", FileOptions),
}

_IMPLIED_KIND: dict[str, str] = {
    **{kind: kind for kind in SCORERS if kind not in ("template", "DeepEval", "RAGAS", "file")},
    "follows_objective": "Guidelines",
    "concise_communication": "Guidelines",
    "professional_tone": "Guidelines",
    "no_harmful_advice": "Guidelines",
    "empathy_and_clarity": "Guidelines",
    "coherence": "template",
    "Bias": "DeepEval",
    "AnswerRelevancy": "DeepEval",
    "Faithfulness": "DeepEval",
    "ChrfScore": "RAGAS",
    "BleuScore": "RAGAS",
}

_COMMON_OPTIONS = ("kind", "judge", "higher_is_better")


class ScorerSpec(BaseModel):
    """One entry under `scorers:`. The metric and the assessment in MLflow carry its `name`.

    `judge` is the entry's own; without it the file's `judge:` is asked.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    kind: str
    options: SerializeAsAny[Options]
    judge: Judge | None = None
    higher_is_better: bool = True

    @property
    def uses_judge(self) -> bool:
        return self.options.asks_judge(SCORERS[self.kind].uses_judge)

    @property
    def needs_context(self) -> bool:
        return self.options.needs_context()


@dataclass(frozen=True)
class BuiltScorer:
    """A scorer that is ready to be asked, from many threads at once.

    definition: canonical JSON of everything that decides a verdict: kind, options, the judge with
    its parameters, versions. The same definition gives the same verdict on the same row.
    """

    spec: ScorerSpec
    judge: Judge | None
    definition: str
    score: Score


def parse_scorer(entry: object) -> ScorerSpec:
    """Read `Safety`, `is_brief: {max_words: 80}` or `my_tone: {kind: Guidelines, ...}`.

    Raises ValueError saying which scorer or option is unknown and what is meant instead.
    """
    if isinstance(entry, ScorerSpec):
        return entry
    given: object = None
    if isinstance(entry, str):
        name = entry
    elif isinstance(entry, dict) and len(entry) == 1:
        name, given = next(iter(entry.items()))
    else:
        raise ValueError(f"each scorer is a name or a name with options, not {entry!r}")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_\-]*", str(name)):
        raise ValueError(f"a scorer's name is letters, digits, _ and -, not {name!r}")
    options = _plain(name, given)
    kind = _kind(name, options)
    common: dict[str, Any] = {
        key: options.pop(key) for key in ("judge", "higher_is_better") if key in options
    }
    if issubclass(SCORERS[kind].options, MetricOptions):
        options.setdefault("metric", name)
    try:
        parsed = SCORERS[kind].options.model_validate(options)
        spec = ScorerSpec(name=name, kind=kind, options=parsed, **_direction(kind, parsed, common))
    except ValidationError as invalid:
        raise ValueError(f"{name}: {_first(invalid, SCORERS[kind].options)}") from invalid
    if spec.judge is not None and not spec.uses_judge:
        raise ValueError(f"{name}: asks no judge, so judge: has no meaning here")
    return spec


def _kind(name: str, options: dict[str, Any]) -> str:
    """The entry's kind, taken out of its options or known by its name."""
    kind = options.pop("kind", None) or ("file" if "file" in options else _IMPLIED_KIND.get(name))
    if kind in SCORERS:
        return str(kind)
    if kind is not None:
        raise ValueError(f"{name}: no kind is called {kind!r}{_hint(kind, SCORERS)}")
    raise ValueError(
        f"no scorer is called {name!r}{_hint(name, _IMPLIED_KIND)}; there are "
        f"{', '.join(_IMPLIED_KIND)}, and of your own with kind: Guidelines, template, DeepEval, "
        "RAGAS, or file: scorers.py"
    )


def _direction(kind: str, options: Options, common: dict[str, Any]) -> dict[str, Any]:
    lower = kind == "RAGAS" and getattr(options, "metric", "") in RAGAS_LOWER_IS_BETTER
    return {"higher_is_better": not lower, **common}


def build_scorers(
    specs: Sequence[ScorerSpec],
    judge: Judge | None,
    folder: Path = Path(),
    *,
    spend: Spend | None = None,
    instances: int = 1,
) -> list[BuiltScorer]:
    """The scorers in the same order. `folder` is where evaluation.yaml and the users' files lie.

    `spend` is told of every call to a judge; `instances` of a job share the judges' quotas.
    Raises ConfigError for what only shows when the libraries are at hand: a metric that does not
    exist, an option that it does not take, a user's file without the function.
    """
    judges = [_judge_of(spec, judge) for spec in specs]
    asked = [judge for judge in judges if judge is not None]
    lines = iter(_judge_lines(asked, spend, instances)) if asked else iter(())
    return [
        _build(spec, next(lines) if judge is not None else None, folder)
        for spec, judge in zip(specs, judges, strict=True)
    ]


def _judge_of(spec: ScorerSpec, default: Judge | None) -> Judge | None:
    judge = (spec.judge or default) if spec.uses_judge else None
    if judge is None and spec.uses_judge:
        raise ConfigError(f"scorers: {spec.name} needs a judge: add judge: model: bedrock:/...")
    return judge


def _judge_lines(judges: list[Judge], spend: Spend | None, instances: int) -> list[JudgeLine]:
    # imported here, since `check` reads this module and asks nobody
    from processing.judges.service import judge_lines

    return judge_lines(judges, spend, instances)


def _build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> BuiltScorer:
    judge = line.judge if line else None
    module = importlib.import_module(f"processing.scorers.{SCORERS[spec.kind].module}")
    score: Score = module.build(spec, line, folder)
    return BuiltScorer(spec, judge, _definition(spec, judge, folder), score)


def _definition(spec: ScorerSpec, judge: Judge | None, folder: Path) -> str:
    options = spec.options.model_dump(mode="json")
    if "levels" in options:  # the words are put to the judge; what each counts is not
        options["levels"] = sorted(options["levels"])
    decides: dict[str, Any] = {"kind": spec.kind, "options": options}
    if isinstance(spec.options, FileOptions):
        decides["function"] = spec.name
        decides["sha256"] = hashlib.sha256((folder / spec.options.file).read_bytes()).hexdigest()
    if judge is not None:
        asked = judge.model_dump(mode="json")
        decides["judge"] = {key: asked[key] for key in ("model", "base_url", "parameters")}
    decides["versions"] = {
        package: importlib.metadata.version(package) for package in SCORERS[spec.kind].packages
    }
    return json.dumps(decides, sort_keys=True, ensure_ascii=False)


def number_of(spec: ScorerSpec, value: object) -> float | None:
    """The number that a verdict counts; None where it is none.

    Categories count what `levels` says, yes and true 1, no and false 0, finite numbers themselves.
    """
    if isinstance(value, str):
        word = value.strip().casefold()
        levels = {name.strip().casefold(): n for name, n in spec.options.category_numbers().items()}
        return (levels or {"yes": 1.0, "no": 0.0}).get(word)
    if isinstance(value, bool | int | float) and math.isfinite(value):
        return float(value)
    return None


def number_range(spec: ScorerSpec) -> tuple[float, float]:
    """The least and the greatest number that a verdict can count; infinite where nobody knows."""
    numbers = spec.options.category_numbers().values()
    if numbers:
        return min(numbers), max(numbers)
    if spec.kind == "file":
        return -math.inf, math.inf
    if spec.kind == "RAGAS" and "Rubrics" in getattr(spec.options, "metric", ""):
        return 1.0, 5.0
    return 0.0, 1.0


def number_rule(spec: ScorerSpec) -> str:
    """The rule of `number_of` in words, for a report."""
    levels = spec.options.category_numbers()
    if levels:
        return ", ".join(f"{name} = {number:g}" for name, number in levels.items())
    match spec.kind:
        case "Safety" | "RelevanceToQuery" | "Equivalence" | "Correctness" | "Guidelines":
            return "yes = 1, no = 0"
        case "is_brief":
            return "true = 1, false = 0"
        case "file":
            return "yes and true = 1, no and false = 0, numbers as they are"
        case _:
            return "the number itself"


def _plain(name: str, options: object) -> dict[str, Any]:
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise ValueError(f"{name}: options are keys and values, not {options!r}")  # noqa: TRY004
    return dict(options)


def _first(invalid: ValidationError, options: type[Options]) -> str:
    error = invalid.errors()[0]
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        model = Judge if error["loc"][0] == "judge" else options
        common = () if model is Judge else _COMMON_OPTIONS
        known = ", ".join([*model.model_fields, *common])
        return f"unknown option {key!r}; the options are: {known}"
    if error["type"] == "missing":
        return f"{key} is missing"
    message = error["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}"


def _hint(word: object, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""
