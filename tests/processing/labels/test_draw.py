"""Which rows people label: at random, with probabilities that come to all rows."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from processing.labels.draw import drawn_rows

strata = st.dictionaries(
    st.text("abcdef0123456789", min_size=1, max_size=6),
    st.tuples(st.sampled_from(["yes", "no", "none"]), st.sampled_from("abcdefgh")),
    min_size=1,
    max_size=80,
)


@given(strata, st.integers(1, 90), st.integers(0, 5))
def test_one_over_the_probabilities_comes_to_all_rows(
    rows: dict[str, tuple[str, str]], wanted: int, seed: int
) -> None:
    drawn = drawn_rows(rows, wanted, seed)
    assert set(drawn) <= set(rows)
    assert all(0 < probability <= 1 for probability in drawn.values())
    assert math.isclose(sum(1 / probability for probability in drawn.values()), len(rows))
    assert len(drawn) == min(wanted, len(rows))
    assert drawn_rows(dict(reversed(rows.items())), wanted, seed) == drawn


def test_each_part_gives_as_large_a_part_and_the_smallest_at_least_two() -> None:
    rows = {f"yes {i}": ("yes",) for i in range(96)} | {f"no {i}": ("no",) for i in range(4)}
    drawn = drawn_rows(rows, 10, 1)
    counted = Counter(row_id.split()[0] for row_id in drawn)
    assert counted == {"yes": 8, "no": 2}
    assert drawn_rows(rows, 10, 2) != drawn


def test_with_too_many_parts_for_the_rows_only_the_first_matters() -> None:
    rows = {str(i): ("yes" if i % 2 else "no", str(i)) for i in range(40)}
    assert set(drawn_rows(rows, 8, 1).values()) == {4 / 20}


def test_every_row_is_as_likely_as_it_says() -> None:
    rows = {str(i): ("a" if i < 30 else "b",) for i in range(40)}
    times = Counter(row_id for seed in range(2_000) for row_id in drawn_rows(rows, 12, seed))
    expected = drawn_rows(rows, 12, 0)
    for row_id, probability in expected.items():
        assert math.isclose(times[row_id] / 2_000, probability, abs_tol=0.05)
