"""Whether an evaluation settles near what a service takes: `make bench-throttling`.

The stub admits so many calls at once and throttles the others, as Bedrock and SageMaker do. Shown:
the calls in flight, second by second, and the share that was throttled.

    python benchmarks/throttling.py --at-once 4 16 50 --rows 1000
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from evaluation import CONTENDERS, Work, get_json, running_servers, timed_run

BARS = " ▁▂▃▄▅▆▇█"
MAXIMUM = 64


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--at-once", type=int, nargs="+", default=[4, 16, 50])
    parser.add_argument("--rows", type=int, default=1000)
    given = parser.parse_args()
    for at_once in given.at_once:
        rows = min(given.rows, 60 * at_once)
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as name,
            running_servers(Path(name), at_once) as servers,
        ):
            command, environment = CONTENDERS["ours"](
                Work(rows, "0", MAXIMUM, 1), Path(name), servers
            )
            assert command is not None
            timed_run(command, environment, Path(name))
            told = get_json(f"{servers.stub}/calls")
        begun = told["curve"][0][0]
        took = told["curve"][-1][0] - begun
        print(
            f"admits {at_once:>3} at once: {rows} rows, {told['throttled']} throttled "
            f"({told['throttled'] / rows:.1%}), {took:.1f} s of asking, "
            f"ideal {rows * 0.2 / at_once:.1f} s"
        )
        print(f"  in flight, every 0.5 s: {_curve(told['curve'], begun, at_once)}")


def _curve(points: list[tuple[float, int]], begun: float, at_once: int) -> str:
    busiest: dict[int, int] = {}
    for moment, in_flight in points:
        half = int((moment - begun) * 2)
        busiest[half] = max(busiest.get(half, 0), in_flight)
    shown = [busiest.get(half, 0) for half in range(max(busiest) + 1)]
    return "".join(BARS[min(8, round(8 * each / at_once))] for each in shown)


if __name__ == "__main__":
    main()
