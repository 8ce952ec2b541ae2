"""How far a scorer's verdicts agree with people's labels: Cohen's kappa and what belongs to it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from processing.config.labels import Judges
from processing.gate.bounded_mean import score_interval

Z = 1.959963984540054
"""The normal distribution's quantile at 0.975."""

Confusion = tuple[tuple[int, ...], ...]
"""Counts: a row for each class of people's labels, a column for each of the judge's verdicts."""

MOST_TABLES = 5_000
"""Ways to fill in the verdicts that are missing; with more, kappa has no worst case."""


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa with its 95 % interval. `none` says why there is no value; else it is empty."""

    value: float | None
    low: float | None = None
    high: float | None = None
    none: str = ""


@dataclass(frozen=True)
class Rate:
    """`count` of `n`, with Wilson's 95 % interval; no value where n is 0."""

    count: int
    n: int

    @property
    def value(self) -> float | None:
        return self.count / self.n if self.n else None

    def words(self, of_these: str) -> str:
        return f", {of_these} {self.count} of {self.n}" if self.n else ""

    @property
    def interval(self) -> tuple[float, float] | None:
        return score_interval(self.count / self.n, self.n, Z) if self.n else None


@dataclass(frozen=True)
class Classes:
    """The classes that verdicts and labels are told apart by, the worst first.

    With `levels` each is one. Else there are two: `good` lies on the better half of the scale,
    whose middle belongs to it, and `bad` on the other. `middle` parts good from bad.
    """

    names: tuple[str, ...]
    levels: tuple[float, ...]
    middle: float
    higher_is_better: bool

    def of(self, number: float) -> int:
        if not self.levels:
            return int(self.is_good(number))
        near = min(self.levels, key=lambda level: abs(level - number))
        return self.levels.index(near)

    def is_good(self, number: float) -> bool:
        return number >= self.middle if self.higher_is_better else number <= self.middle


def classes_of(
    levels: dict[str, float], low: float, high: float, *, higher_is_better: bool
) -> Classes:
    """Of a scorer with these levels (word -> number; {} without), on that scale."""
    middle = (low + high) / 2
    if not levels:
        return Classes(("bad", "good"), (), middle, higher_is_better)
    words: dict[float, list[str]] = {}
    for word, number in levels.items():
        words.setdefault(number, []).append(word)
    ordered = sorted(words, reverse=not higher_is_better)
    names = tuple("/".join(words[number]) for number in ordered)
    return Classes(names, tuple(ordered), middle, higher_is_better)


@dataclass(frozen=True)
class Pair:
    """A labelled answer: people's label, and the scorer's verdict, None where it has none."""

    row_id: str
    label: float
    verdict: float | None


@dataclass(frozen=True)
class Agreement:
    """What came of holding a scorer's verdicts against `n` labels.

    `confusion` counts the `n`; `without_verdict` labelled answers beyond them got no verdict.
    `worst_kappa` is kappa had these got the verdicts that agree least. `sensitivity`: of the
    answers that people call good, the judge does too; `specificity`: of the bad. `differing`: the
    rows on which the two differ.
    """

    scorer: str
    judge: str
    classes: tuple[str, ...]
    confusion: Confusion
    kappa: Kappa
    worst_kappa: float | None
    sensitivity: Rate
    specificity: Rate
    differing: tuple[str, ...]
    without_verdict: int = 0

    @property
    def n(self) -> int:
        return sum(map(sum, self.confusion))

    @property
    def agreed(self) -> Rate:
        return Rate(sum(row[i] for i, row in enumerate(self.confusion)), self.n)

    def words(self) -> str:
        """`Correctness: its judge agrees with people on 45 of 50 answers, kappa 0.78 (...)`."""
        who = f"{self.scorer}'s judge" if self.judge else self.scorer
        if self.n == 0:
            return f"{who} has no verdict beside a label of people"
        kappa = self.kappa
        shown = f"no kappa ({kappa.none})"
        if kappa.value is not None:
            shown = f"kappa {kappa.value:.2f} ({kappa.low:.2f} to {kappa.high:.2f})"
        return (
            f"{who} agrees with people on {self.agreed.count} of {self.n} answers, {shown}"
            f"{self.sensitivity.words('of the good it sees')}"
            f"{self.specificity.words('of the bad it sees')}"
        )

    def reason(self, judges: Judges) -> str:
        """What keeps the gate shut; empty if nothing does."""
        return _reason(self, judges)


