"""The options of each kind of scorer, as they stand under its name in evaluation.yaml."""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from processing.base.clean_text import has_text
from processing.config import scorer_frameworks as frameworks


def _with_text(text: str) -> str:
    if not has_text(text):
        raise ValueError("has no text")
    return text


Text = Annotated[str, AfterValidator(_with_text)]

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
TEMPLATE_VARIABLES = ("inputs", "outputs", "expectations")


class Options(BaseModel):
    """A scorer's own settings. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def asks_judge(self, kind_asks: bool) -> bool:
        return kind_asks

    def needs_context(self) -> bool:
        """Whether it judges by what was retrieved, or without that by the dataset's context."""
        return False

    def needs_gold(self) -> bool:
        """Whether it judges by the dataset's context, whatever was retrieved."""
        return False

    def needs_conversation(self) -> bool:
        """Whether it judges more than one answer: all that was said before it, too."""
        return False

    def needs_guidelines(self) -> bool:
        """Whether it judges by guidelines of the row's own."""
        return False

    def needs_tool_calls(self) -> bool:
        """Whether it judges the tools that the model wants called."""
        return False

    def category_numbers(self) -> dict[str, float]:
        """What a verdict in words counts; {} if the scorer gives no categories."""
        return {}

    def number_range(self) -> tuple[float, float]:
        """The least and the greatest number that a verdict without categories can count."""
        return 0.0, 1.0

    def higher_is_better(self) -> bool:
        return True

    def may_not_apply(self) -> bool:
        """Whether the dataset alone can leave a row with nothing to score, which counts nowhere."""
        return False


class BriefOptions(Options):
    max_words: int = Field(default=80, ge=1)


def is_symbol(sign: str) -> bool:
    """Whether a term can consist of it, or differ from another by it: €, % and §, no full stop."""
    return sign in "%‰§&@#" or unicodedata.category(sign).startswith("S")


def _can_be_found(term: str) -> str:
    if not any(sign.isalnum() or is_symbol(sign) for sign in term):
        raise ValueError(f"{term!r} has no letter, digit or symbol that could be looked for")
    return term


class TermsOptions(Options):
    """`without_terms` is the score of a row whose expected answer uses none of the terms.

    Without it, the scorer does not apply to such a row.
    """

    terms: list[Annotated[Text, AfterValidator(_can_be_found)]] = Field(min_length=1)
    without_terms: float | None = Field(default=None, ge=0, le=1)

    def may_not_apply(self) -> bool:
        return self.without_terms is None


LARGEST = 1e50
"""No verdict counts more, either way: with larger numbers means and deviations overflow."""


def _are_numbers(levels: dict[str, float]) -> dict[str, float]:
    if not all(map(has_text, levels)):
        raise ValueError("a level has no text")
    if len({level.strip().casefold() for level in levels}) < len(levels):
        raise ValueError("two levels are the same word")
    if not all(abs(number) <= LARGEST for number in levels.values()):  # NaN is not
        raise ValueError("each level is a finite number")
    return levels


Levels = Annotated[dict[str, float], AfterValidator(_are_numbers)]
"""The verdicts that are possible, in words, and the number of each."""


class TemplateOptions(Options):
    """`template` is the judge's instruction; `levels` are its possible verdicts and numbers."""

    template: Text
    levels: Levels = Field(min_length=2)

    @field_validator("template")
    @classmethod
    def _uses_known_variables(cls, template: str) -> str:
        used = set(_VARIABLE.findall(template))
        unknown = sorted(used - set(TEMPLATE_VARIABLES))
        known = ", ".join(f"{{{{ {name} }}}}" for name in TEMPLATE_VARIABLES)
        if unknown:
            raise ValueError(f"{{{{ {unknown[0]} }}}} is not known; there are {known}")
        if not used:
            raise ValueError(f"uses none of {known}, so that every row would look the same")
        return template

    def variables(self) -> set[str]:
        """Of TEMPLATE_VARIABLES those that the template uses."""
        return set(_VARIABLE.findall(self.template))

    def category_numbers(self) -> dict[str, float]:
        return self.levels


def _asks(value: object) -> bool:
    """Whether an option says something: a list of steps may not be empty, nor may any step be."""
    if isinstance(value, str):
        return has_text(value)
    if isinstance(value, dict):
        value = list(value.values())
    return bool(value) and all(map(_asks, value)) if isinstance(value, list) else True


