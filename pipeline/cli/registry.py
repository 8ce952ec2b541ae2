"""`history`, `approve` and `reject`: what is registered, and a person's decision on it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Literal

from pipeline.cli.command import SUCCEEDED, Command
from pipeline.cli.configured import connect, read_bundle, write_file


def history(arguments: Namespace) -> int:
    from pipeline.executions.registered.history_table import print_history
    from pipeline.executions.registered.packages import list_packages
    from processing.config.thresholds import threshold_parameters

    bundle = read_bundle(arguments)
    group = bundle.config.registration.model_package_group
    _, client = connect(bundle)
    packages = list_packages(client, group)
    if not packages:
        print(f"{group} has no version yet: nothing has passed, or nothing was evaluated")
        return SUCCEEDED
    thresholds = threshold_parameters(bundle.config.thresholds)
    asked: dict[str, list[str]] = {}
    for each in thresholds:
        asked.setdefault(each.metric, []).append(f"{each.rule} {each.bound:g}")
    print_history(group, packages, {name: ", ".join(bounds) for name, bounds in asked.items()})
    if arguments.html:
        from pipeline.executions.registered.html.history_page import history_page

        write_file("--html", arguments.html, history_page(group, packages, thresholds))
        print(f"wrote {arguments.html}")
    return SUCCEEDED


def approve(arguments: Namespace) -> int:
    return _decide(arguments, "Approved")


def reject(arguments: Namespace) -> int:
    return _decide(arguments, "Rejected")


def _decide(arguments: Namespace, decision: Literal["Approved", "Rejected"]) -> int:
    from pipeline.executions.registered.decision import decide, name_of_caller
    from pipeline.executions.registered.packages import find_package

    bundle = read_bundle(arguments)
    session, client = connect(bundle)
    group = bundle.config.registration.model_package_group
    package = find_package(client, group, arguments.version)
    print(decide(client, package, decision, arguments.reason, name_of_caller(session)))
    return SUCCEEDED


def _history_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page with charts, too (default: none)"
    )


def _decision_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "version",
        nargs="?",
        metavar="VERSION",
        help="its number or ARN, as `history` shows it (default: the newest that waits)",
    )
    parser.add_argument(
        "--reason", required=True, help="why; it stands beside the decision in the registry"
    )


HISTORY = Command(
    name="history",
    summary="the registered versions, with their verdicts and how each metric went",
    description=(
        "List the versions of registration.model_package_group, the newest first, with approval,\n"
        "verdict and reason, and how each metric went from version to version. The champion is\n"
        "marked."
    ),
    examples=("history", "history --html history.html"),
    run=history,
    add_options=_history_options,
)
APPROVE = Command(
    name="approve",
    summary="approve a registered version that waits for it",
    description=(
        "Set a version's approval to Approved, with your name and reason, by your own rights\n"
        "(`permissions show approver`). One that no evaluation has passed is refused."
    ),
    examples=(
        'approve --reason "read the 12 failed rows"',
        'approve 7 --reason "agreed with legal"',
    ),
    run=approve,
    add_options=_decision_options,
)
REJECT = Command(
    name="reject",
    summary="reject a registered version",
    description=(
        "Set a version's approval to Rejected, with your name and reason, by your own rights\n"
        "(`permissions show approver`)."
    ),
    examples=('reject 7 --reason "gives dosages"',),
    run=reject,
    add_options=_decision_options,
)
