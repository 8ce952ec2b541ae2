"""People's labels as MLflow holds them: feedback of source HUMAN on traces of earlier runs.

People give it in MLflow's own page, under the scorer's name. `labels sample` tags the traces that
it has drawn, so that those which nobody has labelled yet are known as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from processing.base.errors import ConfigError
from processing.config.scorers import ScorerSpec
from processing.labels.label import Label, label_number
from processing.mlflow_record.row_traces import ROW_TAG, TRACES_A_PAGE, trace_pages

if TYPE_CHECKING:
    from mlflow.entities import Assessment, Trace

REVIEW_TAG, WANTED = "review", "wanted"
DRAW_TAG, PROBABILITY_TAG = "review.draw", "review.probability"
DRAWN_AT_TAG, SCORERS_TAG = "review.drawn_at", "review.scorers"

MOST_TRACES = 100_000
"""Of an experiment, the newest: a page of them takes a tenth of a second and more."""


def human_labels(experiment_id: str, scorers: Sequence[ScorerSpec]) -> list[Label]:
    """The labels on all traces of the experiment, the last draw at the end.

    Asks MLflow's tracking URI. Feedback off its scorer's scale is told and not used.
    """
    from mlflow import MlflowClient

    specs = {spec.name: spec for spec in scorers}
    found: list[tuple[str, int, Label]] = []
    for trace in _traces(experiment_id):
        wanted = list(_wanted(trace, specs))
        given = list(_given(trace, specs))
        if not wanted and not given:
            continue
        answer = _answer(MlflowClient().get_trace(trace.info.trace_id))
        if answer is None:
            continue
        at, time = trace.info.tags.get(DRAWN_AT_TAG, ""), trace.info.request_time
        labelled = {feedback.name for feedback in given}
        found += [
            (at, time, _label(trace, specs[name], answer, None))
            for name in wanted
            if name not in labelled
        ]
        found += [
            (at, time, _label(trace, specs[feedback.name], answer, feedback)) for feedback in given
        ]
    return [label for _, _, label in sorted(found, key=lambda each: each[:2])]


def _traces(experiment_id: str) -> Iterator[Trace]:
    """The rows' traces, the newest first, without their spans."""
    searched = 0
    for page in trace_pages(experiment_id):
        if searched == MOST_TRACES:
            only = f"only the newest {MOST_TRACES:,} traces were searched"
            print(f"labels: mlflow: {only}", flush=True)
            return
        yield from page
        searched += TRACES_A_PAGE


def _wanted(trace: Trace, specs: dict[str, ScorerSpec]) -> Iterator[str]:
    if trace.info.tags.get(REVIEW_TAG) == WANTED:
        names = trace.info.tags.get(SCORERS_TAG, "").split(",")
        yield from (name for name in names if name in specs)


def _given(trace: Trace, specs: dict[str, ScorerSpec]) -> Iterator[Assessment]:
    for assessment in trace.info.assessments:
        if (
            assessment.name in specs
            and assessment.feedback is not None
            and assessment.feedback.error is None
            and assessment.valid is not False  # somebody has replaced it
            and assessment.source.source_type == "HUMAN"
        ):
            yield assessment


def _answer(trace: Trace) -> str | None:
    roots = [span for span in trace.data.spans if span.parent_id is None]
    outputs = roots[0].outputs if roots else None
    return outputs if isinstance(outputs, str) and outputs.strip() else None


def _label(trace: Trace, spec: ScorerSpec, answer: str, feedback: Assessment | None) -> Label:
    tags, number = trace.info.tags, None
    place = f"MLflow trace {trace.info.trace_id}"
    if feedback is not None and feedback.feedback is not None:
        try:
            number = label_number(spec, feedback.feedback.value, place)
        except ConfigError as error:
            print(f"labels: mlflow: not used: {error}", flush=True)
    return Label(
        scorer=spec.name,
        row_id=tags[ROW_TAG],
        question="",
        answer=answer,
        number=number,
        who=(feedback.source.source_id or "") if feedback else "",
        probability=_probability(tags.get(PROBABILITY_TAG)),
        draw=tags.get(DRAW_TAG, ""),
        place=place,
    )


def _probability(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 < number <= 1 else None
