"""`--set KEY=VALUE`, which several commands have."""

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
