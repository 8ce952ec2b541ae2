"""How often the gate's intervals err: P(lower end > truth), 0.025 where they keep their word.

    python -m benchmarks.gate_errors            # some minutes; --draws 300 for a look

The cases are those in which Student's t, which the gate had before, erred most; it stands beside.
"""

from __future__ import annotations

import argparse

import numpy as np

from processing.gate.bounded_mean import bounded_interval
from processing.gate.intervals import CONFIDENCE, estimate, student_t
from processing.gate.paired import paired_mean

GRADED = {
    "1, .5, 0 in .90, .08, .02": ([1, 0.5, 0], [0.9, 0.08, 0.02]),
    "97 % at .9, 3 % at 0": ([0.9, 0], [0.97, 0.03]),
    "99 % at .9, 1 % at 0": ([0.9, 0], [0.99, 0.01]),
    "yes in 90 %": ([1, 0], [0.9, 0.1]),
    "yes in 50 %": ([1, 0], [0.5, 0.5]),
}
PAIRED = {
    "2 % lost, none won": ([1, 0, -1], [0, 0.98, 0.02]),
    "5 % lost, none won": ([1, 0, -1], [0, 0.95, 0.05]),
    "15 % lost, 10 % won": ([1, 0, -1], [0.1, 0.75, 0.15]),
    "graded, -.2 to .2": ([0.2, 0, -0.2], [0.2, 0.5, 0.3]),
}
ROWS = (30, 45, 100, 400)
CLUSTERS = (10, 30, 100)
RATE, CORRELATION, ROWS_A_CLUSTER = 0.7, 0.3, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2_000, help="samples for each cell")
    draws = parser.parse_args().draws
    print(f"P(lower end > truth) over {draws} samples: ours / Student's t; nominal 0.025")
    heading = "".join(f"{f'n={n}':>16}" for n in ROWS)
    for title, cases in (("mean on a scale of 0 to 1", GRADED), ("paired difference", PAIRED)):
        print(f"\n{title:28}{heading}")
        for name, (values, shares) in cases.items():
            cells = "".join(f"{_cell(values, shares, n, draws, title):>16}" for n in ROWS)
            print(f"{name:28}{cells}", flush=True)
    print(f"\n{ROWS_A_CLUSTER} yes/no rows a cluster, correlation {CORRELATION}, rate {RATE}")
    print(f"{'clusters':>10}{'decides: P(low > truth)':>26}{'shown: coverage':>18}{'by rows':>10}")
    for clusters in CLUSTERS:
        print(_clustered(clusters, draws), flush=True)


def _clustered(count: int, draws: int) -> str:
    random = np.random.default_rng(count)
    spread = (1 - CORRELATION) / CORRELATION
    clusters = [str(i) for i in range(count) for _ in range(ROWS_A_CLUSTER)]
    wrong = covered = by_rows = 0
    for _ in range(draws):
        rates = random.beta(RATE * spread, (1 - RATE) * spread, count)
        rows = (random.random((count, ROWS_A_CLUSTER)) < rates[:, None]).astype(float)
        sample = rows.ravel().tolist()
        wrong += bounded_interval(sample, 0, 1, CONFIDENCE, clusters)[0] > RATE
        shown, naive = estimate(sample, clusters=clusters), estimate(sample)
        covered += (shown.low or 0) <= RATE <= (shown.high or 1)
        by_rows += (naive.low or 0) <= RATE <= (naive.high or 1)
    return f"{count:>10}{wrong / draws:>26.3f}{covered / draws:>18.3f}{by_rows / draws:>10.3f}"


def _cell(values: list[float], shares: list[float], n: int, draws: int, title: str) -> str:
    random = np.random.default_rng(n)
    truth = float(np.dot(values, shares))
    ours = theirs = 0
    for _ in range(draws):
        sample = random.choice(values, n, p=shares).tolist()
        if title.startswith("paired"):
            found = paired_mean(sample, 1.0).low
            low = -1.0 if found is None else found
        else:
            low = bounded_interval(sample, 0, 1, CONFIDENCE)[0]
        ours += low > truth
        theirs += student_t(sample)[0] > truth
    return f"{ours / draws:.3f} / {theirs / draws:.3f}"


if __name__ == "__main__":
    main()
