"""Cohen's kappa and what belongs to it, against published numbers; and what closes the gate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.config.labels import Judges
from processing.gate.agreement import Agreement, Classes, Pair, agreement, classes_of, cohens_kappa

YES_NO = classes_of({}, 0.0, 1.0, higher_is_better=True)

score = st.sampled_from([0.0, 1.0])
judged = st.tuples(score, st.one_of(st.none(), score))


def found(pairs: list[tuple[float, float | None]], classes: Classes = YES_NO) -> Agreement:
    made = [Pair(str(i), label, verdict) for i, (label, verdict) in enumerate(pairs)]
    return agreement("Correctness", "bedrock:/judge", made, classes)


@pytest.mark.parametrize(
    ("table", "kappa", "low", "high"),
    [
        # Cohen's kappa in Wikipedia (Lee et al.), and its two tables of Smeeton's
        ([[20, 5], [10, 15]], 0.4, 0.151092290, 0.648907710),
        ([[45, 15], [25, 15]], 0.130434783, -0.062938278, 0.323807843),
        ([[25, 35], [5, 35]], 0.259259259, 0.108028964, 0.410489555),
        # three classes: statsmodels.stats.inter_rater.cohens_kappa 0.14
        ([[44, 5, 1], [7, 20, 3], [9, 5, 6]], 0.491525424, 0.350158201, 0.632892646),
    ],
)
def test_kappa_and_its_interval_are_those_of_statsmodels_and_scikit_learn(
    table: list[list[int]], kappa: float, low: float, high: float
) -> None:
    ours = cohens_kappa(table)
    assert (ours.value, ours.low, ours.high) == pytest.approx((kappa, low, high), abs=1e-8)


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        ([(1, 1)] * 60, "all 60 of people's labels are of one class"),
        ([(1, 1)] * 30 + [(1, 0)] * 30, "all 60 of people's labels are of one class"),
        ([(1, 1)] * 30 + [(0, 1)] * 30, "all 60 of the judge's verdicts are of one class"),
        ([], "no label has a verdict beside it"),
    ],
)
def test_one_class_gives_no_kappa_and_closes_the_gate(
    pairs: list[tuple[float, float | None]], why: str
) -> None:
    ours = found(pairs)
    assert ours.kappa.value is None
    assert ours.kappa.none == why
    reason = ours.reason(Judges(min_labels=50))
    assert (why if pairs else "0 labels of people stand beside its verdicts") in reason


def test_sensitivity_and_specificity_and_the_rows_that_differ() -> None:
    ours = found([(1, 1)] * 8 + [(1, 0)] * 2 + [(0, 0)] * 3 + [(0, 1)])
    assert ours.confusion == ((3, 1), (2, 8))
    assert (ours.sensitivity.value, ours.specificity.value) == (0.8, 0.75)
    assert ours.agreed.value == pytest.approx(11 / 14)
    assert ours.differing == ("8", "9", "13")


def test_levels_are_classes_and_numbers_are_parted_in_the_middle_of_the_scale() -> None:
    levels = classes_of({"good": 1.0, "so so": 0.5, "bad": 0.0}, 0.0, 1.0, higher_is_better=True)
    assert found([(0.5, 0.5), (1.0, 0.5), (0.0, 0.0)], levels).confusion == (
        (1, 0, 0),
        (0, 1, 0),
        (0, 1, 0),
    )
    stars = classes_of({}, 1.0, 5.0, higher_is_better=True)
    assert found([(3.0, 4.5), (2.9, 3.0)], stars).confusion == ((0, 1), (0, 1))
    harm = classes_of({}, 0.0, 1.0, higher_is_better=False)
    assert found([(0.1, 0.2), (0.9, 0.1)], harm).confusion == ((0, 1), (0, 1))


@pytest.mark.slow
@given(st.lists(judged, max_size=40), st.data())
def test_losing_a_verdict_never_makes_a_judge_good_enough(
    pairs: list[tuple[float, float | None]], data: st.DataObject
) -> None:
    judges = Judges(min_kappa=0.4, min_labels=5)
    open_before = not found(pairs).reason(judges)
    with_verdict = [i for i, (_, verdict) in enumerate(pairs) if verdict is not None]
    if with_verdict:
        lost = data.draw(st.sampled_from(with_verdict))
        fewer = [(y, None if i == lost else v) for i, (y, v) in enumerate(pairs)]
        assert open_before or found(fewer).reason(judges)


def test_verdicts_that_are_missing_are_the_worst_that_they_can_be_with_any_classes() -> None:
    levels = classes_of({"good": 1.0, "so so": 0.5, "bad": 0.0}, 0.0, 1.0, higher_is_better=True)
    agreed: list[tuple[float, float | None]] = [(1, 1), (0.5, 0.5), (0, 0)] * 20
    missing: list[tuple[float, float | None]] = [(1, None), (1, None), (0.5, None), (0, None)]
    ours = found([*agreed, *missing], levels)
    assert ours.kappa.value == 1
    assert ours.worst_kappa is not None
    assert 0.9 < ours.worst_kappa < 0.92
    assert found([*agreed, *[(1.0, None)] * 200], levels).worst_kappa is None


def test_too_few_labels_close_the_gate_however_good_the_judge() -> None:
    pairs: list[tuple[float, float | None]] = [(1, 1), (0, 0)] * 24
    assert "48 labels of people" in found(pairs).reason(Judges())
    assert not found([*pairs, (1, 1), (0, 0)]).reason(Judges())
    weak = found([(1, 1), (0, 0), (1, 0), (0, 1)] * 15).reason(Judges())
    assert "agrees with people by a kappa of 0 (n=60), under judges.min_kappa 0.6" in weak
