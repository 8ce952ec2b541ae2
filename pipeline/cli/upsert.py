"""`upsert`: the pipeline as the configuration describes it, created or updated."""

from __future__ import annotations

from argparse import Namespace

from pipeline.cli.command import SUCCEEDED, Command
from pipeline.cli.configured import checked_pipeline, read_bundle


def upsert(arguments: Namespace) -> int:
    bundle = read_bundle(arguments)
    pipeline, _ = checked_pipeline(arguments, bundle)
    response = pipeline.upsert()
    for upload in bundle.uploads:
        print(f"uploaded {upload.path} to {upload.uri}")
    print(f"upserted {response['PipelineArn']}")
    return SUCCEEDED


UPSERT = Command(
    name="upsert",
    summary="create the pipeline, or update it",
    description=(
        "Check the configuration, upload it with the files that it names to S3, and create the\n"
        "pipeline in SageMaker or update it. Nothing runs yet, and nothing is paid for."
    ),
    examples=("upsert", "upsert --config my.yaml"),
    run=upsert,
)
