"""The rule that turns verdicts into numbers, and metrics out of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from processing.errors import TrackingError
from processing.gate import Metric
from processing.measurements import percentile
from processing.scoring import Score, as_number, require_same_means, scorer_metrics


@pytest.mark.parametrize(
    ("verdict", "number"),
    [("yes", 1.0), ("No", 0.0), (True, 1.0), (False, 0.0), (0.25, 0.25), (3, 3.0)],
)
def test_verdicts_become_numbers(verdict: object, number: float) -> None:
    assert as_number(verdict) == number


@pytest.mark.parametrize("verdict", ["unknown", "", "0.5", None, math.nan, math.inf, ["yes"], {}])
def test_a_verdict_that_is_no_number_is_none(verdict: object) -> None:
    assert as_number(verdict) is None


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
    assert scorer_metrics(scores, ["Safety"])["Safety"] == Metric(None, n=0, errors=1)


@pytest.mark.parametrize("held", [0.6, None])
def test_a_mean_that_mlflow_s_verdicts_do_not_give_is_not_trusted(held: float | None) -> None:
    with pytest.raises(TrackingError, match="Safety/mean"):
        require_same_means({"Safety": Metric(0.5, n=2)}, {"Safety": Metric(held, n=2)})


def test_percentiles_agree_with_numpy() -> None:
    values = [3.0, 1.0, 2.0, 10.0]
    assert percentile(values, 95) == pytest.approx(np.percentile(values, 95))
    assert percentile([], 95) is None
