"""`try`: an evaluation of some rows in this process, with nothing set up but the file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.ci import add_ci_options, told_to_ci
from pipeline.cli.command import BROKE, INTERRUPTED, NOT_SUCCEEDED, SUCCEEDED, Command
from pipeline.cli.settings import add_set_option, add_variants_option, require_variants
from processing.base.sigterm import EXIT_CODE, Stopped, stopping_on_sigterm

if TYPE_CHECKING:
    from pipeline.executions.ci.outcome import Outcome
    from pipeline.in_process.result import EvaluationResult


def try_here(arguments: Namespace) -> int:
    from pipeline.in_process.evaluate import RUNS
    from processing.mlflow_record.internals import ask_no_git

    require_variants(arguments)
    ask_no_git()

    def tell_stopped() -> None:
        print(f"\ninterrupted; what was paid for is kept in {RUNS / 'store'}", flush=True)

    try:
        with (
            stopping_on_sigterm(at_the_latest=tell_stopped),
            told_to_ci(arguments, str(arguments.config)) as outcomes,
        ):
            if arguments.variants is None:
                return _try_file(arguments, outcomes)
            return _try_variants(arguments, outcomes)
    except KeyboardInterrupt:
        tell_stopped()
        return INTERRUPTED
    except Stopped:
        tell_stopped()
        return EXIT_CODE


def _try_file(arguments: Namespace, outcomes: list[Outcome]) -> int:
    from pipeline.in_process.evaluate import evaluate
    from processing.config.variation import parse_settings

    result = evaluate(
        arguments.config,
        rows=arguments.rows,
        endpoint=arguments.endpoint,
        vary=parse_settings(arguments.set),
        mlflow=not arguments.no_mlflow,
    )
    _print_result(result)
    outcomes.append(_outcome(str(arguments.config), result))
    if before := _run_before(result.folder):
        print(f"compare:    python pipeline_definition.py compare {before} {result.folder.name}")
    if arguments.open:
        _open(result.report)
    return _code(arguments, [result])


def _try_variants(arguments: Namespace, told: list[Outcome]) -> int:
    """BROKE if a variant has no verdict, whatever the others'."""
    from pipeline.cli.compared_variants import show_compared
    from pipeline.executions.ci.outcome import Outcome
    from pipeline.in_process.evaluate import new_folder
    from pipeline.in_process.variants import compare_outcomes, evaluate_each, ready_variants
    from processing.config.variation import parse_settings

    path = arguments.config
    vary = parse_settings(arguments.set)
    if arguments.endpoint:
        vary["endpoint.name"] = arguments.endpoint
    variants = ready_variants(path, arguments.variants, vary, arguments.rank_by)
    folder = new_folder("-variants")
    mlflow = not arguments.no_mlflow
    outcomes = []
    for outcome in evaluate_each(path, variants, arguments.rows, folder, vary, mlflow=mlflow):
        outcomes.append(outcome)
        if outcome.result is None:
            print(f"variant {outcome.variant.name} has no verdict: {outcome.why}", file=sys.stderr)
            told.append(Outcome(outcome.variant.name, None, outcome.why))
        else:
            _print_result(outcome.result)
            told.append(_outcome(outcome.variant.name, outcome.result))
    page = show_compared(compare_outcomes(path, outcomes, arguments.rank_by), folder, path)
    if arguments.open and page:
        _open(page)
    results = [outcome.result for outcome in outcomes if outcome.result]
    return _code(arguments, results) if len(results) == len(outcomes) else BROKE


def _code(arguments: Namespace, results: Sequence[EvaluationResult]) -> int:
    passed = all(result.verdict.passed for result in results)
    return NOT_SUCCEEDED if arguments.gate and not passed else SUCCEEDED


def _outcome(name: str, result: EvaluationResult) -> Outcome:
    from pipeline.executions.ci.outcome import Outcome

    links = tuple(_links(result))
    return Outcome(name, result.document, links=links, details={"folder": str(result.folder)})


def _print_result(result: EvaluationResult) -> None:
    from pipeline.executions.result_table import print_evaluation

    print_evaluation(result.document)
    print("\n".join(_links(result)), flush=True)


def _links(result: EvaluationResult) -> Iterator[str]:
    from pipeline.executions.plain_view import mlflow_line

    yield mlflow_line(result.document["mlflow"])
    yield f"report:     {result.report.resolve().as_uri()}"


def _open(page: Path) -> None:
    import webbrowser

    webbrowser.open(page.resolve().as_uri())


def _run_before(folder: Path) -> str:
    """The name of the run before this one; empty if there is none."""
    runs = (path.parent.name for path in folder.parent.glob("*/evaluation.json"))
    return max((name for name in runs if name < folder.name), default="")


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--rows",
        type=int,
        default=10,
        metavar="N",
        help="how many rows of the dataset; 0 for all of them (default: %(default)s)",
    )
    parser.add_argument("--endpoint", metavar="NAME", help="the endpoint (default: endpoint.name)")
    add_set_option(parser)
    add_variants_option(parser)
    parser.add_argument(
        "--no-mlflow",
        action="store_true",
        help="keep the record below .runs/ instead of on the file's MLflow server",
    )
    parser.add_argument(
        "--open", action="store_true", help="open the report, or the comparison, in a browser"
    )
    parser.add_argument(
        "--gate",
        action="store_true",
        help="exit code 1 if the gate is not passed, as `start --wait` has it (default: 0 once "
        "there is a verdict)",
    )
    add_ci_options(parser, json_help="print the verdict and evaluation.json as JSON")


TRY = Command(
    name="try",
    summary="evaluate a few rows here and now: no pipeline, no image, no role",
    description=(
        "Evaluate the endpoint on a few rows in this process, with your own credentials, by the\n"
        "code of the pipeline's jobs. Endpoint and judges are paid for; what is paid for is kept,\n"
        "and the pipeline does not pay for it again. The results are in a new folder below\n"
        ".runs/. The exit code is 0 once there is a verdict; see --gate. With --variants\n"
        "they are evaluated one after the other, then compared and ranked; one that breaks does\n"
        "not stop the others, and makes the exit code 3."
    ),
    examples=(
        "try --config my.yaml",
        "try --rows 20 --set endpoint.system_prompt=@prompt.txt --open",
        "try --set endpoint.parameters.temperature=0.7 --set judge.model=openai:/gpt-5-mini",
        "try --rows 40 --variants --rank-by Correctness",
        "try --rows 0 --gate --junit results.xml",
    ),
    run=try_here,
    add_options=_options,
)
