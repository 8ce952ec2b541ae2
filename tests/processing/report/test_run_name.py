"""What MLflow's list of runs shows: the verdict, what was evaluated, and why it was stopped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from processing.gate.verdict import Verdict
from processing.report.run_description import LONGEST_NAME, run_name

NAME = "health-qa-worse on questions.jsonl (m1x2)"


def verdict(*reasons: str) -> Verdict:
    return Verdict(checks=(), budget_reasons=reasons)


def test_the_mark_comes_first_and_the_first_reason_last() -> None:
    assert run_name(verdict("a 0.1 < min 0.7"), NAME) == f"✗ {NAME}: a 0.1 < min 0.7"
    assert run_name(verdict("a", "b", "c"), NAME) == f"✗ {NAME}: a, and 2 more"


@given(st.lists(st.text(), min_size=1), st.text(max_size=400))
def test_it_fits_and_stays_on_one_line_whatever_the_reasons_quote(
    reasons: list[str], name: str
) -> None:
    shown = run_name(verdict(*reasons), name)
    assert shown.startswith("✗ ")
    assert len(shown) <= LONGEST_NAME
    assert "\n" not in shown.removeprefix(f"✗ {name[:LONGEST_NAME]}")
    if len(reasons) > 1:
        assert shown.endswith(f", and {len(reasons) - 1} more")
