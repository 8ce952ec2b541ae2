"""`labels`: whom people are asked to label, and how far they have come."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.command import SUCCEEDED, Command
from pipeline.cli.configured import read_bundle
from processing.base.errors import ConfigError
from processing.config.labels import FORMATS, IN_MLFLOW

if TYPE_CHECKING:
    from pipeline.comparison.run import ComparedRun
    from pipeline.definition.bundle import Bundle

DEFAULT_FILE = "labels.csv"


def labels(arguments: Namespace) -> int:
    bundle = read_bundle(arguments)
    does = _sample if arguments.action == "sample" else _status
    return does(arguments, bundle)


def _sample(arguments: Namespace, bundle: Bundle) -> int:
    from pipeline.comparison.labelling.review import tag_for_review
    from pipeline.comparison.labelling.sample import draw, labelled_scorers, write_sample

    if arguments.run_name is None:
        raise ConfigError(
            "labels sample RUN: name the evaluation whose answers people label: a folder of `try`, "
            "or an execution's id"
        )
    if arguments.rows < 1:
        raise ConfigError(f"--rows {arguments.rows}: draw one row or more")
    if arguments.output and arguments.output.suffix not in FORMATS:
        raise ConfigError(f"--output {arguments.output}: must end in {' or '.join(FORMATS)}")
    run, config = _run(arguments), bundle.config
    scorers = labelled_scorers(config, arguments.scorers or [])
    found = draw(run, config, scorers, arguments.rows, arguments.seed)
    strata = [f"the verdicts of {', '.join(scorers)}", *config.slices]
    print(f"drawn:   {len(found.probabilities)} of {found.rows} answers, by {' and '.join(strata)}")
    if found.left_out:
        print(
            f"note:    {found.left_out} rows have no answer and cannot be labelled: on: calibrated "
            "counts them as the worst"
        )
    if arguments.output or config.labels != IN_MLFLOW:
        path = arguments.output or bundle.folder / (config.labels_file or DEFAULT_FILE)
        lines = write_sample(path, run, found, config)
        print(
            f"file:    {path}: fill in `label` on {lines} lines (and `who`) without a look at the "
            "verdicts"
        )
        if config.labels is None:
            print(
                f"then:    labels: {path.name} in {arguments.config}, and the same evaluation "
                "again: answers and verdicts are kept and cost nothing"
            )
    if not arguments.no_mlflow:
        print(f"MLflow:  {tag_for_review(run, config.mlflow.tracking_uri, found)}")
    if config.labels == IN_MLFLOW:
        print(
            "then:    in MLflow, filter the traces by tags.review = 'wanted', and give each the "
            f"feedback {' and '.join(scorers)}"
        )
    return SUCCEEDED


def _status(arguments: Namespace, bundle: Bundle) -> int:
    from pipeline.comparison.labelling.status import file_lines, labels_in_mlflow, run_lines
    from processing.labels.sources import labels_of_file

    config = bundle.config
    run = _run(arguments) if arguments.run_name is not None else None
    if config.labels is None:
        raise ConfigError(f"{arguments.config}: labels: names no file; `labels sample` makes one")
    if config.labels == IN_MLFLOW and run is None:
        raise ConfigError("labels status RUN: name an evaluation, whose experiment has the labels")
    if config.labels == IN_MLFLOW and run is not None:
        found = labels_in_mlflow(run, config)
    else:
        found, _ = labels_of_file(config, bundle.folder)
    for line in file_lines(found):
        print(line)
    if not found:
        print(f"{config.labels} has no labels")
    if run is not None:
        for line in run_lines(found, run, config):
            print(line)
    return SUCCEEDED


def _run(arguments: Namespace) -> ComparedRun:
    from pipeline.comparison.sources import find_runs

    [run] = find_runs([arguments.run_name], arguments.config)
    return run


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=["sample", "status"])
    parser.add_argument(
        "run_name",
        nargs="?",
        metavar="RUN",
        help="the evaluation: a folder of `try`, an execution's id or ARN, an MLflow run's id, or "
        "a registered model package's ARN",
    )
    parser.add_argument("--rows", type=int, default=50, help="answers to draw (default: 50)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (default: 1)")
    parser.add_argument(
        "--scorers",
        nargs="+",
        metavar="NAME",
        help="whose question people answer (default: those for which labels decide)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the .csv or .jsonl to write, behind what is there (default: the file under labels:)",
    )
    parser.add_argument(
        "--no-mlflow", action="store_true", help="leave the run's traces in MLflow as they are"
    )


LABELS = Command(
    name="labels",
    summary="draw answers for people to label, and see how far they have come",
    description=(
        "sample  draw answers of an evaluation at random, in every part of the judges' verdicts\n"
        "        and of the slices, and write a file for people to fill in; it has the\n"
        "        probability of each row, which `on: calibrated` needs. In MLflow the drawn\n"
        "        rows' traces get the tag review = wanted\n"
        "status  how many labels there are; with RUN also how many are of its answers, and how\n"
        "        wide the interval of the corrected value is"
    ),
    examples=(
        "labels sample .runs/20261126-211200 --rows 50",
        "labels status .runs/20261126-211200",
    ),
    run=labels,
    add_options=_options,
)
