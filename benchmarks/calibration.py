"""What people's labels correct, simulated: how often the interval holds the truth, and how wide.

    python -m benchmarks.calibration               # some minutes; --draws 100 for a look

Beside ours stand the judge alone, plain prediction-powered inference with its normal interval
(Angelopoulos et al., Science 2023), and the labels alone (Wilson). P(low > truth) is how often a
gate on the lower end opens for a model that it should stop: nominal 0.025.
"""

from __future__ import annotations

import argparse
import functools
import math
from collections.abc import Callable, Sequence
from unittest import mock

import numpy as np

import processing.gate.calibrated
from processing.gate.bounded_mean import lower_end, score_interval
from processing.gate.calibrated import JudgedRow, calibrated
from processing.gate.worst_case import UNIT

ROWS = 1_000
LABELS = (50, 100, 200)
RATES = (0.5, 0.7, 0.9, 0.95)
JUDGES = {
    "sensitivity .9, specificity .8": (0.9, 0.8),
    "never misses a right one, accepts half of the wrong": (1.0, 0.5),
    "errs on 30 %": (0.7, 0.7),
    "errs on 1 %": (0.99, 0.99),
}
Z = 1.959963984540054
Ends = tuple[float, float]
Random = np.random.Generator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1_000, help="samples for each line")
    draws = parser.parse_args().draws
    print(f"{ROWS} rows, {draws} samples: coverage of 95 % / P(low > truth) / width")
    for name, (sensitivity, specificity) in JUDGES.items():
        print(f"\n{name}\n{'rate':>6}{'labels':>8}" + "".join(f"{w:>24}" for w in WAYS))
        for rate in RATES:
            for labels in LABELS:
                found = simulated(rate, sensitivity, specificity, labels, draws=draws)
                cells = "".join(f"{c:>8.3f} {p:.3f} {w:.3f}    " for c, p, w in found.values())
                print(f"{rate:>6}{labels:>8}{cells}", flush=True)


def simulated(
    rate: float,
    sensitivity: float,
    specificity: float,
    labels: int,
    *,
    draws: int,
    rows: int = ROWS,
    ways: Sequence[str] = (),
) -> dict[str, tuple[float, float, float]]:
    """Way -> coverage, P(low > truth), mean width, over so many samples of yes and no."""
    random = np.random.default_rng([int(rate * 1000), labels])
    ends: dict[str, list[Ends]] = {name: [] for name in ways or WAYS}
    for _ in range(draws):
        truth = random.random(rows) < rate
        judge = np.where(
            truth, random.random(rows) < sensitivity, random.random(rows) > specificity
        )
        for name, found in ends.items():
            found.append(WAYS[name](truth.astype(float), judge.astype(float), labels))
    summary = {}
    for name, pairs in ends.items():
        low, high = np.array(pairs).T
        covered = ((low <= rate) & (rate <= high)).mean()
        summary[name] = (float(covered), float((low > rate).mean()), float((high - low).mean()))
    return summary


@functools.cache
def _remembered_end(yes: float, n: int, confidence: float) -> float:
    return lower_end([0.0] * (n - int(yes)) + [1.0] * int(yes), [1.0] * n, confidence)


def _end_of_yes_and_no(
    values: Sequence[float], _weights: Sequence[float], confidence: float
) -> float:
    """As many of each have the same end, which takes long to compute."""
    return _remembered_end(sum(values), len(values), confidence)


def _ours(truth: np.ndarray, judge: np.ndarray, labels: int) -> Ends:
    rows = [
        JudgedRow(f, y, len(judge) / labels) for f, y in zip(judge[:labels], truth, strict=False)
    ]
    rows += [JudgedRow(f) for f in judge[labels:]]
    with mock.patch.object(processing.gate.calibrated, "lower_end", _end_of_yes_and_no):
        found = calibrated(rows, UNIT)
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def _plain(truth: np.ndarray, judge: np.ndarray, labels: int) -> Ends:
    differences = truth[:labels] - judge[:labels]
    value = float(judge.mean() + differences.mean())
    half = Z * math.sqrt(judge.var() / len(judge) + differences.var(ddof=1) / labels)
    return value - half, value + half


def _judge_alone(_truth: np.ndarray, judge: np.ndarray, _labels: int) -> Ends:
    return score_interval(float(judge.mean()), len(judge), Z)


def _labels_alone(truth: np.ndarray, _judge: np.ndarray, labels: int) -> Ends:
    return score_interval(float(truth[:labels].mean()), labels, Z)


WAYS: dict[str, Callable[[np.ndarray, np.ndarray, int], Ends]] = {
    "ours": _ours,
    "PPI, normal interval": _plain,
    "labels alone": _labels_alone,
    "judge alone": _judge_alone,
}


if __name__ == "__main__":
    main()
