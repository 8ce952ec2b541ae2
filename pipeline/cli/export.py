"""`export`: the pipeline as a template that other tools deploy."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from pipeline.cli.command import SUCCEEDED, Command
from pipeline.cli.configured import checked_definition, connect, read_bundle, write_file


def export(arguments: Namespace) -> int:
    import json

    from pipeline.permissions.artifact_store import with_artifact_store
    from pipeline.permissions.asynchronous import with_result_places
    from pipeline.permissions.evaluated import with_capture_place
    from pipeline.trigger.cloudformation import template
    from pipeline.trigger.template_place import told, upload

    bundle = read_bundle(arguments)
    definition = checked_definition(arguments, bundle)
    session, _ = connect(bundle)
    bundle, notes = with_artifact_store(session, bundle)
    bundle, found = with_capture_place(session, bundle)
    bundle, queued = with_result_places(session, bundle)
    text = json.dumps(template(bundle, definition, arguments.schedule), indent=2)
    write_file("--output", arguments.output, f"{text}\n")
    print(
        "\n".join([f"wrote {arguments.output}, {len(text):,} characters", *notes, *found, *queued])
    )
    url = upload(session, bundle, text) if arguments.upload else None
    print("\n".join(told(bundle, url)))
    return SUCCEEDED


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("form", choices=["cloudformation"])
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("template.json"),
        metavar="FILE",
        help="where to write it (default: %(default)s)",
    )
    parser.add_argument(
        "--upload",
        action="store_true",
        help="send the template, the configuration and its files to S3, as `upsert` does",
    )
    parser.add_argument(
        "--schedule",
        metavar="EXPRESSION",
        help="as for `trigger put` (default: the configuration's trigger.schedule, if any)",
    )


EXPORT = Command(
    name="export",
    summary="write a CloudFormation template of all that the other commands would make",
    description=(
        "Write one CloudFormation template: the roles with their policies, the model package\n"
        "group, the pipeline, and what starts it by itself, as `permissions create`, `upsert` and\n"
        "`trigger put` make them. The image is its parameter. Nothing is made yet."
    ),
    examples=(
        "export cloudformation",
        "export cloudformation --upload",
        "export cloudformation --output infrastructure/evaluation.json",
    ),
    run=export,
    add_options=_options,
)
