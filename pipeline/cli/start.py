"""`start`: one execution of the pipeline, with parameters of its own."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from pipeline.cli.ci import add_ci_options, told_to_ci
from pipeline.cli.command import SUCCEEDED, Command
from pipeline.cli.configured import connect, read_bundle
from pipeline.cli.job_rights import warn_of_what_the_job_lacks
from pipeline.cli.outcome import Following, add_poll_option, follow_to_its_end
from pipeline.cli.settings import add_set_option, add_variants_option, require_variants
from processing.base.errors import LaunchError

if TYPE_CHECKING:
    from pipeline.executions.ci.outcome import Outcome


def start(arguments: Namespace) -> int:
    if arguments.junit and not arguments.wait:
        raise LaunchError("--junit FILE has the verdict, so it needs --wait")
    with told_to_ci(arguments, str(arguments.config)) as outcomes:
        return _start(arguments, outcomes)


def _start(arguments: Namespace, outcomes: list[Outcome]) -> int:
    from pipeline.checks.parameters import check_bounds, check_names, check_parameters
    from pipeline.cli.start_variants import Launch, start_variants
    from pipeline.definition.dataset_version import with_dataset_version
    from pipeline.definition.execution_name import name_execution
    from pipeline.definition.varied_run import CONFIG_URI, require_upserted, send_varied
    from pipeline.executions import launch
    from pipeline.executions.ci.outcome import started
    from processing.config.variation import parse_settings

    require_variants(arguments)
    if arguments.one_by_one and (arguments.variants is None or not arguments.wait):
        raise LaunchError("--one-by-one starts variants after one another: with --variants --wait")
    parameters = dict(_parameter(text) for text in arguments.parameter)
    check_parameters(parameters)
    bundle = read_bundle(arguments)
    check_bounds(parameters, bundle.config)
    session, client = connect(bundle)
    pipeline = client.describe_pipeline(PipelineName=bundle.config.pipeline.name)
    check_names(parameters, pipeline)
    variation = parse_settings(arguments.set)
    if arguments.variants is not None:
        launched = Launch(bundle, session, client, pipeline, parameters, variation)
        return start_variants(arguments, launched, outcomes)
    named = name_execution(pipeline, bundle, parameters, variation=variation)
    if variation:
        require_upserted(pipeline, up_to_date=named.up_to_date, config=arguments.config)
        varied = send_varied(session, bundle, arguments.config, variation)
        warn_of_what_the_job_lacks(bundle, varied, "--set")
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
        outcomes.append(started(bundle.config.pipeline.name, arn, named.display_name))
        return SUCCEEDED
    return follow_to_its_end(arguments, Following(bundle, session, client, outcomes), arn)


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
    add_variants_option(parser)
    parser.add_argument(
        "--one-by-one",
        action="store_true",
        help="with --variants --wait: start each when the one before has ended, so that none pays "
        "for what another has asked (default: all together)",
    )
    parser.add_argument(
        "--wait",
        action="store_true",
        help="follow the execution to its end; exit code 1 if the gate is not passed, 3 if it "
        "broke; with --variants, if that is so of any",
    )
    add_ci_options(
        parser,
        json_help="print JSON: what was started and, with --wait, its steps, verdict and "
        "evaluation.json",
    )
    add_poll_option(parser)


START = Command(
    name="start",
    summary="start an execution; with --wait, follow it to its verdict",
    description=(
        "Start an execution of the pipeline that was upserted. The endpoint, the judge and the\n"
        "jobs' instances are paid for from here on. With --variants one execution is started for\n"
        "each variant of the file, all together; with --wait too, they are compared and ranked at\n"
        "the end. One that breaks does not stop the others."
    ),
    examples=(
        "start --wait",
        "start --wait -p EndpointName=my-endpoint -p SampleSize=20",
        "start --wait --set endpoint.system_prompt=@prompt.txt",
        "start --wait --junit results.xml",
        "start --variants --wait --rank-by Correctness",
        "start -p ModelPackageArn=arn:aws:sagemaker:REGION:ACCOUNT:model-package/GROUP/1",
    ),
    run=start,
    add_options=_options,
)
