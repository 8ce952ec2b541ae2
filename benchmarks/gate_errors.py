"""How often the gate's intervals err: P(lower end > truth), 0.025 where they keep their word.

    python -m benchmarks.gate_errors            # some minutes; --draws 300 for a look

The cases are those in which Student's t, which the gate had before, erred most; it stands beside.
"""

from __future__ import annotations

import argparse

import numpy as np

from processing.gate.bounded_mean import bounded_interval
from processing.gate.intervals import CONFIDENCE, student_t
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
