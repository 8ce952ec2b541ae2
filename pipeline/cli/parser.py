"""The command line's argument parser and its help texts, made from the commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline.cli.command import DEFAULT_CONFIG, Command
from pipeline.cli.commands import COMMANDS, GROUPS
from processing.base.suggestion import did_you_mean

_SUBJECT = "Evaluate an LLM behind a SageMaker endpoint; register it only if it is good enough."


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command's arguments, `run` among them. Exits with 2 for what cannot be understood."""
    parser = _parser()
    unknown = next((text for text in argv or [] if not text.startswith("-")), None)
    if unknown is not None and unknown not in COMMANDS:
        meant = did_you_mean(unknown, COMMANDS) or f"; there are {', '.join(COMMANDS)}"
        parser.error(f"there is no command {unknown!r}{meant}")
    arguments, left = parser.parse_known_args(argv)
    late = [text for text in left if not text.startswith("-")]
    if len(left) == len(late) == 1 and vars(arguments).get("run_name", "") is None:
        # for argparse an optional RUN is over where an option stands before it
        arguments.run_name = late[0]
    elif left:
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pipeline_definition.py",
        usage="%(prog)s COMMAND [options]",
        description=f"{_SUBJECT}\n\n{_listed()}",
        epilog="%(prog)s COMMAND --help shows a command's options and examples",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # both before and after the command; the one after it must not take back the one before
    parser.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    added = parser.add_subparsers(
        required=True, metavar="COMMAND", prog=parser.prog, help=argparse.SUPPRESS
    )
    for command in COMMANDS.values():
        _add(command, added.add_parser(
            command.name,
            description=command.description,
            epilog="\n".join(["examples:", *(f"  {typed}" for typed in _typed(command))]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        ))  # fmt: skip
    return parser


def _add(command: Command, parser: argparse.ArgumentParser) -> None:
    command.add_options(parser)
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE",
                        help="the configuration (default: %(default)s)")  # fmt: skip
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS,
                        help="show where an error comes from")  # fmt: skip
    parser.set_defaults(run=command.run)


def _typed(command: Command) -> list[str]:
    return [f"python pipeline_definition.py {example}" for example in command.examples]


def _listed() -> str:
    """The groups with their commands, each with its summary."""
    width = max(map(len, COMMANDS)) + 2
    groups = (
        "\n".join([f"{title}:", *(f"  {c.name:<{width}}{c.summary}" for c in commands)])
        for title, commands in GROUPS.items()
    )
    return "\n\n".join(groups)
