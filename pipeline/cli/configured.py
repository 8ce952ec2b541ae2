"""What most commands begin with: the configuration, its checked definition, a client of AWS."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processing.base.errors import LaunchError

if TYPE_CHECKING:
    from boto3 import Session
    from sagemaker.mlops.workflow.pipeline import Pipeline

    from pipeline.definition.bundle import Bundle


def read_bundle(arguments: Namespace) -> Bundle:
    """Raises ConfigError."""
    from pipeline.definition.bundle import load_bundle

    return load_bundle(arguments.config)


def checked_definition(arguments: Namespace, bundle: Bundle) -> str:
    """Raises what `checked_pipeline` raises."""
    return checked_pipeline(arguments, bundle)[1]


def checked_pipeline(arguments: Namespace, bundle: Bundle) -> tuple[Pipeline, str]:
    """The pipeline, and its definition as JSON.

    Raises LaunchError, a line for each thing that AWS would refuse; DatasetError.
    """
    import logging

    from pipeline.checks.dataset import check_dataset
    from pipeline.checks.imports import check_imports
    from pipeline.checks.labels import check_labels
    from pipeline.checks.offline import check_architecture, check_candidate, check_definition
    from pipeline.definition.build import build, pipeline_session
    from pipeline.definition.sweep_pipeline import build_sweep

    check_dataset(bundle, str(arguments.config))
    check_labels(bundle, str(arguments.config))

    logging.disable(logging.WARNING)  # the SDK's notes on what it does with our job names
    pipeline = build(bundle)
    text = pipeline.definition()
    problems = [
        *check_definition(text),
        *check_candidate(bundle.config),
        *check_architecture(bundle.config),
        *check_imports(
            [bundle.folder / name for name in bundle.config.scorer_files()], folder=bundle.folder
        ),
    ]
    if bundle.config.candidate:
        sweep = build_sweep(bundle, pipeline_session(bundle))
        problems += [f"pipeline {sweep.name}: {p}" for p in check_definition(sweep.definition())]
    if problems:
        raise LaunchError("\n".join(problems))
    return pipeline, text


def write_file(option: str, path: Path, text: str) -> None:
    """Raises LaunchError, which names the option that the path was given by."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LaunchError(f"{option} {path}: {error.strerror}") from error


def connect(bundle: Bundle) -> tuple[Session, Any]:
    """A session in the configuration's region, and its client for SageMaker. Calls nothing yet."""
    import boto3

    from pipeline.definition.account import region
    from pipeline.executions.launch import sagemaker_client

    session = boto3.Session(region_name=region(bundle))
    return session, sagemaker_client(session)
