"""`try`: an evaluation of some rows in this process, with nothing set up but the file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from pipeline.cli.command import INTERRUPTED, SUCCEEDED, Command
from pipeline.cli.settings import add_set_option
from processing.base.sigterm import EXIT_CODE, Stopped, stopping_on_sigterm


def try_here(arguments: Namespace) -> int:
    from pipeline.executions.plain_view import mlflow_line
    from pipeline.executions.result_table import print_evaluation
    from pipeline.in_process.evaluate import RUNS, evaluate
    from processing.config.variation import parse_settings
    from processing.mlflow_record.internals import ask_no_git

    ask_no_git()

    def tell_stopped() -> None:
        print(f"\ninterrupted; what was paid for is kept in {RUNS / 'store'}", flush=True)

    try:
        with stopping_on_sigterm(at_the_latest=tell_stopped):
            result = evaluate(
                arguments.config,
                rows=arguments.rows,
                endpoint=arguments.endpoint,
                vary=parse_settings(arguments.set),
                mlflow=not arguments.no_mlflow,
            )
    except KeyboardInterrupt:
        tell_stopped()
        return INTERRUPTED
    except Stopped:
        tell_stopped()
        return EXIT_CODE
    print_evaluation(result.document)
    print(mlflow_line(result.document["mlflow"]))
    print(f"report:     {result.report.resolve().as_uri()}")
    if before := _run_before(result.folder):
        print(f"compare:    python pipeline_definition.py compare {before} {result.folder.name}")
    if arguments.open:
        import webbrowser

        webbrowser.open(result.report.resolve().as_uri())
    return SUCCEEDED


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
    parser.add_argument(
        "--no-mlflow",
        action="store_true",
        help="keep the record below .runs/ instead of on the file's MLflow server",
    )
    parser.add_argument("--open", action="store_true", help="open the report in a browser")


TRY = Command(
    name="try",
    summary="evaluate a few rows here and now: no pipeline, no image, no role",
    description=(
        "Evaluate the endpoint on a few rows in this process, with your own credentials, by the\n"
        "code of the pipeline's jobs. Endpoint and judges are paid for; what is paid for is kept,\n"
        "and the pipeline does not pay for it again. The results are in a new folder below\n"
        ".runs/. The exit code is 0 once there is a verdict, whichever it is."
    ),
    examples=(
        "try --config my.yaml",
        "try --rows 20 --set endpoint.system_prompt=@prompt.txt --open",
        "try --set endpoint.parameters.temperature=0.7 --set judge.model=openai:/gpt-5-mini",
    ),
    run=try_here,
    add_options=_options,
)
