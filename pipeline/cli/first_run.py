"""`first-run`: tries once what only an AWS account can settle, and deletes what it made."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from pipeline.cli.command import INTERRUPTED, NOT_SUCCEEDED, SUCCEEDED, Command
from pipeline.cli.configured import checked_definition, connect, read_bundle
from pipeline.cli.outcome import add_poll_option
from processing.base.errors import LaunchError


def first_run(arguments: Namespace) -> int:
    import contextlib

    from pipeline.cli.error_line import error_line
    from pipeline.first_run.plan import plan
    from pipeline.first_run.results import (
        cost_lines,
        result_lines,
        summary_line,
        table_lines,
        write_file,
    )
    from pipeline.first_run.step import Result, settle
    from pipeline.first_run.throwaway import Throwaway, deleting
    from pipeline.first_run.trial import Trial

    bundle = read_bundle(arguments)
    if arguments.model_package and bundle.config.candidate is None:
        raise LaunchError(
            f"{arguments.config} has no section candidate:, which says where --model-package is "
            "deployed"
        )
    if bundle.config.dataset.answers_given:
        raise LaunchError(
            f"{arguments.config} has dataset.answers: given; first-run tries endpoint, candidate "
            "and registration too: give it a file that asks an endpoint"
        )
    checked_definition(arguments, bundle)
    session, client = connect(bundle)
    trial = Trial(
        session, client, bundle, Throwaway(), arguments.model_package, arguments.poll_seconds, _say
    )
    steps = list(plan(trial))
    if arguments.dry_run:
        print("\n".join(cost_lines(steps)))
        return SUCCEEDED
    arguments.output.touch()  # or it would be known at the end only that it cannot be written
    _say(f"all that is made is named {trial.made.name}, and deleted at the end")
    results: list[Result] = []
    with deleting(trial.made, _say), contextlib.suppress(KeyboardInterrupt):
        for result in settle(steps, lambda error: error_line(error, str(arguments.config))):
            results.append(result)
            _say("\n".join(result_lines(result)))
    write_file(arguments.output, trial, results)
    _say("\n".join(table_lines(results)))
    _say(f"{summary_line(results)}; the file to send back: {arguments.output}")
    if len(results) < len(steps) or any(result.status == "interrupted" for result in results):
        return INTERRUPTED
    good = all(result.status == "settled" for result in results) and not trial.made.left
    return SUCCEEDED if good else NOT_SUCCEEDED


def _say(line: str) -> None:
    print(line, flush=True)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="only list the steps and what each costs"
    )
    parser.add_argument(
        "--model-package",
        metavar="ARN",
        help="a model package to deploy as a candidate and stop, twice; needs candidate: in the "
        "file (default: this is not tried)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("first-run.json"),
        metavar="FILE",
        help="where the results go, without secrets and account number (default: %(default)s)",
    )
    add_poll_option(parser)


FIRST_RUN = Command(
    name="first-run",
    summary="try once, cheapest first, what only an AWS account can settle",
    description=(
        "Try what only an AWS account can settle, the cheapest first; a step that AWS refuses\n"
        "ends it. It looks at all that `check --online` looks at, has IAM simulate the roles'\n"
        "rights, creates the whole pipeline under another name, registers made-up evaluations,\n"
        "catches the event of a new version, evaluates 5 rows, and stops a candidate twice.\n"
        "Everything that it makes is tagged and deleted at the end, also after Ctrl-C. It needs\n"
        "an administrator's rights. The exit code is 1 if a step is not settled."
    ),
    examples=("first-run --dry-run", "first-run --config my.yaml"),
    run=first_run,
    add_options=_options,
)
