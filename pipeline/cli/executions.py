"""`status`, `list` and `stop`: the pipeline's executions."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from pipeline.cli.ci import add_ci_options, told_to_ci
from pipeline.cli.command import SUCCEEDED, Command
from pipeline.cli.configured import connect, read_bundle
from pipeline.cli.outcome import (
    Following,
    add_poll_option,
    follow_to_its_end,
    report_uri,
    show_result,
)
from processing.base.visible_text import visible

if TYPE_CHECKING:
    from pipeline.executions.ci.outcome import Outcome


def status(arguments: Namespace) -> int:
    with told_to_ci(arguments, str(arguments.config)) as outcomes:
        return _status(arguments, outcomes)


def _status(arguments: Namespace, outcomes: list[Outcome]) -> int:
    from pipeline.executions import launch
    from pipeline.executions.follow import show_once

    bundle = read_bundle(arguments)
    session, client = connect(bundle)
    arn = launch.find_execution(client, bundle.config.pipeline.name, arguments.execution)
    if arguments.follow:
        return follow_to_its_end(arguments, Following(bundle, session, client, outcomes), arn)
    outcomes.append(show_result(bundle, session, client, show_once(session, client, arn))[1])
    return SUCCEEDED


def list_executions(arguments: Namespace) -> int:
    from pipeline.executions import launch
    from pipeline.executions.verdicts import verdict_words

    bundle = read_bundle(arguments)
    session, client = connect(bundle)
    listed = launch.list_executions(client, bundle.config.pipeline.name)
    words = verdict_words(
        listed, lambda id_: launch.read_evaluation(session, report_uri(bundle, id_))
    )
    for summary, word in zip(listed, words, strict=True):
        execution = summary["PipelineExecutionArn"].rpartition("/")[2]
        name = visible(summary.get("PipelineExecutionDisplayName") or "")
        print(
            f"{execution}  {summary['StartTime']:%Y-%m-%d %H:%M:%S}  "
            f"{summary['PipelineExecutionStatus']:<12}  {word:<10}  {name}".rstrip()
        )
    return SUCCEEDED


def stop(arguments: Namespace) -> int:
    from pipeline.executions import launch

    bundle = read_bundle(arguments)
    _, client = connect(bundle)
    arn = launch.find_execution(client, bundle.config.pipeline.name, arguments.execution)
    launch.stop(client, arn)
    print(f"stopping {arn}")
    return SUCCEEDED


def _execution_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "execution",
        nargs="?",
        metavar="EXECUTION",
        help="its id or ARN, as `list` shows it (default: the latest)",
    )


def _status_options(parser: ArgumentParser) -> None:
    _execution_option(parser)
    parser.add_argument(
        "--follow",
        action="store_true",
        help="until it has ended; exit code 1 if the gate is not passed, 3 if it broke",
    )
    add_ci_options(
        parser, json_help="as JSON: steps, verdict, and evaluation.json once there is one"
    )
    add_poll_option(parser)


STATUS = Command(
    name="status",
    summary="show an execution: steps, verdict, reasons, links",
    description=(
        "Show an execution as it is now: its steps with times and outcomes, the metrics with\n"
        "their thresholds once there is a verdict, and links to Studio, MLflow and the report."
    ),
    examples=("status", "status --follow", "status a1b2c3d4e5f6 --json"),
    run=status,
    add_options=_status_options,
)
LIST = Command(
    name="list",
    summary="list the pipeline's executions, newest first",
    description="List the pipeline's executions, newest first: id, start (UTC), status,\n"
    "the gate's verdict, and name.",
    examples=("list", "list --config my.yaml"),
    run=list_executions,
)
STOP = Command(
    name="stop",
    summary="stop a running execution",
    description=(
        "Stop a running execution: its jobs are told to end, and keep what they have paid for."
    ),
    examples=("stop", "stop a1b2c3d4e5f6"),
    run=stop,
    add_options=_execution_option,
)
