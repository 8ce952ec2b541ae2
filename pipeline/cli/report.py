"""`report`: an evaluation's page, fetched and opened; or a page over a folder of evaluations."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from pipeline.cli.command import SUCCEEDED, Command


def report(arguments: Namespace) -> int:
    from pipeline.comparison.reports.fetched import fetch_report, report_in
    from pipeline.comparison.reports.index_page import has_runs, write_index
    from pipeline.comparison.sources import RUNS, Services
    from processing.base.errors import LaunchError

    name = arguments.run_name
    folders = [folder for folder in (Path(name), RUNS / name) if folder.is_dir()] if name else []
    if folders and arguments.output:
        raise LaunchError(f"--output is where a report is fetched to, and {folders[0]} is here")
    if folders and has_runs(folders[0]):
        page = write_index(folders[0])
        print(f"index:      {page.resolve().as_uri()}")
    else:
        found = (
            report_in(folders[0])
            if folders
            else fetch_report(name, arguments.output, Services(arguments.config))
        )
        page = found.page
        if found.outcome:
            print(f"the model:  {found.outcome}")
        elif found.unknown_because:
            print(f"the model:  what became of it is not known ({found.unknown_because})")
        print(f"report:     {page.resolve().as_uri()}")
    if not arguments.no_open:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
    return SUCCEEDED


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "run_name",
        nargs="?",
        metavar="RUN",
        help="an execution's id or ARN, an MLflow run's id, a registered model package's ARN, a "
        "folder of `try`, or a folder of such folders (default: the latest execution)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="where it is fetched to (default: a folder of its own below .runs/reports)",
    )
    parser.add_argument(
        "--no-open", action="store_true", help="do not open it in a browser (default: open it)"
    )


REPORT = Command(
    name="report",
    summary="fetch an evaluation's report and open it; or a page over a folder of them",
    description=(
        "Fetch report.html, evaluation.json and rows.jsonl of an evaluation, write into the page\n"
        "what became of the model (as which version it was registered, or why not), and open it\n"
        "in the browser. Of a folder with several evaluations it writes index.html: each with its\n"
        "verdict, date, rows, what decided, and a link."
    ),
    examples=("report", "report a1b2c3d4e5f6 --no-open", "report .runs", "report .runs/reports"),
    run=report,
    add_options=_options,
)
