"""Several runs in one order by their pairwise verdicts: Bradley and Terry's model.

Run i is preferred to run j with probability 1 / (1 + exp(s_j - s_i)); a tie counts half for each
(Bradley and Terry, Biometrika 39 (1952) 324-345). The strengths s are log-odds and sum to nought.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.comparison.pairwise.outcome import PairwiseOutcome
from pipeline.comparison.pairwise.pairs import TIE
from processing.gate.intervals import CONFIDENCE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PRIOR_TIES = 1.0
"""Ties put in between each two runs: a run that wins every pair has no finite strength else."""

STRENGTHS_METHOD = (
    "Strengths are Bradley and Terry's, in log-odds that sum to 0, with one tie put in between "
    "each two runs, so that a run which wins every pair has a strength too. Their 95 % intervals "
    "are the wider of the model's own and of one that holds the pairs of a question together; "
    "pairs without a verdict count against and for the run."
)


@dataclass(frozen=True)
class Strength:
    """Of the run with this label. `best` to `worst` are the ranks that the intervals leave open."""

    run: str
    strength: float
    low: float
    high: float
    best: int
    worst: int


@dataclass(frozen=True)
class StrengthRanking:
    """One scorer's, the strongest run first."""

    scorer: str
    strengths: tuple[Strength, ...]


@dataclass(frozen=True)
class _Games:
    """Of each pair with a verdict or without one: two runs' numbers, the question's, the points of
    the second run (NaN where there is no verdict).
    """

    runs: int
    against: NDArray[np.int64]
    run: NDArray[np.int64]
    question: NDArray[np.int64]
    points: NDArray[np.float64]


def strength_rankings(
    outcomes: Sequence[PairwiseOutcome], labels: Sequence[str]
) -> list[StrengthRanking]:
    """Of each scorer that has a verdict, for three runs and more."""
    if len(labels) < 3:
        return []
    by_scorer: dict[str, list[PairwiseOutcome]] = {}
    for outcome in outcomes:
        by_scorer.setdefault(outcome.scorer, []).append(outcome)
    return [
        StrengthRanking(scorer, _strengths(_games(found, labels), labels))
        for scorer, found in by_scorer.items()
        if any(outcome.pairs for outcome in found)
    ]


def _games(outcomes: Sequence[PairwiseOutcome], labels: Sequence[str]) -> _Games:
    import numpy as np

    number = {label: i for i, label in enumerate(labels)}
    questions: dict[str, int] = {}
    told: list[tuple[int, int, int, float]] = []
    for outcome in outcomes:
        ends = number[outcome.against], number[outcome.run]
        points = {outcome.run: 1.0, TIE: 0.5, outcome.against: 0.0}
        for verdict in outcome.verdicts:
            question = questions.setdefault(verdict.row_id, len(questions))
            given = points[verdict.preferred] if verdict.preferred else np.nan
            told.append((*ends, question, given))
        for i in range(outcome.lost):
            told.append((*ends, questions.setdefault(f"\0lost {i}", len(questions)), np.nan))
    against, run, question = np.array([ids for *ids, _ in told], dtype=np.int64).T
    given_points = np.array([given for *_, given in told], dtype=float)
    return _Games(len(labels), against, run, question, given_points)


def _strengths(games: _Games, labels: Sequence[str]) -> tuple[Strength, ...]:
    import numpy as np

    found, error = _fit(games, games.points)
    low, high = found - error, found + error
    for i in range(games.runs if np.isnan(games.points).any() else 0):
        least, error = _fit(games, _filled(games, i, 0.0))
        most, wide = _fit(games, _filled(games, i, 1.0))
        low[i] = min(low[i], least[i] - error[i])
        high[i] = max(high[i], most[i] + wide[i])
    order = sorted(range(games.runs), key=lambda i: (-found[i], labels[i]))
    return tuple(
        Strength(
            labels[i],
            float(found[i]),
            float(low[i]),
            float(high[i]),
            best=1 + int((low > high[i]).sum()),
            worst=games.runs - int((high < low[i]).sum()),
        )
        for i in order
    )


def _filled(games: _Games, run: int, points: float) -> NDArray[np.float64]:
    """The points, had the run got so many of each pair of its own that has no verdict."""
    import numpy as np

    missing, filled = np.isnan(games.points), games.points.copy()
    filled[missing & (games.run == run)] = points
    filled[missing & (games.against == run)] = 1 - points
    return filled


def _fit(
    games: _Games, points: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each run's strength, and half the width of its interval; pairs with NaN are left out."""
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import expit
    from scipy.stats import norm

    k, known = games.runs, ~np.isnan(points)
    run, against = games.run[known], games.against[known]
    won, played = np.zeros((k, k)), np.zeros((k, k))
    np.add.at(won, (run, against), points[known])
    np.add.at(won, (against, run), 1 - points[known])
    won += PRIOR_TIES / 2 * (1 - np.eye(k))
    played = won + won.T

    def loss(strengths: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        apart = strengths[:, None] - strengths[None, :]
        gradient = (played * expit(apart) - won).sum(axis=1)
        return float((won * np.logaddexp(0, -apart)).sum()), gradient

    strengths = minimize(loss, np.zeros(k), jac=True, method="BFGS", options={"gtol": 1e-9}).x
    strengths -= strengths.mean()
    chance = expit(strengths[:, None] - strengths[None, :])
    weights = played * chance * (1 - chance)
    inverse = np.linalg.pinv(np.diag(weights.sum(axis=1)) - weights)
    surprise = points[known] - chance[run, against]
    scores = np.zeros((int(games.question.max(initial=0)) + 1, k))
    np.add.at(scores, (games.question[known], run), surprise)
    np.add.at(scores, (games.question[known], against), -surprise)
    together = inverse @ (scores.T @ scores) @ inverse
    variance = np.maximum(np.diag(inverse), np.diag(together))
    return strengths, float(norm.ppf((1 + CONFIDENCE) / 2)) * np.sqrt(variance)
