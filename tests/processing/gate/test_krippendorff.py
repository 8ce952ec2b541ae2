"""Krippendorff's alpha against its paper's examples, and what it has to hold on any rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.gate.krippendorff import krippendorff_alpha

Rows = list[list[float | None]]


def units(*observers: str) -> Rows:
    """What each observer said of each unit, `.` where nothing."""
    said = [[None if sign == "." else float(sign) for sign in line] for line in observers]
    return [list(unit) for unit in zip(*said, strict=True)]


def test_yes_and_no_as_in_the_paper() -> None:
    """Section A of "Computing Krippendorff's Alpha-Reliability": nominal, alpha is 0.095."""
    found = krippendorff_alpha(units("0100000010", "1110010000"))
    assert found.value == pytest.approx(0.095, abs=5e-4)
    assert found.n == 10


def test_graded_numbers_with_gaps_as_in_the_paper() -> None:
    """Its example of four observers: by interval data alpha is 0.849; one unit has one value."""
    found = krippendorff_alpha(
        units("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    )
    assert found.value == pytest.approx(0.849, abs=5e-4)
    assert found.n == 11


def test_where_there_is_nothing_to_agree_on_alpha_is_none() -> None:
    assert krippendorff_alpha([]).value is None
    assert krippendorff_alpha([[1.0, None], [None, None]]).n == 0
    same = krippendorff_alpha([[0.1] * 3] * 9)
    assert (same.value, same.n) == (None, 9)
    assert same.words() == "alpha not defined, since all verdicts are the same"


def test_rows_of_one_document_are_drawn_together() -> None:
    rows = units("11111000001111100000", "11111000000000011111")
    alone = krippendorff_alpha(rows)
    clustered = krippendorff_alpha(rows, [place // 5 for place in range(20)])
    assert alone.value == clustered.value == pytest.approx(0.025)
    assert None not in (alone.low, alone.high)
    if clustered.low is not None and clustered.high is not None:
        assert clustered.high - clustered.low > alone.high - alone.low  # type: ignore[operator]


VERDICTS = st.lists(
    st.lists(st.sampled_from([0.0, 0.25, 1.0, None]), min_size=3, max_size=3), max_size=12
)


@pytest.mark.slow
@given(VERDICTS)
def test_it_is_the_textbook_s_ratio_of_disagreements(rows: Rows) -> None:
    counted = [[v for v in row if v is not None] for row in rows]
    counted = [row for row in counted if len(row) > 1]
    pooled = [value for row in counted for value in row]
    expected = sum((a - b) ** 2 for a in pooled for b in pooled)
    found = krippendorff_alpha(rows)
    assert found.n == len(counted)
    if not expected:
        assert found.value is None
        return
    observed = sum(sum((a - b) ** 2 for a in row for b in row) / (len(row) - 1) for row in counted)
    n = len(pooled)
    assert found.value == pytest.approx(1 - (n - 1) * observed / expected, abs=1e-9)
    assert found.value <= 1 + 1e-12
