"""Following an execution to its end, and showing what came of it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from pipeline.cli.command import BROKE, DEFAULT_CONFIG, INTERRUPTED, NOT_SUCCEEDED, SUCCEEDED

if TYPE_CHECKING:
    from boto3 import Session

    from pipeline.definition.bundle import Bundle
    from pipeline.executions.launch import ExecutionStatus


def add_poll_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--poll-seconds",
        type=float,
        default=2.0,
        metavar="N",
        help="while following, look again every N seconds (default: %(default)s)",
    )


def follow_to_its_end(
    arguments: Namespace, bundle: Bundle, session: Session, client: Any, arn: str
) -> int:
    """Show the execution until it has ended. Who stops following does not stop the execution."""
    from botocore.exceptions import BotoCoreError, ClientError

    from pipeline.executions.follow import follow

    execution = arn.rpartition("/")[2]
    config = "" if arguments.config == DEFAULT_CONFIG else f" --config {arguments.config}"
    goes_on = (
        f"execution {execution} goes on; to follow it again, or to stop it:\n"
        f"  python pipeline_definition.py status {execution} --follow{config}\n"
        f"  python pipeline_definition.py stop {execution}{config}"
    )
    try:
        ended = follow(session, client, arn, arguments.poll_seconds)
    except KeyboardInterrupt:
        print(f"\n{goes_on}", flush=True)
        return INTERRUPTED
    except (ClientError, BotoCoreError):
        print(goes_on, file=sys.stderr)
        raise
    return show_result(bundle, session, client, ended)


def report_uri(bundle: Bundle, execution_id: str) -> str:
    """Where an execution's evaluation.json is, if it has come so far."""
    return bundle.uri("runs", execution_id, "evaluation", "evaluation.json")


def show_result(bundle: Bundle, session: Session, client: Any, execution: ExecutionStatus) -> int:
    """Print what the execution came to; the exit code that says so.

    NOT_SUCCEEDED where the gate was not passed, BROKE where it ended in any other way.
    """
    from pipeline.cli.error_line import mend_lines
    from pipeline.executions.launch import read_evaluation, with_registered_by_job
    from pipeline.executions.plain_view import link_lines
    from pipeline.executions.result_table import print_evaluation

    evaluation = read_evaluation(session, report_uri(bundle, execution.id))
    registration = bundle.uri("runs", execution.id, "registration", "registration.json")
    execution = with_registered_by_job(execution, lambda: read_evaluation(session, registration))
    if evaluation:
        print_evaluation(evaluation)
    page = bundle.uri("runs", execution.id, "evaluation", "report.html")
    links = link_lines(execution, evaluation, page, client.meta.endpoint_url)
    print("\n".join([*links, *mend_lines(execution.steps)]))
    if execution.status == "Succeeded":
        return SUCCEEDED
    stopped_by_gate = any(s.name == "GateFailed" and s.status == "Failed" for s in execution.steps)
    return NOT_SUCCEEDED if stopped_by_gate else BROKE
