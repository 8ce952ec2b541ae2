"""What an evaluation of many rows costs and takes, from the benchmark's constants: docs/scale.md.

python benchmarks/arithmetic.py --judge-calls 10 --judge-requests-per-minute 1000
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

# Measured by benchmarks/evaluation.py on 2 cores; see docs/scale.md for the runs.
START_SECONDS = 4.0
CLIENT_SECONDS_A_ROW = 0.007
CLIENT_SECONDS_A_CALL = 0.002
MLFLOW_SECONDS_A_ROW = 0.014
MLFLOW_BYTES_A_ROW, MLFLOW_BYTES_A_VERDICT = 7_000, 2_000


@dataclass(frozen=True)
class Prices:
    """In US dollars. Examples, not quotations: put in those of your region and models."""

    judge_input_per_million: float
    judge_output_per_million: float
    endpoint_hour: float
    job_hour: float


def main() -> None:
    given = _arguments()
    prices = Prices(given.judge_input, given.judge_output, given.endpoint_hour, given.job_hour)
    print(
        "| rows | endpoint calls | judge calls | hours, endpoint | hours, judges | hours, MLflow "
        "| judges $ | endpoint $ | job $ | MLflow GB |"
    )
    print("|---" * 10 + "|")
    for rows in (1_000, 100_000, 10_000_000):
        print(_line(rows, given, prices))


def _line(rows: int, given: argparse.Namespace, prices: Prices) -> str:
    calls = rows * given.judge_calls
    endpoint = rows * given.endpoint_seconds / given.endpoint_at_once / 3600
    by_latency = calls * given.judge_seconds / given.judge_at_once / 3600
    judges = max(by_latency, calls / given.judge_requests_per_minute / 60)
    mlflow = rows * MLFLOW_SECONDS_A_ROW / 3600
    client = rows * (CLIENT_SECONDS_A_ROW + (1 + given.judge_calls) * CLIENT_SECONDS_A_CALL) / 3600
    hours = START_SECONDS / 3600 + endpoint + max(judges, mlflow, client / given.instances)
    tokens = calls * (
        given.judge_tokens_in * prices.judge_input_per_million
        + given.judge_tokens_out * prices.judge_output_per_million
    )
    stored = rows * (MLFLOW_BYTES_A_ROW + given.judge_calls * MLFLOW_BYTES_A_VERDICT)
    return (
        f"| {rows:,} | {rows:,} | {calls:,} | {endpoint:,.2f} | {judges:,.2f} | {mlflow:,.2f} "
        f"| {tokens / 1e6:,.0f} | {hours * prices.endpoint_hour:,.2f} "
        f"| {hours * prices.job_hour * given.instances:,.2f} | {stored / 1e9:,.2f} |"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in {
        "judge-calls": 10,
        "judge-seconds": 2.0,
        "judge-at-once": 64,
        "judge-requests-per-minute": 1000.0,
        "judge-tokens-in": 700,
        "judge-tokens-out": 120,
        "judge-input": 3.0,
        "judge-output": 15.0,
        "endpoint-seconds": 3.0,
        "endpoint-at-once": 16,
        "endpoint-hour": 1.5,
        "job-hour": 0.25,
        "instances": 1,
    }.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    return parser.parse_args()


if __name__ == "__main__":
    main()
