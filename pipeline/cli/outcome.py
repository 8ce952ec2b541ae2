"""Following an execution to its end, and showing what came of it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.cli.command import BROKE, DEFAULT_CONFIG, INTERRUPTED, NOT_SUCCEEDED, SUCCEEDED
from pipeline.cli.printed import say

if TYPE_CHECKING:
    from boto3 import Session

    from pipeline.definition.bundle import Bundle
    from pipeline.executions.ci.outcome import Outcome
    from pipeline.executions.launch import ExecutionStatus


def add_poll_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--poll-seconds",
        type=float,
        default=2.0,
        metavar="N",
        help="while following, look again every N seconds (default: %(default)s)",
    )


@dataclass(frozen=True)
class Following:
    """Whose executions are followed; `outcomes` is given what each comes to."""

    bundle: Bundle
    session: Session
    client: Any
    outcomes: list[Outcome]


def follow_to_its_end(arguments: Namespace, following: Following, arn: str) -> int:
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
        ended = follow(following.session, following.client, arn, arguments.poll_seconds)
    except KeyboardInterrupt:
        print(f"\n{goes_on}", flush=True)
        return INTERRUPTED
    except (ClientError, BotoCoreError):
        print(goes_on, file=sys.stderr)
        raise
    code, outcome = show_result(following.bundle, following.session, following.client, ended)
    following.outcomes.append(outcome)
    return code


def report_uri(bundle: Bundle, execution_id: str) -> str:
    """Where an execution's evaluation.json is, if it has come so far."""
    return bundle.uri("runs", execution_id, "evaluation", "evaluation.json")


def show_result(
    bundle: Bundle, session: Session, client: Any, execution: ExecutionStatus, name: str = ""
) -> tuple[int, Outcome]:
    """Print what the execution came to; the exit code that says so, and the outcome.

    NOT_SUCCEEDED where the gate was not passed, BROKE where it ended in any other way.
    `name`: of the variant, if it is one's.
    """
    from pipeline.cli.error_line import mend_lines
    from pipeline.executions.ci.outcome import Outcome
    from pipeline.executions.launch import read_evaluation, with_registered_by_job
    from pipeline.executions.plain_view import link_lines
    from pipeline.executions.result_table import print_evaluation

    evaluation = read_evaluation(session, report_uri(bundle, execution.id))
    registration = bundle.uri("runs", execution.id, "registration", "registration.json")
    execution = with_registered_by_job(execution, lambda: read_evaluation(session, registration))
    if evaluation:
        print_evaluation(evaluation)
    page = bundle.uri("runs", execution.id, "evaluation", "report.html")
    links = tuple(link_lines(execution, evaluation, page, client.meta.endpoint_url))
    say("\n".join([*links, *mend_lines(execution.steps)]))
    outcome = Outcome(
        name or execution.pipeline,
        evaluation,
        broke=_why_no_verdict(execution, evaluation),
        links=links,
        seconds=execution.seconds,
        details=execution_details(execution),
    )
    if execution.status == "Succeeded":
        return SUCCEEDED, outcome
    stopped_by_gate = any(s.name == "GateFailed" and s.status == "Failed" for s in execution.steps)
    return NOT_SUCCEEDED if stopped_by_gate else BROKE, outcome


def _why_no_verdict(execution: ExecutionStatus, evaluation: dict[str, Any] | None) -> str:
    if evaluation is None:
        return why_it_ended(execution)
    return "" if evaluation["evaluated_here"] else str(evaluation["gate"]["summary"])


def why_it_ended(execution: ExecutionStatus) -> str:
    """The first step that failed, with its reason."""
    failed = next((step for step in execution.steps if step.status == "Failed"), None)
    reason = f"{failed.name}: {failed.reason}" if failed else execution.reason
    return f"execution {execution.id} {execution.status}{': ' if reason else ''}{reason}"


def execution_details(execution: ExecutionStatus) -> dict[str, Any]:
    """What an execution's JSON has beside the verdict."""
    from dataclasses import asdict

    return {
        **asdict(execution),
        "id": execution.id,
        "model_package_arn": execution.model_package_arn,
    }