class MetricOptions(Options):
    """A framework's metric. Everything else goes to the metric's constructor as it stands."""

    model_config = ConfigDict(extra="allow", frozen=True)

    metric: str = ""

    @model_validator(mode="after")
    def _ask_for_something(self) -> Self:
        for name, value in self.arguments.items():
            if not _asks(value):
                raise ValueError(f"{name}: {value!r} has no text to look for")
        return self

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class DeepEvalOptions(MetricOptions):
    def needs_conversation(self) -> bool:
        return self.metric in frameworks.DEEPEVAL_OF_CONVERSATIONS

    def asks_judge(self, kind_asks: bool) -> bool:
        return kind_asks and self.metric not in ("ExactMatch", "PatternMatch")

    def needs_context(self) -> bool:
        return frameworks.deepeval_needs_context(self.metric) or self._puts("retrieval_context")

    def needs_gold(self) -> bool:
        return self.metric in frameworks.DEEPEVAL_GOLD or self._puts("context")

    def _puts(self, field: str) -> bool:
        """Whether GEval's judge is told it."""
        return field in (self.arguments.get("evaluation_params") or ())


RUBRIC = re.compile(r"score(\d+)_description")
"""A key of RAGAS's `rubrics`: what deserves that score."""


class RagasOptions(MetricOptions):
    @model_validator(mode="after")
    def _quotes_have_words(self) -> Self:
        least = self.arguments.get("min_span_words", 1)
        if not isinstance(least, int) or least < 1:
            raise ValueError(
                "min_span_words is a whole number of 1 or more: "
                "quotes of no words stand in every text"
            )
        return self

    @model_validator(mode="after")
    def _rubrics_name_their_scores(self) -> Self:
        rubrics = self.arguments.get("rubrics") if "Rubrics" in self.metric else None
        if rubrics is None:
            return self
        if not isinstance(rubrics, dict) or len(rubrics) < 2:
            raise ValueError("rubrics is a mapping of two or more scores to what deserves them")
        odd = [key for key in rubrics if not RUBRIC.fullmatch(str(key))]
        if odd:
            raise ValueError(f"rubrics: {odd[0]!r} is no score; write score1_description and so on")
        return self

    def asks_judge(self, kind_asks: bool) -> bool:
        return kind_asks and self.metric not in frameworks.RAGAS_WITHOUT_JUDGE

    def needs_context(self) -> bool:
        return frameworks.ragas_needs_context(self.metric)

    def needs_gold(self) -> bool:
        return self.metric in frameworks.RAGAS_GOLD

    def number_range(self) -> tuple[float, float]:
        scores = self.rubric_scores()
        return (scores[0], scores[-1]) if scores else (0.0, 1.0)

    def rubric_scores(self) -> list[int]:
        """The scores that a rubric can give, ascending; [] for a metric without rubrics."""
        if "Rubrics" not in self.metric:
            return []
        rubrics = self.arguments.get("rubrics") or {}
        given = (RUBRIC.fullmatch(key) for key in rubrics)
        return sorted(int(score[1]) for score in given if score) or [1, 2, 3, 4, 5]

    def higher_is_better(self) -> bool:
        return self.metric not in frameworks.RAGAS_LOWER_IS_BETTER


_BESIDE = re.compile(r"\w[\w.\-]*(/\w[\w.\-]*)*", re.ASCII)


def _goes_along(name: str) -> str:
    if not _BESIDE.fullmatch(name) or name == "evaluation.yaml":
        raise ValueError(
            f"{name!r} is no file beside the configuration: give each as it lies there, such as "
            "terms.json or data/terms.json (letters, digits, _, - and .)"
        )
    module = name.removesuffix(".py").partition("/")[0]
    if name.endswith(".py") and module in {*sys.stdlib_module_names, "processing", "mlflow"}:
        raise ValueError(f"{name!r}: {module} is a module that Python or the job has; rename it")
    return name


class FileOptions(Options):
    """A Python file beside evaluation.yaml with an MLflow `@scorer` of the entry's name.

    `files` are all that it reads or imports beside itself: they go along to the jobs.
    `range` or `levels` is its scale: a verdict outside is an error. Without either any finite
    number is a verdict. With `not_applicable` the function may say "not applicable" to a row in
    which there is nothing to look for, by its question and expected answer alone.
    """

    file: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_\-]*\.py$")
    files: tuple[Annotated[str, AfterValidator(_goes_along)], ...] = ()
    levels: Levels = {}
    range: tuple[float, float] | None = None
    not_applicable: bool = False

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        if self.range is None:
            return self
        if self.levels:
            raise ValueError("levels are a scale already, so range: has no meaning here")
        low, high = self.range
        if not -LARGEST <= low < high <= LARGEST:
            raise ValueError("range is [least, greatest], two finite numbers")
        return self

    def category_numbers(self) -> dict[str, float]:
        return self.levels

    def number_range(self) -> tuple[float, float]:
        return self.range or (-math.inf, math.inf)

    def may_not_apply(self) -> bool:
        return self.not_applicable
