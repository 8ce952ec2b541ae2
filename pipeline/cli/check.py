"""`check`: what is wrong with the configuration, before anything is created or paid for."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.command import NOT_SUCCEEDED, SUCCEEDED, Command
from pipeline.cli.configured import checked_definition, connect, read_bundle
from pipeline.cli.printed import say

if TYPE_CHECKING:
    from boto3 import Session

    from pipeline.definition.bundle import Bundle
    from processing.config.model import EvaluationConfig
    from processing.dataset.rows import Row


def check(arguments: Namespace) -> int:
    import datetime as dt
    import json

    from pipeline.checks.prices.look_up import stale_prices
    from pipeline.checks.reach import check_reach
    from pipeline.checks.scorers import check_scorers
    from processing.base.errors import LaunchError
    from processing.config.judge import silence_libraries
    from processing.config.judge_keys import missing_judge_keys
    from processing.config.retrieval import context_lines

    if arguments.write_prices and not arguments.online:
        raise LaunchError("--write-prices looks them up on AWS: check --online --write-prices")
    bundle = read_bundle(arguments)
    silence_libraries()
    document = json.loads(checked_definition(arguments, bundle))
    check_reach(bundle, str(arguments.config))
    tried = check_scorers(bundle, arguments.config)
    config = bundle.config
    asked_later = len(config.pairwise_scorers)
    for_compare = f" and {asked_later} more for `compare`" if asked_later else ""
    say(
        f"{arguments.config}: good. Pipeline {config.pipeline.name}: "
        f"{len(document['Parameters'])} parameters, {len(config.scorers)} scorers{for_compare}, "
        f"{len(config.thresholds)} thresholds on {', '.join(config.thresholds)}"
        + "".join(
            f"; for each {column} (slices) {', '.join(section.thresholds)}"
            for column, section in config.slices.items()
        )
    )
    if bundle.variants:
        say(f"variants: {', '.join(variant.name for variant in bundle.variants)}")
    if tried.verdicts:
        said = ", ".join(f"{name} {verdict}" for name, verdict in tried.verdicts.items())
        say(f"tried on the first row, with its expected answer as the answer: {said}")
    for note in tried.notes:
        say(f"note: {note}")
    for line in (
        *context_lines(config),
        *_row_lines(bundle, arguments.config),
        *_stopping_lines(config),
    ):
        say(line)
    for line in stale_prices(config.prices, dt.datetime.now(dt.UTC).date()):
        say(f"warning: {line}")
    if ".dkr.ecr." not in config.infrastructure.image:
        say(
            f"note: infrastructure.image {config.infrastructure.image!r} is not in ECR: "
            "the local AWS accepts it, AWS does not"
        )
    for line in missing_judge_keys(config, {*config.secrets, *config.infrastructure.environment}):
        say(f"note: {line}")
    if not arguments.online and config.mlflow.is_managed:
        say(
            "note: where MLflow keeps artifacts, and whether the job may write there, is not known "
            "without AWS: `check --online` and `permissions create` ask for it"
        )
    return _check_online(arguments, bundle) if arguments.online else SUCCEEDED


MOST_BYTES = 64_000_000
"""Of a dataset that is read as a whole to tell how often the gate errs; `plan` reads any."""


def _row_lines(bundle: Bundle, config: Path) -> Iterator[str]:
    """What the rows say of the file, and how often the gate errs on so many.

    Nothing where the rows are not known without reading much.
    """
    from pipeline.checks.plan.gate import gate_errors
    from pipeline.checks.plan.rows import planned_rows
    from processing.base.errors import DatasetError

    upload = bundle.dataset_upload
    if upload.path.stat().st_size > MOST_BYTES if upload else not bundle.config.dataset.sample_size:
        return
    try:
        planned = planned_rows(bundle, config)
    except DatasetError as error:
        yield f"note: PrepareDataset will not take these rows: {str(error).splitlines()[0]}"
        return
    yield from _instruction_lines(bundle.config, planned.rows)
    found = gate_errors(bundle.config, planned)
    if found.deciding:
        often = (
            "warning: the gate errs more than one time in five: " if found.errs_too_often else ""
        )
        yield f"{often}with {planned.count:,} rows, {found.line()} (`plan` says more)"


def _instruction_lines(config: EvaluationConfig, rows: Sequence[Row]) -> Iterator[str]:
    from processing.endpoint.prompt import instructs_itself

    if not config.endpoint.system_prompt or config.dataset.answers_given:
        return
    if own := sum(map(instructs_itself, rows)):
        yield (
            f"note: {own:,} of {len(rows):,} rows have a system message of their own, which is "
            "sent in the place of endpoint.system_prompt"
        )


def _stopping_lines(config: EvaluationConfig) -> Iterator[str]:
    instances = config.infrastructure.evaluate.instance_count
    if instances > 1 and config.stop_early.mode != "none":
        yield (
            f"note: stop_early: {config.stop_early.mode} is for one instance; "
            f"infrastructure.evaluate.instance_count is {instances}, and all rows are asked"
        )


def _check_online(arguments: Namespace, bundle: Bundle) -> int:
    """Print a line for each thing that the file names on AWS; whether all of them are good."""
    from pipeline.checks.online import check_online
    from pipeline.cli.error_line import error_line

    session, _ = connect(bundle)
    good = True
    for finding in check_online(session, bundle):
        outcome = finding.outcome
        if isinstance(outcome, Exception):
            good = False
            say(f"WRONG  {finding.what}: {error_line(outcome, str(arguments.config))}", flush=True)
        else:
            say(f"good   {finding.what}: {outcome}", flush=True)
    good = _prices(arguments, session, bundle) and good
    return SUCCEEDED if good else NOT_SUCCEEDED


def _prices(arguments: Namespace, session: Session, bundle: Bundle) -> bool:
    """Print a line for each judge on Bedrock; with --write-prices, False where one has no price."""
    from pipeline.checks.prices.look_up import look_up_prices
    from pipeline.checks.prices.write import write_prices
    from pipeline.cli.error_line import error_line
    from processing.base.aws_hints import acting_as

    try:
        with acting_as("caller"):
            found = look_up_prices(session, bundle)
    except Exception as error:  # noqa: BLE001 whatever it is, the rest has been looked at
        why = error_line(error, str(arguments.config))
        say(f"price  not looked up: {why}", flush=True)
        return not arguments.write_prices
    for price in found:
        say(f"price  {price.model}: {price.said}", flush=True)
    if not arguments.write_prices:
        if any(price.prices and price.model not in bundle.config.prices for price in found):
            say(f"note: --write-prices puts these prices into {arguments.config}, with the date")
        return True
    certain = {price.model: price.prices for price in found if price.prices}
    if certain:
        write_prices(arguments.config, certain)
        say(f"{arguments.config}: prices of {', '.join(certain)} are written, as of today")
    return all(price.prices or price.kept for price in found)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--online", action="store_true", help="also check on AWS everything that the file names"
    )
    parser.add_argument(
        "--write-prices",
        action="store_true",
        help="put what AWS's price list says of the judges into the file (with --online)",
    )


CHECK = Command(
    name="check",
    summary="check the configuration; with --online, what it names on AWS too",
    description=(
        "Check the configuration, the dataset's first rows, the scorers and their options, what\n"
        "those that ask no judge say of a row whose answer is the expected one, and the pipeline\n"
        "definition against SageMaker's quotas. It needs no AWS account and changes\n"
        "nothing. With --online it checks credentials, bucket, roles, image, endpoint, judges,\n"
        "MLflow, model package group and trigger. The endpoint is asked about the dataset's first\n"
        "row, a judge one short question in the form and with the parameters of the run, and\n"
        "five answers to other questions, which it has to reject. What that cost is printed, and\n"
        "what the judges on Bedrock cost per token by AWS's price list; --write-prices keeps that."
    ),
    examples=("check", "check --online --config my.yaml", "check --online --write-prices"),
    run=check,
    add_options=_options,
)
