"""The verdict: every threshold against its metric, and closed whenever there is any doubt.

What a threshold is compared with is the worst case over the rows that have no number (see
`processing.gate.worst_case`). With the dataset given, a row that loses its number, for whatever
reason, and a further row that never had one, can therefore close the gate but never open it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from processing.base.visible_text import visible
from processing.config.gate import Budgets, Tier
from processing.config.thresholds import ThresholdParameter, bound_name
from processing.gate.champion import ChampionVerdict
from processing.gate.check import Check, check
from processing.gate.cut_answers import CutAnswers
from processing.gate.frequent_error import FrequentError
from processing.gate.metric import Metric
from processing.gate.slices import SlicesVerdict
from processing.gate.stopped import Stopped
from processing.gate.swapped_answers import SwappedAnswers


@dataclass(frozen=True)
class Verdict:
    """Everything that was held against what was measured; computed once, shown everywhere."""

    checks: tuple[Check, ...]
    budget_reasons: tuple[str, ...]
    slices: SlicesVerdict | None = None
    champion: ChampionVerdict | None = None
    budget_warnings: tuple[str, ...] = ()
    stopped: Stopped | None = None

    @property
    def passed(self) -> bool:
        hard = [check for check in self.checks if check.threshold.tier == "hard"]
        decided = bool(hard) and not any(check.undecided for check in hard)
        whole = self.stopped is None or self.stopped.passes
        return decided and whole and not self._undecided_slices and not self.reasons

    @property
    def _undecided_slices(self) -> bool:
        checks = self.slices.checks if self.slices else ()
        return any(found.check.undecided for found in checks if found.tier == "hard")

    @property
    def word(self) -> str:
        return "passed" if self.passed else "not passed"

    @property
    def reasons(self) -> tuple[str, ...]:
        """What keeps the gate shut; first, where the run ended before all was asked, why it did.

        The champion is compared on all rows or not at all.
        """
        stopped = self.stopped if self.stopped and not self.stopped.passes else None
        champion = self.champion.reasons if self.champion and not stopped else ()
        found = (
            *([stopped.reason] if stopped else ()),
            *self.budget_reasons,
            *self._missed("hard"),
            *(self.slices.reasons if self.slices else ()),
            *champion,
        )
        return tuple(map(visible, found))  # a slice's value, or what MLflow says, is any text

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know, and what does not keep the gate shut."""
        found = (
            *self.budget_warnings,
            *self._missed("soft"),
            *(self.slices.warnings if self.slices else ()),
            *(self.champion.warnings if self.champion else ()),
        )
        return tuple(map(visible, found))

    def _missed(self, tier: Tier) -> list[str]:
        return [check.reason for check in self.checks
                if check.reason and check.threshold.tier == tier]  # fmt: skip

    @property
    def summary(self) -> str:
        """One line for GateFailed and the table.

        At most 900 characters: a step's failure reason holds 1,024.
        """
        if self.passed:
            of_slices = [found.check for found in self.slices.checks] if self.slices else []
            missed = any(not check.passed for check in (*self.checks, *of_slices))
            held, sliced = (
                sum(not missed or check.threshold.tier == "hard" for check in checks)
                for checks in (self.checks, of_slices)
            )
            text = f"all {held + sliced}{' hard' if missed else ''} thresholds hold"
            text += f" ({sliced} of them of slices)" if sliced else ""
            if self.stopped:
                text += f"; {self.stopped.why}; {self.stopped.words}"
            if self.warnings:
                text += f"; {len(self.warnings)} warning(s)"
        else:
            text = f"{len(self.reasons)} reason(s): " + "; ".join(self.reasons)
        return text if len(text) <= 900 else text[:897] + "..."


