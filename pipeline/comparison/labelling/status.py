"""How far people have come with the labels, and what these say of one evaluation so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.comparison.run import ComparedRun
from processing.base.errors import ConfigError
from processing.config.model import EvaluationConfig
from processing.config.scorers import ScorerSpec
from processing.dataset.rows import Row
from processing.gate.calibrated import JudgedRow, calibrated
from processing.gate.metric import scale_of
from processing.labels.label import Label
from processing.labels.matched import ScorerLabels, labelled_draw, last_draw, match_labels


def file_lines(labels: Sequence[Label]) -> Iterator[str]:
    """For each scorer, how many lines are filled in, of all and of the last draw."""
    for scorer in dict.fromkeys(label.scorer for label in labels):
        own = [label for label in labels if label.scorer == scorer]
        filled = sum(label.number is not None for label in own)
        people = len({label.who for label in own if label.who})
        draw = last_draw(own)
        last = [label for label in own if label.draw == draw]
        done = sum(label.number is not None for label in last)
        yield (
            f"{scorer}: {filled} of {len(own)} lines are filled in"
            + (f", by {people} people" if people else "")
            + (f"; of the last draw ({draw}) {done} of {len(last)}" if draw else "")
        )


def labels_in_mlflow(run: ComparedRun, config: EvaluationConfig) -> list[Label]:
    """Of the run's experiment. Raises ConfigError if MLflow does not answer."""
    from mlflow.exceptions import MlflowException

    from processing.mlflow_record.errors import short_reason
    from processing.mlflow_record.human_labels import human_labels
    from processing.mlflow_record.signing import asking

    uri = config.mlflow.tracking_uri
    try:
        with asking(uri):
            return human_labels(run.document["mlflow"]["experiment_id"], config.scorers)
    except (MlflowException, OSError) as error:
        raise ConfigError(f"labels: mlflow: {uri}: {short_reason(str(error))}") from error


def run_lines(labels: Sequence[Label], run: ComparedRun, config: EvaluationConfig) -> Iterator[str]:
    """What the labels say of the run's answers: how many are theirs, and the corrected value."""
    answers = [
        (Row(row_id, row["question"], row["expected_response"]), row["answer"])
        for row_id, row in run.rows.items()
    ]
    found = match_labels(labels, answers, config.scorers)
    for spec in config.scorers:
        if (own := found.get(spec.name)) and spec.name in run.scorers:
            yield _line(spec, own, run)


def _line(spec: ScorerSpec, own: ScorerLabels, run: ComparedRun) -> str:
    said = f"{spec.name}: {len(own.by_row)} answers of {run.source} have a label"
    if own.other_answers:
        said += f", {own.other_answers} lines label another answer"
    scale = scale_of(spec)
    if scale.assumed:
        return said
    verdicts = {row_id: run.number(spec.name, row_id) for row_id in run.rows}
    applies = [row_id for row_id in run.rows if not run.does_not_apply(spec.name, row_id)]
    rows = [
        JudgedRow(verdicts[row_id], label, weight)
        for row_id, label, weight in labelled_draw(own, applies)
    ]
    corrected = calibrated(rows, scale)
    if corrected.low is None or corrected.high is None:
        return f"{said}; {corrected.words(spec.name)}"
    width = corrected.high - corrected.low
    return f"{said}; {corrected.words(spec.name)}, {width:.3g} wide"
