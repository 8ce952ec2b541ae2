"""Calls and money to a verdict: the whole run, and stopped early, by how good the model is.

    python -m benchmarks.stopping                   # half a minute; --runs 2000 for sharper figures

Simulated: yes/no verdicts on 1,000 rows in a drawn order, one hard threshold of 0.7 on their mean.
Each run's rows are drawn with the true mean as their rate. Nobody is asked; what is on its way when
a run stops (as many calls as the judge's concurrency) comes on top.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from processing.config.gate import Budgets, Threshold
from processing.config.thresholds import threshold_parameters
from processing.gate.confident import ConfidentRefusal
from processing.gate.confident_pass import ConfidentPass
from processing.gate.running_verdict import GateRules, RunningVerdict
from processing.gate.settled_answer import SettledAnswer
from processing.gate.worst_case import Scale

MEANS = (0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.97)
BOUND = 0.7
WAYS = ("certain", "confident", "confident, for: both")
DOLLARS_A_CALL = 39 / 10_000
"""docs/scale.md: 700 tokens in and 120 out, at 3 and 15 dollars a million."""
ANSWERED = SettledAnswer(answered=True, failed=False, said=True, cut=False)


@dataclass(frozen=True)
class Stopped:
    """After how many rows, and with which verdict: that of the whole run where nothing stops it."""

    rows: int
    passed: bool


def main() -> None:
    given = _arguments()
    print(
        f"{given.rows:,} rows, {given.calls} judge calls a row, threshold {BOUND}, "
        f"error {given.error}, {given.runs} runs a line"
    )
    calls = given.rows * given.calls
    print(f"the whole run: {calls:,} calls, ${calls * DOLLARS_A_CALL:,.2f}\n")
    print("| true mean | passes | " + " | ".join(f"{way}: calls | $ | same" for way in WAYS) + " |")
    print("|---" * (2 + 3 * len(WAYS)) + "|")
    for mean in MEANS:
        print(_line(mean, given), flush=True)


def _line(mean: float, given: argparse.Namespace) -> str:
    random = np.random.default_rng(round(mean * 1000))
    passes = 0
    found: dict[str, list[tuple[Stopped, bool]]] = {way: [] for way in WAYS}
    for _ in range(given.runs):
        numbers = (random.random(given.rows) < mean).astype(float)
        passed = bool(numbers.mean() >= BOUND)
        passes += passed
        for way, stopped in stops(numbers.tolist(), passed=passed, error=given.error).items():
            found[way].append((stopped, stopped.passed == passed))
    cells = []
    for way in WAYS:
        rows = float(np.mean([stopped.rows for stopped, _ in found[way]]))
        same = float(np.mean([same for _, same in found[way]]))
        cells.append(f"{_cost(rows, given.calls)} | {same:.1%}")
    return f"| {mean} | {passes / given.runs:.0%} | " + " | ".join(cells) + " |"


def stops(numbers: list[float], *, passed: bool, error: float) -> Mapping[str, Stopped]:
    """Where each way stops on these numbers, whose whole run has `passed` or not."""
    rows = {str(i): {} for i in range(len(numbers))}  # type: dict[str, dict[str, str]]
    threshold = threshold_parameters({"Correctness": Threshold(min=BOUND)})
    rules = GateRules(threshold, Budgets(), {"Correctness": Scale()})
    certain, refusal = RunningVerdict(rules, rows), ConfidentRefusal(rules, rows, error=error)
    passing = ConfidentPass(rules, rows, error=error)
    found: dict[str, Stopped] = {}
    for done, (row_id, number) in enumerate(zip(rows, numbers, strict=True), 1):
        certain.answered(row_id, ANSWERED)
        passing.answered(row_id, ANSWERED)
        for each in (certain, refusal, passing):
            each.scored(row_id, "Correctness", number)
        closed, refused = bool(certain.reasons), bool(certain.reasons or refusal.refusals)
        if closed:
            found.setdefault("certain", Stopped(done, passed=False))
        if refused:
            for way in WAYS[1:]:
                found.setdefault(way, Stopped(done, passed=False))
        elif passing.decided and not passing.waits_for(certain):
            found.setdefault(WAYS[2], Stopped(done, passed=True))
        if len(found) == len(WAYS):
            break
    return {way: found.get(way, Stopped(len(numbers), passed)) for way in WAYS}


def _cost(rows: float, calls: int) -> str:
    return f"{rows * calls:,.0f} | {rows * calls * DOLLARS_A_CALL:,.2f}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--calls", type=int, default=10, help="a row")
    parser.add_argument("--error", type=float, default=0.05)
    parser.add_argument("--runs", type=int, default=100, help="for each true mean")
    return parser.parse_args()


if __name__ == "__main__":
    main()
