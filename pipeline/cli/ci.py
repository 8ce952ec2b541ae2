"""Options for continuous integration: `--junit FILE`, `--json`, and GitHub's step summary."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from processing.base.secrets import masked

if TYPE_CHECKING:
    from pipeline.executions.ci.outcome import Outcome


def add_ci_options(parser: ArgumentParser, *, json_help: str) -> None:
    parser.add_argument(
        "--junit",
        type=Path,
        metavar="FILE",
        help="write the verdict as JUnit XML too, a case for each bound (default: no)",
    )
    parser.add_argument("--json", action="store_true", help=json_help)


@contextlib.contextmanager
def told_to_ci(arguments: Namespace, name: str) -> Iterator[list[Outcome]]:
    """Whatever outcomes the block has added to the list are written where they are wanted.

    An error that ends the block is one of them, under `name`. With --json standard output has the
    JSON and nothing else; what else is printed goes to standard error.
    """
    from pipeline.executions.ci.junit import write_junit
    from pipeline.executions.ci.markdown import add_to_step_summary

    outcomes: list[Outcome] = []
    begun, stdout = time.monotonic(), sys.stdout
    aside = contextlib.redirect_stdout(sys.stderr) if arguments.json else contextlib.nullcontext()
    try:
        with aside:
            yield outcomes
    except Exception as error:
        outcomes.append(_broken(arguments, name, error))
        raise
    finally:
        if len(outcomes) == 1 and outcomes[0].seconds is None:
            outcomes[0] = replace(outcomes[0], seconds=time.monotonic() - begun)
        if arguments.junit and outcomes:
            write_junit(arguments.junit, outcomes)
        add_to_step_summary(outcomes)
        if arguments.json and outcomes:
            documents = [outcome.as_json() for outcome in outcomes]
            document = documents if len(documents) > 1 else documents[0]
            print(
                json.dumps(document, indent=2, ensure_ascii=False, default=lambda t: t.isoformat()),
                file=stdout,
                flush=True,
            )


def _broken(arguments: Namespace, name: str, error: Exception) -> Outcome:
    from pipeline.cli.error_line import error_line
    from pipeline.executions.ci.outcome import Outcome

    return Outcome(name, None, broke=masked(error_line(error, str(arguments.config))))
