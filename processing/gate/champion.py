"""Against the champion: the latest approved model package, compared row by row.

The rows that both models have are paired by row id (which is made of the row's content). A champion
that cannot be read closes the gate, and so does one that was judged by another judge or by other
rules, unless today's judge is asked about its answers, too (`champion.rejudge`). That there is no
champion yet is said, and does not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from processing.config.scorer_options import LARGEST
from processing.dataset.judged_answer import JudgedAnswer
from processing.gate.champion_run import (
    ChampionError,
    ChampionRun,
    Package,
    champion_run,
    find_champion,
)
from processing.gate.non_inferiority import Comparison, RowScores, compare, finite_number, paired
from processing.gate.scorer_record import ScorerRecord, how_they_differ, scorer_record
from processing.gate.worst_case import UNIT, Scale

if TYPE_CHECKING:
    from processing.config.gate import Champion

State = Literal["no champion yet", "compared", "judged otherwise", "unreadable"]


@dataclass(frozen=True)
class Rejudged:
    """Today's verdicts on the champion's answers, None where there is none; and what they took."""

    scores: RowScores
    words: str


Rejudge = Callable[[Sequence[str], Mapping[str, JudgedAnswer]], Rejudged]
"""scorers, row id -> the champion's answer -> what today's judges say of these."""


@dataclass(frozen=True)
class ChampionVerdict:
    """`error` says why there is no comparison although there is a champion; `refusals` why of
    single metrics. `rejudged`: whose verdicts on the champion's answers were taken, and their cost.
    """

    group: str
    package_arn: str | None = None
    run_id: str | None = None
    comparisons: tuple[Comparison, ...] = ()
    error: str = ""
    refusals: tuple[str, ...] = ()
    rejudged: str = ""

    @property
    def state(self) -> State:
        if self.error:
            return "unreadable"
        if self.refusals:
            return "judged otherwise"
        return "compared" if self.package_arn else "no champion yet"

    @property
    def reasons(self) -> tuple[str, ...]:
        found = tuple(c.reason for c in self.comparisons if c.reason)
        return (*([self.error] if self.error else []), *self.refusals, *found)

    @property
    def warnings(self) -> tuple[str, ...]:
        if self.state != "no champion yet":
            return ()
        return (f"no champion yet: {self.group} has no approved model package to compare with",)


def judge_champion(
    sagemaker: Any,
    group: str,
    section: Champion,
    *,
    rows: Mapping[str, object],
    scores: RowScores,
    scales: Mapping[str, Scale],
    min_rows: int,
    scorers: Mapping[str, ScorerRecord],
    rejudge: Rejudge,
    not_applicable: Mapping[str, Collection[str]] = MappingProxyType({}),
    clusters: Mapping[str, str] | None = None,
) -> ChampionVerdict:
    """Find the champion, read its rows from the MLflow server in use, and compare.

    `rows`: every row of the dataset by row id, answered or not; `scores`: the answered ones.
    `scorers`: what they were judged by. `rejudge` is called if the section says so, and only for
    metrics of which the champion was judged otherwise.
    `not_applicable`: row id -> the scorers that have nothing to look for in it; `clusters`: what it
    belongs to.
    Never raises for a champion that cannot be read: the verdict says so and is not passed.
    """
    package = None
    try:
        package = find_champion(sagemaker, group)
        if package is None:
            return ChampionVerdict(group)
        run = champion_run(package)
        differing = _judged_otherwise(package, run, section.metrics, scorers)
        theirs, rejudged = run.scores, None
        if differing and section.rejudge:
            answers = {row_id: run.answers[row_id] for row_id in rows if row_id in run.answers}
            rejudged = rejudge(list(differing), answers)
            theirs, differing = _replaced(theirs, rejudged.scores, differing), {}
        compared = {name: m for name, m in section.metrics.items() if name not in differing}
        _require_scales(package, theirs, rows, {name: scales.get(name, UNIT) for name in compared})
    except ChampionError as error:
        arn, run_id = (package.arn, package.run_id) if package else (None, None)
        return ChampionVerdict(group, arn, run_id, error=str(error))
    comparisons = tuple(
        compare(
            name,
            margin,
            paired(
                name,
                [row_id for row_id in rows if name not in not_applicable.get(row_id, ())],
                scores,
                theirs,
                scales.get(name, UNIT),
                clusters=clusters,
            ),
            min_rows,
            section.min_overlap,
        )
        for name, margin in compared.items()
    )
    return ChampionVerdict(
        group,
        package.arn,
        package.run_id,
        comparisons,
        refusals=tuple(f"{name} {why}; {_MEND}" for name, why in differing.items()),
        rejudged=rejudged.words if rejudged else "",
    )


_MEND = (
    "champion.rejudge: true asks today's judge about the champion's kept answers, or evaluate the "
    "champion again by today's file and approve what that registers"
)


def _judged_otherwise(
    package: Package,
    run: ChampionRun,
    metrics: Collection[str],
    scorers: Mapping[str, ScorerRecord],
) -> dict[str, str]:
    """Of each metric whose verdicts on the champion are not by today's judge and rules: why.

    Raises ChampionError for an evaluation.json that is none.
    """
    try:
        held = {name: scorer_record(run.document, name) for name in metrics}
    except (KeyError, TypeError, AttributeError) as error:
        raise ChampionError(
            f"the evaluation.json of the champion {package.arn} in MLflow run {package.run_id} is "
            f"not what this pipeline writes: {type(error).__name__}: {str(error)[:200]}"
        ) from error
    found = {}
    for name, theirs in held.items():
        if theirs is not None:
            why = how_they_differ(scorers[name], theirs)
        elif run.document.get("scorers"):
            why = "the champion's evaluation has no such scorer"
        else:
            why = "the champion's evaluation.json does not say who judged it"
        if why:
            found[name] = f"cannot be compared: {why}"
    return found


def _replaced(scores: RowScores, rejudged: RowScores, names: Collection[str]) -> RowScores:
    """A row that was not judged again has no number: its old one is another judge's."""
    kept = {
        row_id: {name: number for name, number in row.items() if name not in names}
        for row_id, row in scores.items()
    }
    return {
        row_id: {**kept.get(row_id, {}), **rejudged.get(row_id, {})}
        for row_id in {**kept, **rejudged}
    }


def _require_scales(
    package: Package, theirs: RowScores, rows: Mapping[str, object], scales: Mapping[str, Scale]
) -> None:
    """Raises ChampionError for a number outside its scale: it was scored by other rules."""
    largest = Scale(-LARGEST, LARGEST)
    for row_id in rows:
        for name, known in scales.items():
            scale = largest if known.assumed else known
            number = finite_number(theirs.get(row_id, {}).get(name))
            if number is not None and not scale.holds([number]):
                raise ChampionError(
                    f"the champion {package.arn} has {name} {number:g} on row {row_id}, outside "
                    f"its scale {scale.low:g} to {scale.high:g}: evaluate the champion anew"
                )
