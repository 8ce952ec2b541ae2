"""People's labels beside an evaluation's verdicts: how good each judge is, and what it corrects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from processing.config.labels import IN_MLFLOW
from processing.config.model import EvaluationConfig
from processing.config.scorer_numbers import number_range
from processing.config.scorers import ScorerSpec
from processing.endpoint.answers import Answer
from processing.evaluation.job import EvaluationJob
from processing.gate.agreement import Agreement, Pair, agreement, classes_of
from processing.gate.calibrated import JudgedRow, calibrated
from processing.gate.metric import Metric, scale_of
from processing.labels.label import Label
from processing.labels.matched import ScorerLabels, labelled_draw, match_labels
from processing.labels.sources import labels_of_rows
from processing.mlflow_record.human_labels import human_labels
from processing.mlflow_record.run import TrackedRun
from processing.mlflow_record.scores import Scores


@dataclass(frozen=True)
class People:
    """What people say of the evaluation's answers, by scorer; only scorers that have labels."""

    labels: Mapping[str, ScorerLabels]
    agreements: Mapping[str, Agreement]

    def reasons(self, config: EvaluationConfig) -> list[str]:
        """What `judges:` keeps the gate shut for."""
        if config.judges is None:
            return []
        asked = {spec.name: spec for spec in config.scorers}
        found = [
            self.agreements.get(name) or _agreement(asked[name], config, ScorerLabels(), {})
            for name in config.scorers_under_judges()
        ]
        return [reason for each in found if (reason := each.reason(config.judges))]

    def warnings(self, config: EvaluationConfig) -> list[str]:
        """What a person should know of labels that a threshold rests on."""
        corrected = [name for name, bound in config.thresholds.items() if bound.on == "calibrated"]
        return [
            f"nobody has said how the rows with labels for {name} were drawn: they are taken for a "
            "random draw, and labels of picked answers correct nothing; `labels sample` draws"
            for name in corrected
            if name in self.labels and any(d.probability is None for d in self.labels[name].drawn)
        ]


def known_labels(job: EvaluationJob, tracked: TrackedRun) -> list[Label]:
    """Those of the file or of MLflow; read before anything is paid, so that a mistake is free."""
    if job.config.labels == IN_MLFLOW:
        return human_labels(tracked.experiment_id, job.config.scorers)
    return list(job.labels)


def people_of(
    config: EvaluationConfig, known: Sequence[Label], answers: Sequence[Answer], scores: Scores
) -> People:
    """The labels of these answers, and how far the scorers agree with them.

    `known`: all that are in no column of the dataset.
    """
    labels = [*labels_of_rows(config, (answer.row for answer in answers)), *known]
    found = match_labels(labels, [(a.row, a.text) for a in answers], config.scorers)
    return People(
        found,
        {
            spec.name: _agreement(spec, config, found[spec.name], scores)
            for spec in config.scorers
            if spec.name in found
        },
    )


def _agreement(
    spec: ScorerSpec, config: EvaluationConfig, found: ScorerLabels, scores: Scores
) -> Agreement:
    low, high = number_range(spec)
    levels = dict(spec.options.category_numbers())
    pairs = [
        Pair(row_id, label.number, scores[row_id][spec.name].value)
        for row_id, label in found.by_row.items()
        if spec.name in scores.get(row_id, {}) and scores[row_id][spec.name].applies
    ]
    judge = config.judge_of(spec)
    classes = classes_of(levels, low, high, higher_is_better=spec.higher_is_better)
    return agreement(spec.name, judge.model if judge else "", pairs, classes)


def with_calibrated(
    metrics: Mapping[str, Metric],
    config: EvaluationConfig,
    people: People,
    answers: Sequence[Answer],
    scores: Scores,
) -> dict[str, Metric]:
    """The metrics, those of scorers with labels with what these correct.

    Rows that belong together are not corrected: a draw of rows says nothing of a draw of clusters.
    """
    found = dict(metrics)
    if config.dataset.cluster is not None:
        return found
    for spec in config.scorers:
        labels, scale = people.labels.get(spec.name), scale_of(spec)
        if labels is None or scale.assumed or not labels.drawn:
            continue
        rows = _judged_rows(spec.name, labels, answers, scores)
        found[spec.name] = replace(found[spec.name], calibrated=calibrated(rows, scale))
    return found


def _judged_rows(
    scorer: str, labels: ScorerLabels, answers: Sequence[Answer], scores: Scores
) -> list[JudgedRow]:
    """Every row to which the scorer applies."""
    given = {row_id: row[scorer] for row_id, row in scores.items() if scorer in row}
    applies = [
        answer.row.row_id
        for answer in answers
        if answer.row.row_id not in given or given[answer.row.row_id].applies
    ]
    return [
        JudgedRow(given[row_id].value if row_id in given else None, label, weight)
        for row_id, label, weight in labelled_draw(labels, applies)
    ]
