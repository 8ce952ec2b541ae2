#!/usr/bin/env python3
"""Evaluate an LLM behind a SageMaker endpoint; register it only if it is good enough.

From Python:

    from pipeline_definition import get_pipeline

    pipeline = get_pipeline("evaluation.yaml")
    pipeline.upsert()
    execution = pipeline.start(parameters={"EndpointName": "my-endpoint"})
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    from pipeline.definition.build import get_pipeline
    from processing.base.errors import DEBUG, LaunchError
except (ImportError, SyntaxError) as missing:
    if __name__ != "__main__":
        raise
    print(
        f"error: this Python ({sys.executable}, {sys.version.split()[0]}) cannot run it "
        f"({missing}): use .venv/bin/python, which `make lint` sets up (if that is it: rm -r "
        ".venv, and again)",
        file=sys.stderr,
    )
    sys.exit(2)

if TYPE_CHECKING:
    from boto3 import Session

    from pipeline.definition.bundle import Bundle
    from pipeline.executions.launch import ExecutionStatus

__all__ = ["get_pipeline"]

SUCCEEDED, NOT_SUCCEEDED, USAGE = 0, 1, 2
INTERRUPTED = 130  # as a shell has it for Ctrl-C
DEFAULT_CONFIG = Path("evaluation.yaml")


def check(arguments: argparse.Namespace) -> int:
    """Check configuration, scorers and definition; --online: what they name on AWS too."""
    import json

    from processing.config.judge import silence_libraries
    from processing.scorers.build import build_scorers

    bundle = _bundle(arguments)
    silence_libraries()
    document = json.loads(_checked_definition(arguments, bundle))
    # Only DeepEval and RAGAS know their metrics and options; loading them takes some seconds.
    build_scorers(bundle.config.scorers, bundle.config.judge, bundle.folder)
    config = bundle.config
    print(
        f"{arguments.config}: good. Pipeline {config.pipeline.name}: "
        f"{len(document['Parameters'])} parameters, {len(config.scorers)} scorers, "
        f"{len(config.thresholds)} thresholds on {', '.join(config.thresholds)}"
    )
    if ".dkr.ecr." not in config.infrastructure.image:
        print(
            f"note: infrastructure.image {config.infrastructure.image!r} is not in ECR: "
            "the local AWS does not mind, AWS does"
        )
    return _check_online(arguments) if arguments.online else SUCCEEDED


def definition(arguments: argparse.Namespace) -> int:
    """Print the definition JSON."""
    import json

    print(json.dumps(json.loads(_checked_definition(arguments, _bundle(arguments))), indent=2))
    return SUCCEEDED


def show(arguments: argparse.Namespace) -> int:
    """Draw the definition's steps: Mermaid text, or an SVG picture."""
    from pipeline.drawing.graph import read_graph
    from pipeline.drawing.mermaid import mermaid
    from pipeline.drawing.svg import svg

    bundle = _bundle(arguments)
    graph = read_graph(_checked_definition(arguments, bundle))
    wanted = arguments.format or ("svg" if arguments.output.suffix == ".svg" else "mermaid")
    drawn = svg(graph, bundle.config.pipeline.name) if wanted == "svg" else mermaid(graph)
    if arguments.output == Path("-"):
        print(drawn, end="")
        return SUCCEEDED
    try:
        arguments.output.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise LaunchError(f"--output {arguments.output}: {error.strerror}") from error
    return SUCCEEDED


def upsert(arguments: argparse.Namespace) -> int:
    """Create the pipeline, or update it."""
    from pipeline.definition.build import build

    bundle = _bundle(arguments)
    _checked_definition(arguments, bundle)
    response = build(bundle).upsert()
    for upload in bundle.uploads:
        print(f"uploaded {upload.path} to {upload.uri}")
    print(f"upserted {response['PipelineArn']}")
    return SUCCEEDED


def start(arguments: argparse.Namespace) -> int:
    """Start an execution."""
    from pipeline.checks.parameters import check_parameters
    from pipeline.executions import launch
    from pipeline.executions.naming import name_execution

    parameters = dict(_parameter(text) for text in arguments.parameter)
    check_parameters(parameters)
    bundle, session, client = _connected(arguments)
    pipeline = client.describe_pipeline(PipelineName=bundle.config.pipeline.name)
    named = name_execution(pipeline, bundle, parameters)
    if not named.up_to_date:
        print(f"note: {arguments.config} is not the file that was upserted: this runs the pipeline "
              "as SageMaker has it; `upsert` brings it up to date", file=sys.stderr)  # fmt: skip
    arn = launch.start(client, bundle.config.pipeline.name, parameters, named)
    print(f"started {arn}\nas {named.display_name}", flush=True)
    if not arguments.wait:
        return SUCCEEDED
    return _follow(arguments, bundle, session, client, arn)


