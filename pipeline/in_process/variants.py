"""The variants of a file, evaluated in this process one after the other, and then compared.

What one has paid for the next one does not pay for again: they share the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.comparison.compare import Comparison
from pipeline.comparison.findings import Absent
from pipeline.comparison.variants import ComparedVariants, compare_variants, require_metric
from pipeline.definition.variants import Variant, chosen, read_variants
from pipeline.in_process.evaluate import evaluate, new_folder
from pipeline.in_process.result import EvaluationResult
from processing.base.aws_errors import explain
from processing.base.errors import ReportedError
from processing.base.secrets import masked
from processing.base.visible_text import visible_lines
from processing.config.variation import Variation, shown

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Outcome:
    """Of one variant: what came of it, or `why` nothing did."""

    variant: Variant
    result: EvaluationResult | None
    why: str = ""


@dataclass(frozen=True)
class VariantsResult:
    """`results` and `broken` (why there is no verdict) by the variants' names.

    `comparison` is None where fewer than two have a verdict. `folder` holds a folder for each.
    """

    folder: Path
    results: Mapping[str, EvaluationResult]
    broken: Mapping[str, str]
    comparison: Comparison | None

    @property
    def ranking(self) -> DataFrame | None:
        """A row for each variant with a verdict, the best first."""
        return self.comparison.ranking if self.comparison else None

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        import html

        broken = "".join(
            f"<li><b>{html.escape(name)} has no verdict</b>: {html.escape(why)}</li>"
            for name, why in self.broken.items()
        )
        shown_comparison = self.comparison._repr_html_() if self.comparison else ""
        return f"<ul>{broken}</ul>{shown_comparison}"


def evaluate_variants(
    config: str | Path = "evaluation.yaml",
    *,
    variants: Sequence[str] | Mapping[str, Variation] = (),
    rows: int = 10,
    vary: Mapping[str, Any] | None = None,
    mlflow: bool = True,
    folder: str | Path | None = None,
    rank_by: str | None = None,
) -> VariantsResult:
    """Evaluate the file's variants one after the other in this process, compare and rank them.

    `variants`: names of the file's section, by default all; or a mapping like that section.
    `rank_by`: a scorer or measurement (default: the first that has a threshold). `vary`: key path
    -> value, below what each variant overrides. The others are as `evaluate` has them.

    A variant that breaks does not stop the others: `broken` says why. Raises ConfigError for a
    mistake in a variant, and ComparisonError for `rank_by`, before anything is asked.
    """
    path = Path(config)
    found = ready_variants(path, variants, vary or {}, rank_by)
    place = new_folder("-variants") if folder is None else Path(folder)
    outcomes = list(evaluate_each(path, found, rows, place, vary or {}, mlflow=mlflow))
    compared = compare_outcomes(path, outcomes, rank_by)
    return VariantsResult(
        folder=place,
        results={each.variant.name: each.result for each in outcomes if each.result},
        broken={absent.name: absent.why for absent in compared.absent},
        comparison=compared.comparison,
    )


def ready_variants(
    path: Path,
    variants: Sequence[str] | Mapping[str, Variation],
    vary: Variation,
    rank_by: str | None,
) -> list[Variant]:
    """Those to evaluate, checked. Raises ConfigError; ComparisonError for `rank_by`."""
    if isinstance(variants, Mapping):
        found = chosen(read_variants(path, base=vary, given=variants), [], path)
    else:
        names = [variants] if isinstance(variants, str) else variants
        found = chosen(read_variants(path, base=vary), names, path)
    require_metric(rank_by, found[0].config)
    return found


def evaluate_each(
    path: Path,
    variants: Sequence[Variant],
    rows: int,
    folder: Path,
    vary: Variation,
    *,
    mlflow: bool,
) -> Iterator[Outcome]:
    """One after the other, each in a folder of its name below `folder`."""
    for number, variant in enumerate(variants, 1):
        overrides = ", ".join(f"{key}={value}" for key, value in shown(variant.overrides).items())
        said = " ".join(overrides.split()) or "the file as it stands"
        print(f"\nvariant {variant.name} ({number} of {len(variants)}): {masked(said)[:200]}",
              flush=True)  # fmt: skip
        try:
            result = evaluate(
                path,
                rows=rows,
                vary={**vary, **variant.overrides},
                mlflow=mlflow,
                folder=folder / variant.name,
                variant=variant.name,
            )
        except Exception as error:  # noqa: BLE001 whatever it is, the others are evaluated
            yield Outcome(variant, None, _why(error, path))
        else:
            yield Outcome(variant, result)


def compare_outcomes(
    path: Path, outcomes: Sequence[Outcome], rank_by: str | None
) -> ComparedVariants:
    """Those that have a result, in their order."""
    places = {each.variant.name: str(each.result.folder) for each in outcomes if each.result}
    absent = [Absent(each.variant.name, each.why) for each in outcomes if each.result is None]
    return compare_variants(places, path, rank_by=rank_by, absent=absent)


def _why(error: Exception, path: Path) -> str:
    said = str(error) if isinstance(error, ReportedError) else explain(error, "caller", str(path))
    return masked(visible_lines(said or f"{type(error).__name__}: {error}"))
