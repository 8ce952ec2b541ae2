"""What a comparison found: the runs, what forbids comparing, the differences, the changed rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.comparison.differences import Difference
from pipeline.comparison.mismatches import Mismatch
from pipeline.comparison.pairwise.outcome import PairwiseOutcome
from pipeline.comparison.pairwise.strengths import StrengthRanking
from pipeline.comparison.ranking import Ranking
from pipeline.comparison.row_changes import RowChange
from pipeline.comparison.run import ComparedRun

METHOD = (
    "Rows are paired by row id. Each metric is tested by flipping signs (McNemar's exact test for "
    "yes/no), with rows that have no number at their worst; rows of one dataset.cluster have one "
    "sign. Intervals are 95 %, for one metric alone: Tango's score interval for yes/no, else the "
    "differences that the test does not reject. A difference is real if its p-value is at most "
    "0.05 after Holm's correction over all tests of this comparison, and its interval has no 0 in "
    "it."
)


@dataclass(frozen=True)
class Absent:
    """A variant that broke, so that there is no verdict to compare: its name, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Findings:
    """The first of `runs` is what the others are held against; `ranking` holds all against all.

    `pairwise`: what judges say of each two runs' answers; `strengths`: of three runs and more.
    """

    runs: tuple[ComparedRun, ...]
    mismatches: tuple[Mismatch, ...]
    differences: tuple[Difference, ...]
    changes: tuple[RowChange, ...]
    ranking: Ranking
    absent: tuple[Absent, ...] = ()
    pairwise: tuple[PairwiseOutcome, ...] = ()
    strengths: tuple[StrengthRanking, ...] = ()

    @property
    def tests(self) -> int:
        """How many tests Holm's correction is over."""
        return sum(found.p is not None for found in self.differences) + sum(
            outcome.p is not None for outcome in self.pairwise
        )

    def of(self, run: ComparedRun) -> Sequence[Difference]:
        return [difference for difference in self.differences if difference.run == run.label]

    def changed(self, run: ComparedRun) -> dict[str, int]:
        """How many rows of the run changed in which way, most serious first."""
        states = [change.state for change in self.changes if change.run == run.label]
        order = ("worse", "mixed", "lost", "better", "found", "other answer", "same")
        return {state: states.count(state) for state in order if state in states}
