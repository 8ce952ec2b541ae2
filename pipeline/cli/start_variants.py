"""`start --variants`: an execution for each variant of the file, compared and ranked at the end."""

from __future__ import annotations

import itertools
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.cli.command import BROKE, DEFAULT_CONFIG, INTERRUPTED, SUCCEEDED
from pipeline.cli.job_rights import warn_of_what_the_job_lacks
from processing.base.errors import LaunchError
from processing.base.secrets import masked
from processing.base.visible_text import visible_lines

if TYPE_CHECKING:
    from boto3 import Session

    from pipeline.comparison.findings import Absent
    from pipeline.definition.bundle import Bundle
    from pipeline.definition.variants import Variant
    from pipeline.executions.ci.outcome import Outcome
    from pipeline.executions.launch import ExecutionStatus


@dataclass(frozen=True)
class Launch:
    """What `start` has looked up: `pipeline` is DescribePipeline's answer.

    `parameters` (`-p`) and `variation` (`--set`) are for all variants, below their own.
    """

    bundle: Bundle
    session: Session
    client: Any
    pipeline: Mapping[str, Any]
    parameters: Mapping[str, str]
    variation: Mapping[str, Any]


@dataclass
class _Started:
    """`arns` and `broken` (why it could not be started) by the variants' names."""

    arns: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    ended: dict[str, ExecutionStatus] = field(default_factory=dict)


def start_variants(arguments: Namespace, given: Launch, outcomes: list[Outcome]) -> int:
    """The worst of the variants' exit codes: BROKE, then NOT_SUCCEEDED; SUCCEEDED if all passed.

    What each came to is added to `outcomes`.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    from pipeline.comparison.variants import require_metric
    from pipeline.definition.variants import chosen, read_variants
    from pipeline.executions.ci.outcome import Outcome
    from pipeline.executions.ci.outcome import started as begun

    variants = chosen(
        read_variants(arguments.config, base=given.variation), arguments.variants, arguments.config
    )
    require_metric(arguments.rank_by, variants[0].config)
    _require_endpoints_to_vary(given, variants)
    prepared = [(variant, *_prepared(arguments, given, variant)) for variant in variants]
    for note in [] if arguments.one_by_one else _asked_twice(variants):
        print(note, file=sys.stderr)
    started = _Started()
    batches = [[each] for each in prepared] if arguments.one_by_one else [prepared]
    try:
        for batch in batches:
            _start(arguments, given, batch, started)
            if arguments.wait:
                _follow(arguments, given, started)
    except (ClientError, BotoCoreError):
        print(f"what was started goes on\n{_compare_line(arguments, started)}", file=sys.stderr)
        raise
    except KeyboardInterrupt:
        print(f"\nwhat was started goes on\n{_compare_line(arguments, started)}", flush=True)
        return INTERRUPTED
    if not arguments.wait:
        print(_compare_line(arguments, started), flush=True)
        outcomes += [begun(name, arn, "") for name, arn in started.arns.items()]
        outcomes += [Outcome(name, None, why) for name, why in started.broken.items()]
        return BROKE if started.broken else SUCCEEDED
    return _results(arguments, given, started, outcomes)


Prepared = tuple["Variant", dict[str, str], Any]
"""A variant, its execution's parameters, its ExecutionName."""


def _prepared(arguments: Namespace, given: Launch, variant: Variant) -> tuple[dict[str, str], Any]:
    """Upload the variant's file: what cannot be started is found before anything is."""
    from pipeline.definition.dataset_version import with_dataset_version
    from pipeline.definition.execution_name import name_execution
    from pipeline.definition.varied_run import CONFIG_URI, require_upserted, send_varied

    parameters = {**given.parameters, **variant.parameters}
    named = name_execution(
        given.pipeline,
        given.bundle,
        parameters,
        variation={**given.variation, **variant.overrides},
        variant=variant.name,
    )
    require_upserted(given.pipeline, up_to_date=named.up_to_date, config=arguments.config,
                     option="--variants")  # fmt: skip
    varied = send_varied(given.session, given.bundle, arguments.config, given.variation, variant)
    warn_of_what_the_job_lacks(given.bundle, varied, f"variant {variant.name}")
    parameters |= {CONFIG_URI: varied.config_uri}
    return with_dataset_version(given.session, given.pipeline, given.bundle, parameters), named


