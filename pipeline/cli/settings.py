"""Options that several commands have: `--set KEY=VALUE`, `--rank-by METRIC`, `--variants`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from processing.base.errors import LaunchError


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


def add_variants_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--variants",
        nargs="*",
        metavar="NAME",
        help="run the variants of the file's section `variants`, all or those named, and compare "
        "and rank them (default: the file itself)",
    )
    add_rank_option(parser)


def require_variants(arguments: Namespace) -> None:
    """Raises LaunchError for --rank-by where nothing is ranked."""
    if arguments.rank_by is not None and arguments.variants is None:
        raise LaunchError("--rank-by ranks variants: give --variants too")
