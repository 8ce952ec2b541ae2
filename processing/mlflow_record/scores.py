"""The scores as MLflow holds them, and the metrics that they give.

MLflow leaves a verdict that failed, or that is no number, out of a mean without a word. Here every
answered row must have a verdict from every scorer, and each that has no number is counted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from processing.base.errors import TrackingError
from processing.config.scorer_numbers import (
    NOT_APPLICABLE,
    is_not_applicable,
    number_of,
    off_scale,
)
from processing.config.scorers import ScorerSpec
from processing.endpoint.answers import Answer
from processing.gate.clusters import RowClusters
from processing.gate.frequent_error import most_frequent
from processing.gate.metric import Metric, scorer_metric
from processing.gate.worst_case import UNIT, Scale
from processing.mlflow_record.judge_use import NO_USE, JudgeUse, judge_use
from processing.mlflow_record.panel_verdicts import PanelVerdict, panel_verdicts
from processing.mlflow_record.row_traces import ROW_TAG, require_traces, traces_of
from processing.mlflow_record.run import TrackedRun

if TYPE_CHECKING:
    from mlflow.entities import Assessment, Trace


JUDGE_LEFT_OUT = "judge_left_out"
"""In a verdict's metadata: what the judge's model refused of the request, and was asked without."""
JUDGE_VERDICTS = "judge_verdicts"
"""All that a judge said which was asked more than once: a JSON array, null where it failed."""
CONTRADICTED = "judge_contradicts_itself"
"""Whether these differ: yes or no."""
CATEGORY = "category"
"""A verdict's word, where MLflow holds a number."""


@dataclass(frozen=True)
class Score:
    """One scorer's verdict on one row: a number, or the reason why there is none.

    With neither the scorer does not apply to the row.
    `left_out`: the judge and what it was asked without, such as "bedrock:/m: temperature".
    `verdicts`: what it said each time, if it was asked more than once; `contradicted`: whether
    these differ. `panel`: what each judge said, if several were asked.
    """

    value: float | None
    shown: str
    rationale: str | None
    error: str | None
    left_out: str | None = None
    verdicts: tuple[str | float | None, ...] = ()
    contradicted: bool = False
    judged: JudgeUse = NO_USE
    panel: tuple[PanelVerdict, ...] = ()

    @property
    def applies(self) -> bool:
        return self.value is not None or self.error is not None


Scores = dict[str, dict[str, Score]]
"""row id -> scorer name -> score; only rows that the endpoint answered."""


NotJudged = Mapping[str, Collection[str]]
"""row id -> the scorers that were not asked about its answer, because the run was to end."""


def read_scores(
    run: TrackedRun,
    specs: Sequence[ScorerSpec],
    answers: Sequence[Answer],
    not_judged: NotJudged = MappingProxyType({}),
) -> tuple[Scores, dict[str, str]]:
    """The verdicts as the server holds them, and each row's trace id by its row id.

    A scorer that was `not_judged` is not in the row.

    Raises TrackingError if MLflow does not hold a trace for every row that was asked and a verdict
    for every answered row and scorer.
    """
    answered = {answer.row.row_id: answer.text is not None for answer in answers}
    held: dict[str, str] = {}
    scores: Scores = {}
    for trace in traces_of(run):
        row_id = trace.info.tags[ROW_TAG]
        held[row_id] = trace.info.trace_id
        if answered.get(row_id):
            left = not_judged.get(row_id, ())
            asked = [spec for spec in specs if spec.name not in left]
            scores[row_id] = _row_scores(row_id, trace, asked)
    require_traces(held, answers)
    found = {row_id: scores[row_id] for row_id, is_answered in answered.items() if is_answered}
    return found, held


def _row_scores(row_id: str, trace: Trace, specs: Sequence[ScorerSpec]) -> dict[str, Score]:
    verdicts = {a.name: a for a in trace.info.assessments if a.feedback is not None}
    missing = [spec.name for spec in specs if spec.name not in verdicts]
    if missing:
        raise TrackingError(
            f"MLflow holds no verdict of {', '.join(missing)} on row {row_id}: "
            "the record is incomplete, so there is no verdict on the model"
        )
    return {spec.name: _score(spec, verdicts[spec.name]) for spec in specs}


