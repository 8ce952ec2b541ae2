"""`permissions`: the policies of everyone who acts, and the roles that hold them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pipeline.cli.command import SUCCEEDED, Command
from pipeline.cli.configured import connect, read_bundle


def permissions(arguments: Namespace) -> int:
    from pipeline.permissions.view import show_lines

    bundle = read_bundle(arguments)
    if arguments.action == "show":
        print("\n".join(show_lines(bundle, arguments.who)))
        return SUCCEEDED
    from pipeline.permissions.roles import create_roles

    session, _ = connect(bundle)
    print("\n".join(create_roles(session, bundle)))
    return SUCCEEDED


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=["show", "create"])
    parser.add_argument(
        "who",
        nargs="?",
        metavar="WHO",
        help="for show: caller, approver, administrator, pipeline, job, model, stamp, "
        "register or trigger (default: all that the configuration needs)",
    )


PERMISSIONS = Command(
    name="permissions",
    summary="print which rights each role needs, or create the roles",
    description=(
        "show    print an IAM policy for everyone who acts, with the exact resources of this\n"
        "        configuration; one of them alone as plain JSON. It needs no AWS account\n"
        "create  create the roles that the configuration names, or update their policies"
    ),
    examples=("permissions show", "permissions show job > job-policy.json", "permissions create"),
    run=permissions,
    add_options=_options,
)
