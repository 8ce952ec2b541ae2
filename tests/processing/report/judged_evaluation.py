"""An evaluation from answers and scores, judged as a job judges it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from processing.calls.spend import Spend
from processing.config.gate import Budgets, ChampionMetric, Slice, Threshold
from processing.config.thresholds import threshold_parameters
from processing.endpoint.answers import Answer
from processing.endpoint.client import MeasuredModel
from processing.evaluation.measurements import measure
from processing.gate.champion import ChampionVerdict
from processing.gate.metric import scorer_metric
from processing.gate.non_inferiority import compare
from processing.gate.slices import judge_slices
from processing.gate.verdict import judge
from processing.gate.worst_case import UNIT, paired_difference
from processing.mlflow_record.run import TrackedRun
from processing.mlflow_record.scores import Scores
from processing.report.evaluation import Evaluation


def numbers_of(scores: Scores) -> dict[str, dict[str, float | None]]:
    return {
        row_id: {name: score.value for name, score in row.items()} for row_id, row in scores.items()
    }


def judged_evaluation(
    answers: list[Answer],
    scores: Scores,
    thresholds: dict[str, Threshold],
    *,
    sliced: Slice,
    against: tuple[str, float, Iterable[tuple[float | None, float | None]]],
    intervals: Mapping[str, Any] | None = None,
    **more: Any,
) -> Evaluation:
    """One answer is an error; `sliced` is by topic.

    `against` the champion: the metric, its margin, and the pairs of values. `intervals` is how
    each scorer's interval is computed, where that is no matter of course; `more` is the
    evaluation's other members.
    """
    rows, numbers = len(answers), numbers_of(scores)
    metrics = {
        name: scorer_metric(
            [row[name] for row in numbers.values()], rows=rows, **(intervals or {}).get(name, {})
        )
        for name in next(iter(numbers.values()))
    } | measure(answers)
    metric, margin, pairs = against
    difference = paired_difference(list(pairs), UNIT)
    verdict = judge(
        metrics,
        threshold_parameters(thresholds),
        Budgets(max_endpoint_error_share=0.05),
        rows=rows,
        endpoint_errors=1,
        slices=judge_slices(
            {"topic": sliced}, {a.row.row_id: a.row.slices for a in answers}, numbers, {}
        ),
        champion=ChampionVerdict(
            "group",
            "arn:champion",
            "run-1",
            (compare(metric, ChampionMetric(margin=margin), difference, 30),),
        ),
    )
    found = Evaluation(
        verdict=verdict,
        metrics=metrics,
        answers=answers,
        scores=scores,
        model=MeasuredModel("arn:endpoint", "model", "arn:model", "1"),
        endpoint_name="endpoint",
        run=TrackedRun("run-2", "1", "http://127.0.0.1:1"),
        dataset_sha256="d" * 64,
        config_sha256="c" * 64,
        execution_arn="arn:execution",
        fingerprint="f" * 64,
        spend=Spend({}),
        number_rules={},
    )
    return replace(found, **more)
