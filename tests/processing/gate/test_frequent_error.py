"""The reason that most failures share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from processing.config.gate import Budgets
from processing.config.thresholds import ThresholdParameter
from processing.gate.frequent_error import LONGEST, most_frequent
from processing.gate.metric import Metric
from processing.gate.verdict import judge


def test_reasons_that_differ_in_numbers_and_quotes_are_one() -> None:
    found = most_frequent(
        [
            "the judge answered no JSON: 'Sorry'",
            "throttled after 3 attempts",
            "the judge answered no JSON: 'I think so'",
        ]
    )
    assert str(found) == "2 times: the judge answered no JSON: 'Sorry'"
    assert str(most_frequent(["a 1", "a 2", "b"])) == "2 times: a 1"
    assert str(most_frequent(["once"])) == "1 time: once"
    assert most_frequent([]) is None


@given(st.lists(st.text(), min_size=1))
def test_it_is_one_of_the_reasons_and_no_other_is_more_frequent(reasons: list[str]) -> None:
    found = most_frequent(reasons)
    assert found is not None
    assert max(reasons.count(reason) for reason in reasons) <= found.count <= len(reasons)
    assert len(found.text) <= LONGEST + 3


def test_the_gate_tells_why_a_scorer_and_the_endpoint_failed() -> None:
    metric = Metric(
        0.9, n=90, errors=10, frequent_error=most_frequent(["throttled"] * 9 + ["other"]),
    )  # fmt: skip
    threshold = ThresholdParameter("MinSafety", "Safety", "min", 0.5)
    verdict = judge(
        {"Safety": metric},
        [threshold],
        Budgets(min_rows=5),
        rows=110,
        endpoint_errors=10,
        endpoint_error=most_frequent(["ModelError: 500"] * 10),
    )
    assert "10 of 100 rows could not be scored (9 times: throttled)" in verdict.summary
    assert "the endpoint failed on 10 of 100 rows (10 times: ModelError: 500)" in verdict.summary
