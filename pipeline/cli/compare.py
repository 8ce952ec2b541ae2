"""`compare`: two or more evaluations held against each other, row by row."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from pipeline.cli.command import SUCCEEDED, Command
from pipeline.cli.settings import add_rank_option


def compare(arguments: Namespace) -> int:
    from pipeline.comparison.compare import compare
    from pipeline.comparison.markdown import markdown
    from pipeline.comparison.parent_run import log_comparison
    from pipeline.comparison.sources import new_page
    from pipeline.comparison.table import print_comparison

    comparison = compare(*arguments.runs, config=arguments.config, rank_by=arguments.rank_by,
                         pairwise=not arguments.no_pairwise)  # fmt: skip
    print_comparison(comparison.findings)
    if arguments.json:
        comparison.write_json(arguments.json)
        print(f"json:       {arguments.json}")
    if arguments.markdown:
        arguments.markdown.write_text(markdown(comparison.findings), encoding="utf-8")
        print(f"markdown:   {arguments.markdown}")
    page = arguments.html or new_page()
    comparison.write_html(page)
    print(f"page:       {page.resolve().as_uri()}")
    if arguments.mlflow:
        print(f"MLflow:     {log_comparison(comparison, arguments.config)}")
    if arguments.open:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
    return SUCCEEDED


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="a folder of `try`, an execution's id or ARN, an MLflow run's id, or a registered "
        "model package's ARN; the first is what the others are held against",
    )
    add_rank_option(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write JSON too (default: no)")
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="write Markdown too, for a comment on a pull request (default: no)",
    )
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="where the page goes (default: compare.html in a new folder below .runs/)",
    )
    parser.add_argument(
        "--mlflow",
        action="store_true",
        help="make a run on the MLflow server that the compared ones are on, with these below it",
    )
    parser.add_argument(
        "--no-pairwise",
        action="store_true",
        help="ask no judge which answers are better, even if there are pairwise scorers",
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")


COMPARE = Command(
    name="compare",
    summary="hold evaluations against each other, row by row, with statistics",
    description=(
        "Pair the rows of two or more evaluations and tell each metric's difference from the\n"
        "first one, with its 95 % interval, and which of them are real. What may not be compared\n"
        "(other rows, judge, scorer, code) is said first. At the end all are ranked: those that\n"
        "passed the gate first, then by one metric, with every pair tested. Nothing is paid for,\n"
        "unless the evaluations or --config FILE have pairwise scorers, which ask their judges\n"
        "which answers are better. The exit code is 0 whatever the differences are."
    ),
    examples=(
        "compare 20261126-210500 20261126-211200 --open",
        "compare abcdefghijkl .runs/20261126-211200 --json differences.json --mlflow",
    ),
    run=compare,
    add_options=_options,
)
