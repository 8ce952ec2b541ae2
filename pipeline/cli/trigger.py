"""`trigger`: EventBridge rules that start the pipeline by itself."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pipeline.cli.command import NOT_SUCCEEDED, SUCCEEDED, Command
from pipeline.cli.configured import connect, read_bundle


def trigger(arguments: Namespace) -> int:
    import logging

    from pipeline.trigger import rules as eventbridge
    from pipeline.trigger import show as trigger_view

    bundle = read_bundle(arguments)
    logging.disable(logging.WARNING)  # the SDK's notes on what it does with the sweep's job name
    session, _ = connect(bundle)
    good = True
    if arguments.action == "put":
        lines = eventbridge.put(session, bundle, arguments.schedule)
    elif arguments.action == "remove":
        lines = eventbridge.remove(session, bundle) or ["there was nothing to remove"]
    else:
        lines, problems = trigger_view.show(session, bundle)
        good = not problems
    print("\n".join(lines))
    return SUCCEEDED if good else NOT_SUCCEEDED


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=["put", "show", "remove"])
    parser.add_argument(
        "--schedule",
        metavar="EXPRESSION",
        help='for put: "rate(7 days)" or "cron(0 6 ? * MON *)" '
        "(default: the configuration's trigger.schedule, if any)",
    )


TRIGGER = Command(
    name="trigger",
    summary="start the pipeline by itself: for new candidates, or on a schedule",
    description=(
        "put     create or update the EventBridge rules that start the pipeline for each new\n"
        "        version in trigger.candidates_group, or on a schedule; with their role, a queue\n"
        "        for events that could not start it, and, if candidates are evaluated, a\n"
        "        pipeline that deletes what a killed job has left of one\n"
        "show    compare the rules with the configuration, list events that started nothing, and\n"
        "        test a sample event; exit code 1 if something differs\n"
        "remove  delete them again"
    ),
    examples=("trigger put", 'trigger put --schedule "rate(7 days)"', "trigger show"),
    run=trigger,
    add_options=_options,
)