def judge(
    metrics: Mapping[str, Metric],
    thresholds: list[ThresholdParameter],
    budgets: Budgets,
    *,
    rows: int,
    endpoint_errors: int,
    cut_answers: CutAnswers | None = None,
    endpoint_error: FrequentError | None = None,
    slices: SlicesVerdict | None = None,
    champion: ChampionVerdict | None = None,
    swapped: Sequence[SwappedAnswers] = (),
    reasons: Sequence[str] = (),
    warnings: Sequence[str] = (),
    stopped: Stopped | None = None,
) -> Verdict:
    """Hold every threshold and budget against what was measured.

    `rows` is how many rows the dataset has; `endpoint_errors` how many of them got no answer, and
    `endpoint_error` the reason that most of these share. `reasons`: what else keeps the gate shut;
    `warnings`: what else to know. `stopped`: why the run ended before all was asked.
    """
    checks = []
    for threshold in thresholds:
        metric = metrics.get(threshold.metric, Metric(value=None, n=0))
        is_kept = stopped is not None and bound_name(threshold) in stopped.kept
        found = check(threshold.metric, metric, threshold, rows, kept_by_test=is_kept)
        rests_on_all = metric.asked is None or (stopped is not None and stopped.passes)
        if reason := _over_metric_budget(threshold, metric, budgets, rests_on_all=rests_on_all):
            found = replace(found, reason=reason, undecided="")
        checks.append(found)
    lost = max((c.metric.errors for c in checks if c.threshold.tier == "hard"), default=0)
    asked = rows - (stopped.not_asked if stopped else 0)
    over = _over_budget(budgets, rows, endpoint_errors, asked - lost, endpoint_error)
    counted: list[CutAnswers | SwappedAnswers] = [cut_answers or CutAnswers(), *swapped]
    over += tuple(filter(None, [each.reason(budgets) for each in counted]))
    over += tuple(reasons)
    warned = (*warnings, *filter(None, [each.warning(budgets) for each in counted]))
    return Verdict(tuple(checks), over, slices, champion, warned, stopped)


def _over_metric_budget(
    threshold: ThresholdParameter, metric: Metric, budgets: Budgets, *, rests_on_all: bool
) -> str:
    """`rests_on_all`: nothing more will be asked; else few rows are no fault."""
    name, corrected = threshold.metric, metric.calibrated
    if metric.value is None or not math.isfinite(metric.value):
        return ""  # said by `missed`
    if metric.n < budgets.min_rows and rests_on_all:
        return (
            f"{name}: {metric.value:.4g} rests on {metric.n} rows, fewer than min_rows "
            f"{budgets.min_rows}"
        )
    labelled = threshold.on == "calibrated" and rests_on_all
    if labelled and corrected and corrected.labels < budgets.min_rows:
        return (
            f"{name}: its correction rests on {corrected.labels} labels of people, fewer than "
            f"min_rows {budgets.min_rows}"
        )
    if metric.error_share > budgets.max_judge_error_share:
        return (
            f"{name}: {metric.value:.4g}, but {metric.errors} of {metric.n + metric.errors} rows "
            f"could not be scored{_why(metric)}, "
            f"over max_judge_error_share {budgets.max_judge_error_share:g}"
        )
    return ""


def _why(metric: Metric) -> str:
    return f" ({metric.frequent_error})" if metric.frequent_error else ""


def _over_budget(
    budgets: Budgets,
    rows: int,
    endpoint_errors: int,
    scored: int,
    endpoint_error: FrequentError | None,
) -> tuple[str, ...]:
    """The endpoint's share is of the rows that it failed on or that were `scored` (or failed).

    Rows on which a scorer failed, or that were not asked, do not dilute it.
    """
    reasons = []
    if rows < budgets.min_rows:
        reasons.append(f"the dataset has {rows} rows, fewer than min_rows {budgets.min_rows}")
    why = f" ({endpoint_error})" if endpoint_error else ""
    counted = max(scored, endpoint_errors)
    if counted and endpoint_errors / counted > budgets.max_endpoint_error_share:
        reasons.append(
            f"the endpoint failed on {endpoint_errors} of {counted} rows{why}, "
            f"over max_endpoint_error_share {budgets.max_endpoint_error_share:g}"
        )
    return tuple(reasons)
