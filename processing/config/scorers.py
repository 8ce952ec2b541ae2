"""`scorers:`, which scores every answer gets: each entry read into what it asks for."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, SerializeAsAny, ValidationError

from processing.base.suggestion import did_you_mean
from processing.config.judge import Judge
from processing.config.scorer_kinds import IMPLIED_KIND, SCORERS
from processing.config.scorer_options import MetricOptions, Options

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

    def judge_or(self, default: Judge | None) -> Judge | None:
        """Its own judge, or the file's (`default`); None if it asks no judge, or there is none."""
        return (self.judge or default) if self.uses_judge else None

    @property
    def compares(self) -> bool:
        """Whether it is asked of two runs' answers, by `compare`, and of no evaluation."""
        return SCORERS[self.kind].compares

    @property
    def needs_context(self) -> bool:
        return self.options.needs_context() or self.options.needs_gold()


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
    if SCORERS[kind].compares and "higher_is_better" in common:
        raise ValueError(f"{name}: higher_is_better has no meaning for the better of two answers")
    try:
        parsed = SCORERS[kind].options.model_validate(options)
        common.setdefault("higher_is_better", parsed.higher_is_better())
        spec = ScorerSpec(name=name, kind=kind, options=parsed, **common)
    except ValidationError as invalid:
        raise ValueError(f"{name}: {_first(invalid, SCORERS[kind].options)}") from invalid
    if spec.judge is not None and not spec.uses_judge:
        raise ValueError(f"{name}: asks no judge, so judge: has no meaning here")
    return spec


def entry_of(spec: ScorerSpec, judge: Judge | None) -> dict[str, Any]:
    """The scorer as an entry that `parse_scorer` reads, its judge (by default `judge`) written out.

    For a kind whose entries need not say `higher_is_better`.
    """
    asked = spec.judge_or(judge)
    options = {"kind": spec.kind, **spec.options.model_dump(mode="json")}
    return {spec.name: options | ({"judge": asked.model_dump(mode="json")} if asked else {})}


def _kind(name: str, options: dict[str, Any]) -> str:
    """The entry's kind, taken out of its options or known by its name."""
    kind = options.pop("kind", None) or ("file" if "file" in options else IMPLIED_KIND.get(name))
    if kind in SCORERS:
        return str(kind)
    if kind is not None:
        raise ValueError(f"{name}: no kind is called {kind!r}{did_you_mean(kind, SCORERS)}")
    raise ValueError(
        f"no scorer is called {name!r}{did_you_mean(name, IMPLIED_KIND)}; there are "
        f"{', '.join(IMPLIED_KIND)}, and of your own with kind: Guidelines, template, DeepEval, "
        "RAGAS, pairwise, or file: scorers.py"
    )


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
    return f"{key}: {message[0].lower()}{message[1:]}" if key else message