def agreement(scorer: str, judge: str, pairs: Sequence[Pair], classes: Classes) -> Agreement:
    """`judge`: the model that the scorer asks, empty if it asks none."""
    judged = [(pair, pair.verdict) for pair in pairs if pair.verdict is not None]
    counts = [[0] * len(classes.names) for _ in classes.names]
    for pair, verdict in judged:
        counts[classes.of(pair.label)][classes.of(verdict)] += 1
    good = [classes.is_good(v) for pair, v in judged if classes.is_good(pair.label)]
    bad = [not classes.is_good(v) for pair, v in judged if not classes.is_good(pair.label)]
    unjudged = [classes.of(pair.label) for pair in pairs if pair.verdict is None]
    return Agreement(
        scorer=scorer,
        judge=judge,
        classes=classes.names,
        confusion=tuple(map(tuple, counts)),
        kappa=cohens_kappa(counts),
        worst_kappa=_worst_kappa(counts, unjudged),
        sensitivity=Rate(sum(good), len(good)),
        specificity=Rate(sum(bad), len(bad)),
        differing=tuple(p.row_id for p, v in judged if classes.of(p.label) != classes.of(v)),
        without_verdict=len(unjudged),
    )


def cohens_kappa(counts: Sequence[Sequence[int]]) -> Kappa:
    """Of a square table. There is none where people or judge know only one class.

    Cohen, Educational and Psychological Measurement 20 (1960) 37-46; the large-sample variance of
    Fleiss, Cohen and Everitt, Psychological Bulletin 72 (1969) 323-327, equation 13. As
    `statsmodels.stats.inter_rater.cohens_kappa` and `sklearn.metrics.cohen_kappa_score`.
    """
    n = sum(map(sum, counts))
    if n == 0:
        return Kappa(None, none="no label has a verdict beside it")
    table = [[count / n for count in row] for row in counts]
    people, judge = (
        [sum(row) for row in table],
        [sum(column) for column in zip(*table, strict=True)],
    )
    for whose, shares in (("people's labels are", people), ("the judge's verdicts are", judge)):
        if sum(share > 0 for share in shares) < 2:
            return Kappa(None, none=f"all {n} of {whose} of one class")
    size = range(len(table))
    observed = math.fsum(table[i][i] for i in size)
    chance = math.fsum(p * j for p, j in zip(people, judge, strict=True))
    kappa = (observed - chance) / (1 - chance)
    agreed = sum(table[i][i] * (1 - (people[i] + judge[i]) * (1 - kappa)) ** 2 for i in size)
    differed = (1 - kappa) ** 2 * sum(
        table[i][j] * (judge[i] + people[j]) ** 2 for i in size for j in size if i != j
    )
    variance = agreed + differed - (kappa - chance * (1 - kappa)) ** 2
    error = math.sqrt(max(variance, 0.0) / n) / (1 - chance)
    return Kappa(kappa, max(kappa - Z * error, -1.0), min(kappa + Z * error, 1.0))


def _worst_kappa(counts: Sequence[Sequence[int]], unjudged: Sequence[int]) -> float | None:
    """The least kappa, whatever verdicts the labelled answers without one had got."""
    tables = [[list(row) for row in counts]]
    others = len(counts) - 1
    if math.prod(math.comb(n + others, n) for n in Counter(unjudged).values()) > MOST_TABLES:
        return None
    for label in set(unjudged):
        # of rows with the same label only how many get which verdict matters
        tables = [
            filled for table in tables
            for filled in _filled(table, label, unjudged.count(label))
        ]  # fmt: skip
    found = [cohens_kappa(table).value for table in tables]
    known = [value for value in found if value is not None]
    return min(known) if len(known) == len(found) else None


def _filled(table: list[list[int]], label: int, rows: int) -> list[list[list[int]]]:
    tables = [table]
    for _ in range(rows):
        seen = {}
        for each in tables:
            for verdict in range(len(table)):
                more = [list(row) for row in each]
                more[label][verdict] += 1
                seen[str(more)] = more
        tables = list(seen.values())
    return tables


def _reason(found: Agreement, judges: Judges) -> str:
    who = f"{found.scorer}: {found.judge or 'the scorer'}"
    if found.n < judges.min_labels:
        return (
            f"{found.scorer}: {found.n} labels of people stand beside its verdicts, fewer than "
            f"judges.min_labels {judges.min_labels}: how good its judge is is not known"
        )
    if found.kappa.value is None:
        return f"{who} has no kappa ({found.kappa.none}), so how good it is is not known"
    if found.worst_kappa is None or found.worst_kappa < judges.min_kappa:
        missing = f", with {found.without_verdict} labelled answers that got no verdict"
        number = found.kappa.value if not found.without_verdict else found.worst_kappa
        shown = "not known" if number is None else f"{number:.3g}"
        return (
            f"{who} agrees with people by a kappa of {shown} (n={found.n}"
            f"{missing if found.without_verdict else ''}), under judges.min_kappa "
            f"{judges.min_kappa:g}"
        )
    return ""
