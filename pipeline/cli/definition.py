"""`definition` and `show`: what SageMaker would be given, as JSON or as a picture."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from pipeline.cli.command import SUCCEEDED, Command
from pipeline.cli.configured import checked_definition, read_bundle, write_file


def definition(arguments: Namespace) -> int:
    import json

    text = checked_definition(arguments, read_bundle(arguments))
    print(json.dumps(json.loads(text), indent=2))
    return SUCCEEDED


def show(arguments: Namespace) -> int:
    from pipeline.drawing.graph import read_graph
    from pipeline.drawing.mermaid import mermaid
    from pipeline.drawing.svg import svg

    bundle = read_bundle(arguments)
    graph = read_graph(checked_definition(arguments, bundle))
    wanted = arguments.format or ("svg" if arguments.output.suffix == ".svg" else "mermaid")
    drawn = svg(graph, bundle.config.pipeline.name) if wanted == "svg" else mermaid(graph)
    if arguments.output == Path("-"):
        print(drawn, end="")
        return SUCCEEDED
    write_file("--output", arguments.output, drawn)
    return SUCCEEDED


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--format", choices=["mermaid", "svg"], help="default: mermaid, or svg if FILE ends in .svg"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("-"),
        metavar="FILE",
        help="where to write it (default: %(default)s, which prints it)",
    )


DEFINITION = Command(
    name="definition",
    summary="print the pipeline definition, the JSON that SageMaker gets",
    description=(
        "Print the pipeline definition as JSON: what `upsert` sends to SageMaker. It is checked\n"
        "first, needs no AWS account, and changes nothing."
    ),
    examples=("definition", "definition --config my.yaml > definition.json"),
    run=definition,
)
SHOW = Command(
    name="show",
    summary="draw the pipeline's steps, as Mermaid text or as an SVG picture",
    description=(
        "Draw the steps of the pipeline definition and what each waits for, as Mermaid text or as\n"
        "an SVG picture. It needs no AWS account."
    ),
    examples=("show", "show --output pipeline.svg"),
    run=show,
    add_options=_options,
)
