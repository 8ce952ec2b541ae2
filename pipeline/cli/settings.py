"""Options that several commands have: `--set KEY=VALUE`, `--rank-by METRIC`."""

from __future__ import annotations

from argparse import ArgumentParser


def add_set_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="vary a key of the file for this run, such as endpoint.parameters.temperature=0.7 or "
        "endpoint.system_prompt=@prompt.txt (a file's text); may be repeated (default: as the file "
        "has it)",
    )


def add_rank_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--rank-by",
        metavar="METRIC",
        help="what the compared ones are ranked by, those that passed the gate first: a scorer, "
        "latency_mean_ms, input_tokens_mean or output_tokens_mean (default: the first of them that "
        "the file has a threshold for)",
    )
