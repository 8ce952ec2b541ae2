"""`image`: the built image to ECR, and its digest into the configuration."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pipeline.cli.command import SUCCEEDED, Command
from pipeline.cli.configured import connect, read_bundle


def image(arguments: Namespace) -> int:
    from pipeline.definition.image import publish, write_image

    bundle = read_bundle(arguments)
    session, _ = connect(bundle)
    uri = publish(session, bundle, arguments.repository, arguments.image)
    write_image(arguments.config, uri)
    print(f"{arguments.config}: infrastructure.image is now {uri}; upsert to use it")
    return SUCCEEDED


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--repository",
        default="llm-evaluation",
        metavar="NAME",
        help="in ECR; created if it is missing (default: %(default)s)",
    )
    parser.add_argument(
        "--image",
        default="llm-evaluation:local",
        metavar="NAME",
        help="on this machine (default: %(default)s)",
    )


IMAGE = Command(
    name="image",
    summary="push the image that `make image` built to ECR, and pin it in the configuration",
    description=(
        "Push the image that `make image` built to ECR, and write its digest into the\n"
        "configuration as infrastructure.image. It needs Docker."
    ),
    examples=("image", "image --repository my-team/llm-evaluation --config my.yaml"),
    run=image,
    add_options=_options,
)
