"""`start`: one execution of the pipeline, with parameters of its own."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from pipeline.cli.command import SUCCEEDED, Command
from pipeline.cli.configured import connect, read_bundle
from pipeline.cli.outcome import add_poll_option, follow_to_its_end
from pipeline.cli.settings import add_set_option
from processing.base.errors import LaunchError

if TYPE_CHECKING:
    from pipeline.definition.bundle import Bundle


def start(arguments: Namespace) -> int:
    from pipeline.checks.parameters import check_bounds, check_names, check_parameters
    from pipeline.definition.dataset_version import with_dataset_version
    from pipeline.definition.execution_name import name_execution
    from pipeline.definition.varied_run import CONFIG_URI, require_upserted, send_varied
    from pipeline.executions import launch
    from processing.config.variation import parse_settings

    parameters = dict(_parameter(text) for text in arguments.parameter)
    check_parameters(parameters)
    bundle = read_bundle(arguments)
    check_bounds(parameters, bundle.config)
    session, client = connect(bundle)
    pipeline = client.describe_pipeline(PipelineName=bundle.config.pipeline.name)
    check_names(parameters, pipeline)
    variation = parse_settings(arguments.set)
    named = name_execution(pipeline, bundle, parameters, variation=variation)
    if variation:
        require_upserted(pipeline, up_to_date=named.up_to_date, config=arguments.config)
        varied = send_varied(session, bundle, arguments.config, variation)
        _warn_of_what_the_job_lacks(bundle, varied)
        parameters |= {CONFIG_URI: varied.config_uri}
    parameters = with_dataset_version(session, pipeline, bundle, parameters)
    if not named.up_to_date:
        print(
            f"note: {arguments.config} is not the file that was upserted: this runs the pipeline "
            "as SageMaker has it; `upsert` brings it up to date",
            file=sys.stderr,
        )
    arn = launch.start(client, pipeline, parameters, named)
    print(f"started {arn}\nas {named.display_name}", flush=True)
    if not arguments.wait:
        return SUCCEEDED
    return follow_to_its_end(arguments, bundle, session, client, arn)


def _warn_of_what_the_job_lacks(bundle: Bundle, varied: Bundle) -> None:
    """Rights and keys are those of the file that was upserted; somebody may have given more."""
    from pipeline.permissions.varied import rights_beyond
    from processing.config.judge_keys import missing_judge_keys

    known = {*varied.config.secrets, *varied.config.infrastructure.environment}
    lines = list(missing_judge_keys(varied.config, known))
    if rights := rights_beyond(bundle, varied):
        lines.append(
            f"`permissions create` gave the job role no {', '.join(rights)}: without it the job "
            "ends where it needs it; the policy of the varied file is what `permissions show job "
            f"--config {varied.folder / 'evaluation.yaml'}` prints"
        )
    for line in lines:
        print(f"note: --set: {line}", file=sys.stderr)


def _parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise LaunchError(f"-p {text}: give a parameter as Name=Value")
    return name, value


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a pipeline parameter for this execution; may be repeated "
        "(default: what the configuration says)",
    )
    add_set_option(parser)
    parser.add_argument(
        "--wait",
        action="store_true",
        help="follow the execution to its end; exit code 1 if the gate is not passed, 3 if it "
        "broke",
    )
    add_poll_option(parser)


START = Command(
    name="start",
    summary="start an execution; with --wait, follow it to its verdict",
    description=(
        "Start an execution of the pipeline that was upserted. The endpoint, the judge and the\n"
        "jobs' instances are paid for from here on."
    ),
    examples=(
        "start --wait",
        "start --wait -p EndpointName=my-endpoint -p SampleSize=20",
        "start --wait --set endpoint.system_prompt=@prompt.txt",
        "start -p ModelPackageArn=arn:aws:sagemaker:REGION:ACCOUNT:model-package/GROUP/1",
    ),
    run=start,
    add_options=_options,
)