def _require_endpoints_to_vary(given: Launch, variants: Sequence[Variant]) -> None:
    """Raises LaunchError for a candidate where the variants cannot all be of it."""
    from processing.evaluation.job import NO_PACKAGE

    if given.parameters.get("ModelPackageArn", NO_PACKAGE) in ("", NO_PACKAGE):
        return
    other = [
        variant.name
        for variant in variants
        if {"endpoint.name", "endpoint.inference_component"} & variant.overrides.keys()
    ]
    if other:
        raise LaunchError(
            f"-p ModelPackageArn: a candidate is deployed to an endpoint of its own, and "
            f"{', '.join(other)} override the endpoint: name the other variants after --variants"
        )
    if given.bundle.config.registration.stamp_candidate:
        raise LaunchError(
            "-p ModelPackageArn: registration.stamp_candidate approves or rejects the candidate by "
            "one verdict, and variants have one each: start it without --variants"
        )


def _asked_twice(variants: Sequence[Variant]) -> Iterator[str]:
    """Together they cannot reuse what another is just asking for."""
    for one, other in itertools.combinations(variants, 2):
        if one.config.endpoint == other.config.endpoint:
            yield (
                f"note: {one.name} and {other.name} ask the endpoint the same, and started "
                "together each may pay for it: --one-by-one --wait shares the answers"
            )
            return


def _start(
    arguments: Namespace, given: Launch, batch: Sequence[Prepared], started: _Started
) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    from pipeline.cli.error_line import error_line
    from pipeline.executions import launch

    for variant, parameters, named in batch:
        try:
            arn = launch.start(given.client, given.pipeline, parameters, named)
        except (ClientError, BotoCoreError) as error:
            said = error_line(error, str(arguments.config))
            started.broken[variant.name] = masked(visible_lines(said))
            print(f"variant {variant.name} was not started: {started.broken[variant.name]}",
                  file=sys.stderr)  # fmt: skip
        else:
            started.arns[variant.name] = arn
            print(f"started {arn}\nas {named.display_name}", flush=True)


def _follow(arguments: Namespace, given: Launch, started: _Started) -> None:
    from pipeline.executions.follow import follow_each

    names = {arn: name for name, arn in started.arns.items() if name not in started.ended}
    if names:
        ended = follow_each(given.session, given.client, names, arguments.poll_seconds)
        started.ended |= {names[arn]: status for arn, status in ended.items()}


def _compare_line(arguments: Namespace, started: _Started) -> str:
    config = "" if arguments.config == DEFAULT_CONFIG else f" --config {arguments.config}"
    rank_by = f" --rank-by {arguments.rank_by}" if arguments.rank_by else ""
    ids = " ".join(arn.rpartition("/")[2] for arn in started.arns.values())
    if not started.arns:
        return "nothing was started"
    if len(started.arns) < 2:
        return f"to follow it:\n  python pipeline_definition.py status {ids} --follow{config}"
    compare = f"python pipeline_definition.py compare {ids}{rank_by}{config}"
    return f"to compare them once they have ended:\n  {compare}"


def _results(
    arguments: Namespace, given: Launch, started: _Started, outcomes: list[Outcome]
) -> int:
    from pipeline.cli.compared_variants import show_compared
    from pipeline.cli.outcome import show_result, why_it_ended
    from pipeline.comparison.findings import Absent
    from pipeline.comparison.sources import new_page
    from pipeline.comparison.variants import compare_variants
    from pipeline.executions.ci.outcome import Outcome

    codes = [BROKE for _ in started.broken]
    places: dict[str, str] = {}
    absent: list[Absent] = [Absent(name, why) for name, why in started.broken.items()]
    for name in started.arns:  # in the file's order, whichever ended first
        status = started.ended[name]
        print(f"\nvariant {name}", flush=True)
        code, outcome = show_result(given.bundle, given.session, given.client, status, name)
        codes.append(code)
        outcomes.append(outcome)
        if outcome.document:
            places[name] = status.id
        else:
            absent.append(Absent(name, why_it_ended(status)))
    outcomes += [Outcome(name, None, why) for name, why in started.broken.items()]
    compared = compare_variants(places, arguments.config, rank_by=arguments.rank_by, absent=absent)
    show_compared(compared, new_page().parent, arguments.config)
    return max(codes, default=BROKE)
