"""The model card of what is registered: its numbers, as Studio's Evaluate tab shows them.

The schema is that of a model package's card (developer guide, "Model package model card schema",
v0.1.0; `sagemaker.core.shapes.model_card_shapes`): of model_overview only model_creator and
model_artifact, and nothing that it does not name. The card travels as a text in evaluation.json,
because Pipelines' JsonGet hands on values, not objects.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from processing.base import container
from processing.report.label_entries import label_lines
from processing.report.panel_entries import panels_of
from processing.report.repeat_entries import repeats_of

if TYPE_CHECKING:
    from processing.gate.check import Check
    from processing.gate.metric import Metric
    from processing.gate.slices import SliceCheck
    from processing.report.evaluation import Evaluation

MAX_CHARACTERS = 100_000
NAME, METRIC_NAME, NOTES, OBSERVATION, DETAIL = 63, 255, 1024, 2096, 1024
CREATOR = "llm-evaluation pipeline"
MEASURED = ("latency_", "input_tokens_", "output_tokens_", "ttft_", "inter_token_", "tokens_per_")


def model_card(evaluation: Evaluation) -> str:
    """The card's content as JSON; slices are left out where they would make it too long."""
    card = _card(evaluation, with_slices=True)
    text = json.dumps(card, ensure_ascii=False)
    if len(text) > MAX_CHARACTERS:
        text = json.dumps(_card(evaluation, with_slices=False), ensure_ascii=False)
    return text


def _card(evaluation: Evaluation, *, with_slices: bool) -> dict[str, Any]:
    return {
        "model_overview": {
            "model_creator": CREATOR,
            "model_artifact": list(filter(None, [evaluation.model.source_uri])),
        },
        "evaluation_details": [
            {
                "name": f"evaluation {evaluation.fingerprint[:16]}"[:NAME],
                "evaluation_observation": _observation(evaluation)[:OBSERVATION],
                **_where(),
                "metadata": {
                    "evaluation_fingerprint": evaluation.fingerprint,
                    "mlflow_run_id": evaluation.run.run_id,
                    "dataset_sha256": evaluation.dataset_sha256,
                    "config_sha256": evaluation.config_sha256,
                },
                "metric_groups": list(_groups(evaluation, with_slices=with_slices)),
            }
        ],
        "additional_information": {
            "custom_details": {
                "pipeline_execution": (evaluation.execution_arn or "none")[:DETAIL],
                "mlflow_run": (evaluation.run.url or evaluation.run.tracking_uri)[:DETAIL],
            }
        },
    }


def _observation(evaluation: Evaluation) -> str:
    verdict = evaluation.verdict
    rows = len(evaluation.answers)
    left = f", {evaluation.not_asked} not asked" if evaluation.not_asked else ""
    counts = f"{evaluation.answered} of {rows} rows answered{left}"
    told = [each.words() for each in panels_of(evaluation)]
    told += [each.words() for each in repeats_of(evaluation)]
    said = [f"{line}." for line in [*label_lines(evaluation), *told]]
    summary = f"Gate {verdict.word}: {verdict.summary}."
    return " ".join([summary, f"{counts}.", *said, *verdict.warnings])


def _where() -> dict[str, Any]:
    """The job and the dataset, where SageMaker ran it."""
    arn, dataset = container.job_arn(), container.input_uri("dataset")
    job = {"evaluation_job_arn": arn} if 0 < len(arn) <= 256 else {}
    return {**job, "datasets": [dataset]} if 0 < len(dataset) <= 1024 else job


def _groups(evaluation: Evaluation, *, with_slices: bool) -> Iterator[dict[str, Any]]:
    quality = {n: m for n, m in evaluation.metrics.items() if not n.startswith(MEASURED)}
    measured = {n: m for n, m in evaluation.metrics.items() if n.startswith(MEASURED)}
    yield {"name": "Quality", "metric_data": _data(quality, _bounds(evaluation))}
    yield {"name": "Latency and tokens", "metric_data": _data(measured, _bounds(evaluation))}
    slices = evaluation.verdict.slices
    if with_slices and slices and slices.checks:
        yield {"name": "Slices", "metric_data": [_slice(check) for check in slices.checks]}


def _bounds(evaluation: Evaluation) -> dict[str, str]:
    bounds: dict[str, list[str]] = {}
    for check in evaluation.verdict.checks:
        word = _word(check)
        threshold = check.threshold
        text = f"{threshold.rule} {threshold.bound:g} ({threshold.tier}) {word}"
        bounds.setdefault(threshold.metric, []).append(text)
    return {metric: ", ".join(texts) for metric, texts in bounds.items()}


def _word(check: Check) -> str:
    if check.undecided:
        return "undecided, not all rows were asked"
    return "holds" if check.passed else "missed"


def _data(metrics: Mapping[str, Metric], bounds: Mapping[str, str]) -> list[dict[str, Any]]:
    return [_metric(name, metric, bounds.get(name, "")) for name, metric in metrics.items()]


def _metric(name: str, metric: Metric, bound: str) -> dict[str, Any]:
    notes = [f"n={metric.n}", f"errors={metric.errors}"]
    if metric.not_asked:
        notes.append(f"not asked={metric.not_asked}")
    if metric.low is not None and metric.high is not None:
        notes.append(f"95 % interval {metric.low:.4g} to {metric.high:.4g}")
    if metric.load:
        notes.append(metric.load)
    if metric.calibrated:
        notes.append(metric.calibrated.words(name))
    if bound:
        notes.append(f"threshold {bound}")
    named = {"name": name[:METRIC_NAME], "notes": "; ".join(notes)[:NOTES]}
    if metric.value is None or not math.isfinite(metric.value):
        return {**named, "type": "string", "value": "none"}
    return {**named, "type": "number", "value": metric.value}


def _slice(found: SliceCheck) -> dict[str, Any]:
    check = found.check
    name = f"{check.threshold.metric} where {found.column} is {found.value}"
    threshold = check.threshold
    return _metric(name, check.metric, f"{threshold.rule} {threshold.bound:g} {_word(check)}")
