"""`plan`: what an evaluation will cost and take, and how often its gate will err."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.cli.command import SUCCEEDED, Command

if TYPE_CHECKING:
    from pipeline.checks.plan.cost import Costs
    from pipeline.checks.plan.gate import GateErrors
    from pipeline.checks.plan.scorer_calls import ScorerCalls
    from pipeline.checks.plan.stopping import Savings


def plan(arguments: Namespace) -> int:
    from pipeline.in_process.plan import plan

    found = plan(
        arguments.config,
        rows=arguments.rows,
        earlier=arguments.earlier,
        distance=arguments.distance,
    )
    if arguments.json:
        print(json.dumps(found.document(), indent=2, ensure_ascii=False))
        return SUCCEEDED
    rows = found.rows.count
    counted = found.rows.independent()
    as_many = f", which count as {counted:,} independent ones" if counted != rows else ""
    held = len(found.rows.rows)
    more = f", as if the dataset had more of the kind of its {held:,}" if 0 < held < rows else ""
    print(f"{arguments.config}: {rows:,} rows{more}{as_many}")
    stopping = _stopping_lines(found.savings, found.waiting)
    for line in (*_cost_lines(found.costs), *stopping, "", *_gate_lines(found.gate)):
        print(line)
    return SUCCEEDED


def _cost_lines(costs: Costs) -> Iterator[str]:
    yield ""
    yield from _table(
        ("service", "calls", "tokens in", "tokens out", "cost", "time alone", "bound by"),
        [
            (
                each.service,
                f"{each.calls:,}",
                f"{each.input_tokens:,}",
                f"{each.output_tokens:,}",
                "no price" if each.cost is None else f"{each.cost:.4g}",
                _duration(each.seconds),
                each.limit,
            )
            for each in costs.services
        ],
    )
    for service in costs.services:
        yield f"  {service.service}: {service.basis}"
    yield ""
    yield from _table(
        ("scorer", "calls a row", "swapped answers", "calls", "from"),
        [
            (
                _whose(each, costs.scorers),
                f"{each.a_row:.3g}",
                f"{each.swapped}",
                f"{each.calls:,.0f}",
                each.source,
            )
            for each in costs.scorers
        ],
    )
    for each in costs.pairwise:
        yield (
            f"  {each.scorer} (pairwise) is asked later, by `compare`: {each.calls:,.0f} calls of "
            f"{each.service} for each two runs"
        )
    if costs.rejudge:
        yield (
            f"  champion.rejudge: up to {costs.rejudge:,} calls more, if the champion was judged "
            "otherwise"
        )
    yield ""
    money = "not known" if costs.money is None else f"{costs.money:.4g}"
    missing = f" (no prices: for {', '.join(costs.unpriced)})" if costs.unpriced else ""
    yield f"cost: {money}{missing}; what is kept from earlier runs costs nothing again"
    slowest = costs.slowest
    decides = (
        f"which {slowest.service} decides by its {slowest.limit}"
        if slowest
        else "since nobody is asked"
    )
    yield f"time: {_duration(costs.seconds)}, {decides}"


def _whose(calls: ScorerCalls, among: Sequence[ScorerCalls]) -> str:
    """The scorer; and which judge it asks, if it asks several."""
    several = sum(each.scorer == calls.scorer for each in among) > 1
    return f"{calls.scorer} ({calls.service})" if several else calls.scorer


def _stopping_lines(savings: Sequence[Savings], waiting: Sequence[str]) -> Iterator[str]:
    for each in savings:
        money = "" if each.cost is None else f" and {each.cost:.4g}"
        model = (
            f"{each.distance:g} better than every bound is passed"
            if each.passed
            else f"{each.distance:g} beyond {each.bound} is refused"
        )
        last = f", {each.bound} last," if each.passed else ","
        yield (
            f"stop_early: a model {model} after about {100 * each.asked:.0f} % of the rows{last} "
            f"which saves {each.calls:,} calls{money}"
        )
    if waiting:
        yield f"stop_early: for: both waits for all rows of {', '.join(waiting)}"


def _gate_lines(gate: GateErrors) -> Iterator[str]:
    from pipeline.checks.plan.gate import percent

    yield (
        f"How often the gate errs: the chance that a model {gate.distance:g} worse than the bound "
        f"passes it,"
    )
    yield "and that one as much better is stopped by it; the rows with which both are 5 % at most"
    yield from _table(
        ("threshold", "rows", "worse", "passes", "better", "stopped", "rows for 5 %"),
        [
            (
                each.name
                + (" on interval" if each.threshold.on == "interval" else "")
                + ("" if each.decides else " (soft)"),
                f"{each.errors.rows:,}",
                f"{each.errors.worse:.4g}",
                percent(each.errors.false_pass),
                f"{each.errors.better:.4g}",
                percent(each.errors.false_stop),
                f"{each.errors.rows_needed:,}" if each.errors.rows_needed else "over 100,000",
            )
            for each in gate.thresholds
        ],
    )
    for basis in dict.fromkeys(each.errors.basis for each in gate.thresholds):
        named = (e.threshold.metric for e in gate.thresholds if e.errors.basis == basis)
        yield f"  {basis}: {', '.join(dict.fromkeys(named))}"
    for line in gate.unknown:
        yield f"  not counted: {line}"
    if not gate.deciding:
        yield "No hard bound could be counted, so how often the gate errs is not known"
        return
    together, alone = percent(gate.any_false_stop), percent(gate.any_false_stop_without_slices)
    sliced = f" ({alone} by those that are no slice's)" if alone != together else ""
    yield (
        f"A model that much better at all {len(gate.deciding)} hard bounds is stopped by one of "
        f"them in {together} of runs{sliced}"
    )
    yield (
        f"if they err independently, in {percent(gate.least_false_stop)} if they err together; "
        "scores of one answer rise and fall together in part"
    )
    if gate.errs_too_often:
        yield f"warning: the gate errs more often than one time in five: {gate.line()}"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield ("  " + "  ".join(cells)).rstrip()


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5_400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--rows",
        type=int,
        metavar="N",
        help="plan for so many rows, 0 for all (default: dataset.sample_size)",
    )
    parser.add_argument(
        "--from",
        dest="earlier",
        metavar="RUN",
        help="an earlier run, whose calls, tokens, times and spread of scores are taken: a folder "
        "of `try`, an execution, an MLflow run, a model package (default: stated estimates)",
    )
    parser.add_argument(
        "--distance",
        type=float,
        default=0.05,
        metavar="SHARE",
        help="how far from a bound a model is that the gate has to tell from one at the bound, as "
        "a share of the scale (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead")


PLAN = Command(
    name="plan",
    summary="calls, tokens, money and time of an evaluation; how often its gate errs",
    description=(
        "Count, before anything is paid for, the rows, calls, tokens, money and time of an\n"
        "evaluation, and which quota binds. Then tell how often its gate errs with so many rows:\n"
        "the chance that each threshold lets a worse model pass or stops a better one, that any\n"
        "of them and of the slices stops a good one, and the rows that 5 % would need. Nobody is\n"
        "asked and nothing is created. With --from what an earlier run measured is taken."
    ),
    examples=(
        "plan --config my.yaml",
        "plan --rows 400 --from 20261126-210500",
        "plan --distance 0.1 --json",
    ),
    run=plan,
    add_options=_options,
)