def status(arguments: argparse.Namespace) -> int:
    """Show an execution: steps, times, outcome, reasons, links."""
    from pipeline.executions import launch
    from pipeline.executions.follow import show_once

    bundle, session, client = _connected(arguments)
    arn = launch.find_execution(client, bundle.config.pipeline.name, arguments.execution)
    if arguments.follow:
        return _follow(arguments, bundle, session, client, arn)
    _show_result(bundle, session, client, show_once(session, client, arn))
    return SUCCEEDED


def list_(arguments: argparse.Namespace) -> int:
    """List the pipeline's executions, newest first."""
    from pipeline.executions import launch

    bundle, _, client = _connected(arguments)
    for summary in launch.list_executions(client, bundle.config.pipeline.name):
        execution = summary["PipelineExecutionArn"].rpartition("/")[2]
        name = summary.get("PipelineExecutionDisplayName") or ""
        print(f"{execution}  {summary['StartTime']:%Y-%m-%d %H:%M:%S}  "
              f"{summary['PipelineExecutionStatus']:<12}  {name}".rstrip())  # fmt: skip
    return SUCCEEDED


def stop(arguments: argparse.Namespace) -> int:
    """Stop a running execution."""
    from pipeline.executions import launch

    bundle, _, client = _connected(arguments)
    arn = launch.find_execution(client, bundle.config.pipeline.name, arguments.execution)
    launch.stop(client, arn)
    print(f"stopping {arn}")
    return SUCCEEDED


def trigger(arguments: argparse.Namespace) -> int:
    """Start the pipeline by itself: for new candidates, on a schedule."""
    from pipeline.trigger import rules as eventbridge
    from pipeline.trigger import show as trigger_view

    bundle, session, _ = _connected(arguments)
    good = True
    if arguments.action == "put":
        lines = eventbridge.put(session, bundle, arguments.schedule)
    elif arguments.action == "remove":
        lines = eventbridge.remove(session, bundle) or ["there was nothing to remove"]
    else:
        lines, good = trigger_view.show(session, bundle)
    print("\n".join(lines))
    return SUCCEEDED if good else NOT_SUCCEEDED


def permissions(arguments: argparse.Namespace) -> int:
    """Print who needs which rights, or create the roles."""
    from pipeline.permissions.view import show_lines

    if arguments.action == "show":
        print("\n".join(show_lines(_bundle(arguments), arguments.who)))
        return SUCCEEDED
    from pipeline.permissions.roles import create_roles

    bundle, session, _ = _connected(arguments)
    print("\n".join(create_roles(session, bundle)))
    return SUCCEEDED


def sweep(arguments: argparse.Namespace) -> int:
    """Delete candidates' endpoints that a killed job has left behind."""
    from pipeline.registry.sweep import parse_age, sweep_leftovers

    older_than = parse_age(arguments.older_than)
    bundle, _, client = _connected(arguments)
    name = bundle.config.pipeline.name
    left = sweep_leftovers(client, name, older_than, print, dry_run=arguments.dry_run)
    for line in left:
        print(f"error: could not be deleted: {line}", file=sys.stderr)
    return NOT_SUCCEEDED if left else SUCCEEDED


def image(arguments: argparse.Namespace) -> int:
    """Push the image that make image built to ECR, and write its digest into the file."""
    from pipeline.image import publish, write_image

    bundle, session, _ = _connected(arguments)
    uri = publish(session, bundle, arguments.repository, arguments.image)
    write_image(arguments.config, uri)
    print(f"{arguments.config}: infrastructure.image is now {uri}; upsert to use it")
    return SUCCEEDED


def local(arguments: argparse.Namespace) -> int:
    """Serve the local AWS in the foreground."""
    from pipeline.local.foreground import serve_until_interrupted

    return serve_until_interrupted(
        _bundle(arguments),
        arguments.port,
        arguments.state,
        docker=arguments.docker,
        registry=arguments.registry,
    )


def _bundle(arguments: argparse.Namespace) -> Bundle:
    from pipeline.definition.bundle import load_bundle

    return load_bundle(arguments.config)


def _checked_definition(arguments: argparse.Namespace, bundle: Bundle) -> str:
    """Raises LaunchError, a line for each thing that AWS would refuse; DatasetError."""
    import logging

    from pipeline.checks.dataset import check_dataset
    from pipeline.checks.offline import check_candidate, check_definition
    from pipeline.definition.build import build

    check_dataset(bundle, str(arguments.config))

    logging.disable(logging.WARNING)  # the SDK's notes on what it does with our job names
    text: str = build(bundle).definition()
    problems = [*check_definition(text), *check_candidate(bundle.config)]
    if problems:
        raise LaunchError("\n".join(problems))
    return text


def _connected(arguments: argparse.Namespace) -> tuple[Bundle, Session, Any]:
    import boto3

    from pipeline.definition.build import region
    from pipeline.executions.launch import sagemaker_client

    bundle = _bundle(arguments)
    session = boto3.Session(region_name=region(bundle))
    return bundle, session, sagemaker_client(session)


