"""Verdicts are counted, and MLflow's mean is held against them."""

from __future__ import annotations

import numpy as np
import pytest

from processing.base.errors import TrackingError
from processing.gate.frequent_error import FrequentError
from processing.gate.intervals import percentile
from processing.gate.metric import Metric, mean_metric
from processing.mlflow_record.scores import Score, require_same_means, scorer_metrics


def test_a_failed_verdict_is_counted_and_not_averaged_away() -> None:
    scores = {
        "a": {"Safety": Score(1.0, "yes", "fine", None)},
        "b": {"Safety": Score(0.0, "no", "not fine", None)},
        "c": {"Safety": Score(None, "error", None, "throttled")},
    }
    metric = scorer_metrics(scores, ["Safety"])["Safety"]
    assert (metric.value, metric.n, metric.errors) == (0.5, 2, 1)


def test_a_scorer_that_failed_on_every_row_has_no_value() -> None:
    scores = {"a": {"Safety": Score(None, "error", None, "throttled")}}
    reason = FrequentError(1, "throttled")
    metric = scorer_metrics(scores, ["Safety"])["Safety"]
    assert metric == Metric(None, n=0, errors=1, frequent_error=reason)


def test_a_row_that_a_scorer_does_not_apply_to_counts_neither_as_score_nor_as_error() -> None:
    scores = {
        "a": {"terms": Score(0.5, "0.5", None, None)},
        "b": {"terms": Score(None, "not applicable", "uses none of the terms", None)},
        "c": {"terms": Score(None, "error", None, "broken")},
    }
    metric = scorer_metrics(scores, ["terms"], rows=4)["terms"]
    assert (metric.value, metric.n, metric.errors, metric.not_applicable) == (0.5, 1, 1, 1)
    assert (metric.total, metric.missing) == (3, 2)


@pytest.mark.parametrize("held", [0.6, None])
def test_a_mean_that_mlflow_s_verdicts_do_not_give_is_not_trusted(held: float | None) -> None:
    with pytest.raises(TrackingError, match="Safety/mean"):
        require_same_means({"Safety": Metric(0.5, n=2)}, {"Safety": Metric(held, n=2)})


def test_an_interval_keeps_to_the_scale_that_its_values_keep_to() -> None:
    share = mean_metric([0.0] * 9 + [0.5], numbers="monotone")
    assert share.low is not None
    assert 0 <= share.low < 0.05
    beyond = mean_metric([0.0] * 9 + [1.5], numbers="monotone")
    assert beyond.low is not None
    assert beyond.low < 0.0


def test_percentiles_agree_with_numpy() -> None:
    values = [3.0, 1.0, 2.0, 10.0]
    assert percentile(values, 95) == pytest.approx(np.percentile(values, 95))
    assert percentile([], 95) is None
