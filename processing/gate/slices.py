"""Slices: each value of a dataset column with its own rows, interval and thresholds.

Whether a value is judged depends on how many rows the dataset has for it, never on how many of
them were scored: errors cannot talk a slice out of its threshold.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from processing.config.gate import Tier
from processing.config.thresholds import (
    SliceKey,
    ThresholdParameter,
    bound_name,
    threshold_parameters,
)
from processing.dataset.rows import Scalar
from processing.gate.check import Check, check
from processing.gate.clusters import RowClusters
from processing.gate.metric import Metric, scorer_metric
from processing.gate.worst_case import UNIT, Scale

if TYPE_CHECKING:
    from processing.config.gate import Slice

MOST_VALUES_NAMED = 10


@dataclass(frozen=True)
class SliceCheck:
    """One threshold held against one value of one column."""

    column: str
    value: Scalar
    check: Check

    @property
    def tier(self) -> Tier:
        return self.check.threshold.tier

    @property
    def reason(self) -> str:
        return self.check.reason


@dataclass(frozen=True)
class SlicesVerdict:
    """`notes` name the values with too few rows to be judged."""

    checks: tuple[SliceCheck, ...] = ()
    unusable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        return self.unusable + tuple(c.reason for c in self.checks if c.reason and c.tier == "hard")

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(c.reason for c in self.checks if c.reason and c.tier == "soft") + self.notes


def judge_slices(
    slices: Mapping[str, Slice],
    rows: Mapping[str, Mapping[str, Scalar]],
    scores: Mapping[str, Mapping[str, float | None]],
    scales: Mapping[str, Scale],
    not_applicable: Mapping[str, Collection[str]] = MappingProxyType({}),
    *,
    clusters: Mapping[str, str] | None = None,
    not_asked: Mapping[str, Collection[str]] = MappingProxyType({}),
    kept: Collection[str] = (),
) -> SlicesVerdict:
    """Hold each slice's thresholds.

    `rows`: every row of the dataset, row id -> column -> value, answered or not. `scores`: the
    answered rows, row id -> scorer -> number, or None where the scorer failed. `not_applicable`:
    row id -> the scorers that have nothing to look for in it. `clusters`: row id -> what it belongs
    to. `not_asked`: scorer -> the rows that it was not asked about, where the run ended before;
    `kept`: the bounds (`bound_name`) that sequential tests say are kept, where that is a pass.
    """
    known = _Known(scores, scales, not_applicable, clusters, not_asked, kept)
    checks: list[SliceCheck] = []
    unusable: list[str] = []
    notes: list[str] = []
    for column, section in slices.items():
        groups = slice_groups(rows, column)
        judged = {key: ids for key, ids in groups.items() if len(ids) >= section.min_rows}
        if not judged:
            said = unusable if _is_hard(section) else notes
            said.append(_nothing_to_judge(column, section, bool(groups)))
        elif few := [key for key in groups if key not in judged]:
            notes.append(_too_few(column, section, few))
        for key, ids in judged.items():
            checks += [
                SliceCheck(column, json.loads(key), found)
                for found in _checks((column, key), section, ids, known)
            ]
    return SlicesVerdict(tuple(checks), tuple(unusable), tuple(notes))


def slice_groups(rows: Mapping[str, Mapping[str, Scalar]], column: str) -> dict[str, list[str]]:
    """JSON text of the column's value (1, "1" and true are three values) -> row ids, sorted.

    {} where no row has the column; where only some do, the others are the value null.
    """
    if not any(column in values for values in rows.values()):
        return {}
    groups: dict[str, list[str]] = {}
    for row_id, values in rows.items():
        key = json.dumps(values.get(column), ensure_ascii=False)
        groups.setdefault(key, []).append(row_id)
    return dict(sorted(groups.items()))


@dataclass(frozen=True)
class _Known:
    """What `judge_slices` is given of rows and scorers."""

    scores: Mapping[str, Mapping[str, float | None]]
    scales: Mapping[str, Scale]
    not_applicable: Mapping[str, Collection[str]]
    clusters: Mapping[str, str] | None
    not_asked: Mapping[str, Collection[str]]
    kept: Collection[str]

    def metric(self, threshold: ThresholdParameter, ids: Sequence[str]) -> Metric:
        """Of the scorer, over the rows `ids`; also over those of them that were asked."""
        left = set(self.not_asked.get(threshold.metric, ())).intersection(ids)
        metric = self._over(threshold, ids, left)
        if not left:
            return metric
        asked = self._over(threshold, [row_id for row_id in ids if row_id not in left], set())
        return replace(metric, asked=asked)

    def _over(
        self, threshold: ThresholdParameter, ids: Sequence[str], left: Collection[str]
    ) -> Metric:
        name, scores = threshold.metric, self.scores
        answered = [row_id for row_id in ids if row_id in scores and row_id not in left]
        scored = [row_id for row_id in answered if name not in self.not_applicable.get(row_id, ())]
        return scorer_metric(
            [scores[row_id].get(name) for row_id in scored],
            rows=len(ids),
            not_applicable=len(answered) - len(scored),
            scale=self.scales.get(name, UNIT),
            numbers="monotone" if threshold.on == "interval" else "BCa",
            clusters=None
            if self.clusters is None
            else RowClusters(
                [self.clusters[row_id] for row_id in scored],
                [self.clusters[row_id] for row_id in ids if row_id not in scores or row_id in left],
            ),
        )


def _checks(where: SliceKey, section: Slice, ids: Sequence[str], known: _Known) -> Iterator[Check]:
    column, key = where
    for threshold in threshold_parameters(section.thresholds):
        shown = f"{threshold.metric} where {column} is {json.loads(key)}"
        metric = known.metric(threshold, ids)
        is_kept = bound_name(threshold, where) in known.kept
        found = check(shown, metric, threshold, len(ids), kept_by_test=is_kept)
        rests_on_all = metric.asked is None or is_kept
        if metric.value is not None and metric.n < section.min_rows and rests_on_all:
            reason = (
                f"{shown}: {metric.value:.4g} rests on {metric.n} rows, fewer than its min_rows "
                f"{section.min_rows}"
            )
            found = replace(found, reason=reason)
        yield found


def _is_hard(section: Slice) -> bool:
    return any(threshold.tier == "hard" for threshold in section.thresholds.values())


def _nothing_to_judge(column: str, section: Slice, exists: bool) -> str:
    if not exists:
        return f"slices.{column}: no row of the dataset has a column {column!r}"
    return f"slices.{column}: no value has min_rows {section.min_rows} rows, so none can be judged"


def _too_few(column: str, section: Slice, few: list[str]) -> str:
    names = ", ".join(str(json.loads(key)) for key in few[:MOST_VALUES_NAMED])
    more = f" and {len(few) - MOST_VALUES_NAMED} more" if len(few) > MOST_VALUES_NAMED else ""
    return f"too few rows to judge (under {section.min_rows}) where {column} is {names}{more}"
