"""`sweep`: deletes candidates' endpoints that a killed job has left behind."""

from __future__ import annotations

import datetime as dt
import re
import sys
from argparse import ArgumentParser, Namespace

from pipeline.cli.command import NOT_SUCCEEDED, SUCCEEDED, Command
from pipeline.cli.configured import connect, read_bundle
from processing.base.errors import LaunchError

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def sweep(arguments: Namespace) -> int:
    from processing.candidate.cleanup import age
    from processing.candidate.sweep import sweep_abandoned

    older_than = _parse_age(arguments.older_than)
    bundle = read_bundle(arguments)
    _, client = connect(bundle)
    name = bundle.config.pipeline.name
    left = sweep_abandoned(
        client,
        name,
        lambda deployment: age(deployment) >= older_than,
        print,
        dry_run=arguments.dry_run,
    )
    for line in left:
        print(f"error: could not be deleted: {line}", file=sys.stderr)
    return NOT_SUCCEEDED if left else SUCCEEDED


def _parse_age(text: str) -> dt.timedelta:
    """30m, 6h, 2d. Raises LaunchError."""
    found = re.fullmatch(r"(\d+)([mhd])", text)
    if found is None:
        raise LaunchError(f"--older-than {text}: give an age as 30m, 6h or 2d")
    return dt.timedelta(**{UNITS[found[2]]: int(found[1])})


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--older-than",
        default="6h",
        metavar="AGE",
        help="only what is older, such as 30m, 6h or 2d (default: %(default)s)",
    )
    parser.add_argument("--dry-run", action="store_true", help="only print what would be deleted")


SWEEP = Command(
    name="sweep",
    summary="delete candidates' endpoints that a killed job has left behind",
    description=(
        "Delete the endpoints, endpoint configurations and models that an evaluation made for a\n"
        "candidate and could not delete itself. Nothing that belongs to a running execution is\n"
        "touched."
    ),
    examples=("sweep --dry-run", "sweep --older-than 30m"),
    run=sweep,
    add_options=_options,
)
