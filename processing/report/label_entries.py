"""People's labels in evaluation.json and rows.jsonl: agreement, correction, each row's label."""

from __future__ import annotations

import math
from typing import Any

from processing.gate.agreement import Agreement, Rate
from processing.gate.calibrated import Calibrated
from processing.labels.matched import ScorerLabels
from processing.mlflow_record.metric_names import detail
from processing.report.evaluation import Evaluation

MOST_DIFFERING = 100
"""Row ids that evaluation.json names; rows.jsonl has every label."""


def finite(value: float | None) -> float | None:
    """JSON has no NaN: a metric without a number is null."""
    return value if value is not None and math.isfinite(value) else None


def label_entries(evaluation: Evaluation) -> dict[str, Any]:
    """By scorer; {} without labels."""
    return {
        name: _counts(evaluation.labels[name]) | _agreement(found)
        for name, found in evaluation.agreements.items()
    }


def calibrated_entry(name: str, found: Calibrated) -> dict[str, Any]:
    return {
        "words": found.words(name),
        "value": finite(found.value),
        "low": finite(found.low),
        "high": finite(found.high),
        # by how much the labels moved the mean of the verdicts
        "moved": finite(found.moved),
        "labels": found.labels,
        "drawn": found.drawn,
        # the interval's ends that thresholds are held against
        "worst_low": finite(found.worst.low),
        "worst_high": finite(found.worst.high),
    }


def row_labels(row_id: str, evaluation: Evaluation) -> dict[str, Any]:
    """Scorer -> what people say of the row's answer, and whether the scorer says otherwise."""
    return {
        name: {
            "value": label.number,
            "people": label.people,
            "agreed": label.agreed,
            "differs": row_id in evaluation.agreements[name].differing,
        }
        for name, labels in evaluation.labels.items()
        if (label := labels.by_row.get(row_id))
    }


def _counts(found: ScorerLabels) -> dict[str, Any]:
    return {
        "used": len(found.by_row),
        "other_answers": found.other_answers,
        "other_rows": found.other_rows,
        "ambiguous": found.ambiguous,
        "blank": found.blank,
        "people_disagree": found.disagreements,
        "probabilities": any(each.probability is not None for each in found.drawn),
    }


def _agreement(found: Agreement) -> dict[str, Any]:
    return {
        "words": found.words(),
        "judge": found.judge,
        "n": found.n,
        "without_verdict": found.without_verdict,
        "agreement": found.agreed.value,
        "kappa": found.kappa.value,
        "kappa_low": found.kappa.low,
        "kappa_high": found.kappa.high,
        "no_kappa": found.kappa.none,
        "sensitivity": _rate(found.sensitivity),
        "specificity": _rate(found.specificity),
        "classes": list(found.classes),
        # a row for each class of people's labels, a column for each of the scorer's verdicts
        "confusion": [list(row) for row in found.confusion],
        "differ": len(found.differing),
        "differing_rows": list(found.differing[:MOST_DIFFERING]),
    }


def _rate(found: Rate) -> dict[str, Any]:
    low, high = found.interval or (None, None)
    return {"value": found.value, "n": found.n, "low": low, "high": high}


def label_metrics(evaluation: Evaluation) -> dict[str, float]:
    """A few numbers for MLflow, whose charts compare runs."""
    numbers: dict[str, float | None] = {}
    for name, found in evaluation.agreements.items():
        numbers |= {
            detail(name, "labels"): found.n,
            detail(name, "kappa"): found.kappa.value,
        }
        numbers[detail(name, "agreement")] = found.agreed.value
    for name, metric in evaluation.metrics.items():
        if corrected := metric.calibrated:
            numbers |= {
                detail(name, "calibrated"): corrected.value,
                detail(name, "calibrated_low"): corrected.low,
                detail(name, "calibrated_high"): corrected.high,
            }
    return {
        key: float(number)
        for key, number in numbers.items()
        if finite(number) is not None and number is not None
    }


def label_lines(evaluation: Evaluation) -> list[str]:
    """A sentence for each scorer that people have labelled, and for each corrected number."""
    corrected = [
        metric.calibrated.words(name)
        for name, metric in evaluation.metrics.items()
        if metric.calibrated
    ]
    return [*(found.words() for found in evaluation.agreements.values()), *corrected]
