"""Every scorer that a configuration can name, its options, and where it is built.

Importing this module is cheap: a scorer's own libraries are imported when it is built.
"""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

if TYPE_CHECKING:
    from mlflow.genai.scorers import Scorer

    from processing.config import Judge


class Options(BaseModel):
    """A scorer's own settings. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BriefOptions(Options):
    max_words: int = Field(default=80, ge=1)


@dataclass(frozen=True)
class ScorerKind:
    """One kind of scorer. `module` has `build(spec, judge) -> mlflow Scorer`."""

    module: str
    options: type[Options] = Options
    uses_judge: bool = False
    needs_context: bool = False


SCORERS: dict[str, ScorerKind] = {
    "rougeL_fmeasure": ScorerKind("rouge"),
    "is_brief": ScorerKind("brevity", BriefOptions),
    "ChrfScore": ScorerKind("ragas_overlap"),
    "BleuScore": ScorerKind("ragas_overlap"),
    "Safety": ScorerKind("mlflow_judges", uses_judge=True),
    "RelevanceToQuery": ScorerKind("mlflow_judges", uses_judge=True),
    "Equivalence": ScorerKind("mlflow_judges", uses_judge=True),
    "Correctness": ScorerKind("mlflow_judges", uses_judge=True),
}


class ScorerSpec(BaseModel):
    """One entry under `scorers:`. The metric and the assessment in MLflow carry its `name`."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: str
    options: Options


def parse_scorer(entry: object) -> ScorerSpec:
    """Read `Safety` or `is_brief: {max_words: 80}`.

    Raises ValueError saying which scorer or option is unknown and what is meant instead.
    """
    if isinstance(entry, ScorerSpec):
        return entry
    options: object = None
    if isinstance(entry, str):
        name = entry
    elif isinstance(entry, dict) and len(entry) == 1:
        name, options = next(iter(entry.items()))
    else:
        raise ValueError(f"each scorer is a name or a name with options, not {entry!r}")
    kind = SCORERS.get(name)
    if kind is None:
        close = difflib.get_close_matches(str(name), SCORERS, n=1)
        hint = f", did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"no scorer is called {name!r}{hint}; there are {', '.join(SCORERS)}")
    try:
        return ScorerSpec(
            name=name, kind=name, options=kind.options.model_validate(_plain(options))
        )
    except ValidationError as invalid:
        raise ValueError(f"{name}: {_first(invalid, kind.options)}") from invalid


def build_scorers(specs: list[ScorerSpec], judge: Judge | None) -> list[Scorer]:
    """The MLflow scorers, each named as in the configuration, in the same order."""
    return [_module(spec.kind).build(spec, judge) for spec in specs]


def _module(kind: str) -> Any:
    return importlib.import_module(f"processing.scorers.{SCORERS[kind].module}")


def _plain(options: object) -> dict[str, Any]:
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise ValueError(f"options are keys and values, not {options!r}")  # noqa: TRY004
    return dict(options)


def _first(invalid: ValidationError, options: type[Options]) -> str:
    error = invalid.errors()[0]
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = ", ".join(options.model_fields) or "none"
        return f"unknown option {key!r}; the options are: {known}"
    return f"{key}: {error['msg'].lower()}"