def _follow(
    arguments: argparse.Namespace, bundle: Bundle, session: Session, client: Any, arn: str
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
    return _show_result(bundle, session, client, ended)


def _check_online(arguments: argparse.Namespace) -> int:
    """Print a line for each thing that the file names on AWS; whether all of them are good."""
    from pipeline.checks.online import check_online

    bundle, session, _ = _connected(arguments)
    good = True
    for finding in check_online(session, bundle, str(arguments.config)):
        print(finding, flush=True)
        good &= finding.good
    return SUCCEEDED if good else NOT_SUCCEEDED


def _show_result(bundle: Bundle, session: Session, client: Any, execution: ExecutionStatus) -> int:
    """Print what the execution came to; the exit code that says so."""
    from pipeline.error_line import mend_lines
    from pipeline.executions.launch import read_evaluation
    from pipeline.executions.plain_view import link_lines
    from pipeline.executions.result_table import print_evaluation

    report = bundle.uri("runs", execution.id, "evaluation", "evaluation.json")
    evaluation = read_evaluation(session, report)
    if evaluation:
        print_evaluation(evaluation)
    page = bundle.uri("runs", execution.id, "evaluation", "report.html")
    links = link_lines(execution, evaluation, page, client.meta.endpoint_url)
    print("\n".join([*links, *mend_lines(execution.steps)]))
    return SUCCEEDED if execution.status == "Succeeded" else NOT_SUCCEEDED


def _parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise LaunchError(f"-p {text}: give a parameter as Name=Value")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    common = argparse.ArgumentParser(add_help=False)
    # both before and after the command; the one after it must not take back the one before
    common.add_argument("--debug", action="store_true", default=argparse.SUPPRESS,
                        help="show where an error comes from")  # fmt: skip
    parser.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    common.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="the YAML file")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    added = {}
    for name, function in {
        "check": check, "definition": definition, "show": show, "upsert": upsert, "start": start,
        "status": status, "list": list_, "stop": stop, "sweep": sweep, "trigger": trigger,
        "permissions": permissions, "image": image, "local": local,
    }.items():  # fmt: skip
        added[name] = verbs.add_parser(name, parents=[common], help=function.__doc__)
        added[name].set_defaults(run=function)
    added["show"].add_argument("--format", choices=["mermaid", "svg"],
                               help="mermaid, but svg if FILE ends in .svg")  # fmt: skip
    added["show"].add_argument("--output", type=Path, default=Path("-"), metavar="FILE",
                               help="instead of printing it")  # fmt: skip
    added["check"].add_argument("--online", action="store_true",
                                help="ask AWS for all that the file names")  # fmt: skip
    added["start"].add_argument("-p", "--parameter", action="append", default=[],
                                metavar="NAME=VALUE", help="a pipeline parameter")  # fmt: skip
    added["start"].add_argument("--wait", action="store_true", help="follow it to its end")
    added["status"].add_argument("--follow", action="store_true", help="until it has ended")
    for name in ("start", "status"):
        added[name].add_argument("--poll-seconds", type=float, default=2.0)
    for name in ("status", "stop"):
        added[name].add_argument("execution", nargs="?", help="id or ARN; the latest if not given")
    added["trigger"].add_argument("action", choices=["put", "show", "remove"])
    added["trigger"].add_argument(
        "--schedule", metavar="EXPRESSION", help='for put: "rate(7 days)" or "cron(0 6 ? * MON *)"'
    )
    added["permissions"].add_argument("action", choices=["show", "create"])
    added["permissions"].add_argument("who", nargs="?", help="for show: one of those it names")
    added["sweep"].add_argument("--older-than", default="6h", metavar="AGE", help="30m, 6h, 2d")
    added["sweep"].add_argument("--dry-run", action="store_true", help="only say what would go")
    added["local"].add_argument("--port", type=int, default=4566, help="and the three above it")
    added["local"].add_argument("--docker", action="store_true",
                                help="run jobs in the image, not as processes")  # fmt: skip
    added["local"].add_argument("--registry", metavar="HOST:PORT", help="takes ECR's images")
    added["local"].add_argument("--state", type=Path, default=Path(".demo"), help="kept here")
    added["image"].add_argument("--repository", default="llm-evaluation", help="in ECR")
    added["image"].add_argument("--image", default="llm-evaluation:local", help="on this machine")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 for an execution that failed, 2 for misuse."""
    arguments = _parser().parse_args(argv)
    if arguments.debug:
        os.environ[DEBUG] = "1"  # for the jobs too, once they are upserted with it
    try:
        exit_code: int = arguments.run(arguments)
    except KeyboardInterrupt:
        print("interrupted; what runs on AWS goes on: see `status` and `stop`", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 the outermost door
        from pipeline.error_line import error_line

        if os.environ.get(DEBUG):
            import traceback

            traceback.print_exc()
        print(f"error: {error_line(error, str(arguments.config))}", file=sys.stderr)
        return USAGE
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