def _score(spec: ScorerSpec, assessment: Assessment) -> Score:
    feedback, metadata = assessment.feedback, assessment.metadata or {}
    assert feedback is not None
    panel = panel_verdicts(metadata) if spec.uses_judge else ()
    if feedback.error is not None:
        reason = feedback.error.error_message or feedback.error.error_code
        return Score(None, "error", assessment.rationale, str(reason), panel=panel)
    if is_not_applicable(spec, feedback.value):
        judged = judge_use(metadata)
        return Score(None, NOT_APPLICABLE, assessment.rationale, None, judged=judged)
    value = number_of(spec, feedback.value)
    error = off_scale(spec, feedback.value) if value is None else None
    shown = metadata.get(CATEGORY, str(feedback.value))
    parts = metadata.get(JUDGE_LEFT_OUT)
    left_out = f"{assessment.source.source_id}: {parts}" if parts else None
    return Score(
        value,
        shown,
        assessment.rationale,
        error,
        left_out,
        verdicts=tuple(json.loads(metadata.get(JUDGE_VERDICTS, "[]"))) if spec.uses_judge else (),
        contradicted=metadata.get(CONTRADICTED) == "yes",
        judged=judge_use(metadata),
        panel=panel,
    )


def scorer_metrics(
    scores: Scores,
    names: Sequence[str],
    *,
    rows: int | None = None,
    scales: Mapping[str, Scale] = MappingProxyType({}),
    by_interval: Collection[str] = (),
    clusters: Mapping[str, str] | None = None,
    not_asked: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, Metric]:
    """Each scorer's metric over the answered rows, of `rows` in all (without it: those answered).

    `by_interval`: the scorers whose interval is held against a threshold. `clusters`: for each row
    of the dataset, by id, what it belongs to. `not_asked`: scorer -> rows that it was not asked
    about, which are no errors and leave a metric over the others (`Metric.asked`).
    """

    def metric(name: str, rows: int | None, left_out: Collection[str]) -> Metric:
        known = {row_id: row[name] for row_id, row in scores.items() if name in row}
        missing = [
            cluster
            for row_id, cluster in (clusters or {}).items()
            if row_id not in known and row_id not in left_out
        ]
        found = scorer_metric(
            [score.value for score in known.values() if score.applies],
            not_applicable=sum(not score.applies for score in known.values()),
            rows=rows,
            scale=scales.get(name, UNIT),
            numbers="monotone" if name in by_interval else "BCa",
            clusters=None
            if clusters is None
            else RowClusters(
                [clusters[row_id] for row_id, score in known.items() if score.applies], missing
            ),
        )
        errors = (score.error or "no number" for score in known.values() if _failed(score))
        return replace(found, frequent_error=most_frequent(errors))

    metrics = {name: metric(name, rows, ()) for name in names}
    for name, left in not_asked.items():
        if left and rows is not None and name in metrics:
            asked = metric(name, rows - len(left), left)
            metrics[name] = replace(metrics[name], asked=asked)
    return metrics


def _failed(score: Score) -> bool:
    return score.applies and (score.value is None or not math.isfinite(score.value))


def require_same_means(ours: Mapping[str, Metric], held: Mapping[str, Metric]) -> None:
    """Raise TrackingError where MLflow's mean is not the mean of the verdicts that it holds."""
    for name, metric in ours.items():
        mean = held[name].value
        if mean is not None and math.isnan(mean):
            continue  # the gate is closed on it
        both_empty = metric.value is None and mean is None
        if both_empty or (
            metric.value is not None
            and mean is not None
            and math.isclose(metric.value, mean, rel_tol=1e-9, abs_tol=1e-12)
        ):
            continue
        raise TrackingError(
            f"MLflow says {name}/mean = {mean}, but its verdicts give {metric.value} "
            f"(n={metric.n}): the record cannot be trusted"
        )
