"""The variants of one file, compared: those that have a verdict; of the others, why they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.comparison.compare import Comparison, findings_on
from pipeline.comparison.findings import Absent
from pipeline.comparison.pairwise.asking import pairwise_outcomes
from pipeline.comparison.ranking import require_rankable
from pipeline.comparison.run import LABELS, MEASUREMENTS, ComparedRun, ComparisonError
from pipeline.comparison.sources import find_runs
from processing.config.model import EvaluationConfig


@dataclass(frozen=True)
class ComparedVariants:
    """`comparison` is None where fewer than two have a verdict."""

    comparison: Comparison | None
    absent: tuple[Absent, ...]


def compare_variants(
    places: Mapping[str, str],
    config: Path,
    *,
    rank_by: str | None = None,
    absent: Sequence[Absent] = (),
) -> ComparedVariants:
    """`places`: variant -> what `compare` takes for it. One that cannot be read is absent, too.

    The file's pairwise scorers ask their judges, as `compare`'s do.
    """
    runs: list[ComparedRun] = []
    without = list(absent)
    for name, place in places.items():
        try:
            [run] = find_runs([place], config)
        except ComparisonError as error:
            without.append(Absent(name, str(error)))
        else:
            runs.append(replace(run, label=LABELS[len(runs)], name=name))
    comparison = None
    if len(runs) > 1:
        preferred = pairwise_outcomes(runs, config)
        comparison = Comparison(
            findings_on(runs, rank_by=rank_by, absent=without, pairwise=preferred)
        )
    return ComparedVariants(comparison, tuple(without))


def require_metric(metric: str | None, config: EvaluationConfig) -> None:
    """Before anything is paid for. Raises ComparisonError if rows will have no number of it."""
    require_rankable(metric, [*(scorer.name for scorer in config.scorers), *MEASUREMENTS])
