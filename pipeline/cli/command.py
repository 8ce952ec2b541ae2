"""What a command is: a name, its help, its options, and what it does."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SUCCEEDED, NOT_SUCCEEDED, MISUSED, BROKE = 0, 1, 2, 3
"""NOT_SUCCEEDED is an answer: not passed, something is wrong. BROKE: there is no answer."""

INTERRUPTED = 130  # as a shell has it for Ctrl-C
DEFAULT_CONFIG = Path("evaluation.yaml")


def no_options(_: argparse.ArgumentParser) -> None:
    """For a command that has none of its own."""


@dataclass(frozen=True)
class Command:
    """`summary` stands in the list of commands, `description` in the command's own help.

    `examples` are what a user types after `pipeline_definition.py`. `run` returns the exit code.
    """

    name: str
    summary: str
    description: str
    examples: tuple[str, ...]
    run: Callable[[argparse.Namespace], int]
    add_options: Callable[[argparse.ArgumentParser], None] = no_options
