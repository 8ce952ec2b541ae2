"""evaluation.json, which the evaluation step leaves behind for the gate.

evaluation.json is the step's property file: small, its keys flat and free of `/` and `.`, because
the condition step, RegisterModel and GateFailed read it by JsonPath. It is written last, when all
else is where it belongs, and at one stroke: a job that fails half-way leaves no verdict behind.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from processing.base.disk import written_to
from processing.base.secrets import masked
from processing.gate.check import Check
from processing.gate.frequent_error import FrequentError, most_frequent
from processing.gate.metric import Metric
from processing.gate.slices import SliceCheck
from processing.gate.stopped import Stopped
from processing.report.champion_entry import champion_entry
from processing.report.drift_entry import drift_entry
from processing.report.evaluation import Evaluation
from processing.report.judge_entries import judge_entries
from processing.report.label_entries import calibrated_entry, finite, label_entries
from processing.report.model_card import model_card
from processing.report.panel_entries import panel_entries
from processing.report.provenance import provenance_entries
from processing.report.repeat_entries import repeat_entries

EVALUATION_FILE = "evaluation.json"
ROWS_FILE = "rows.jsonl"

NUMBER_RULE = (
    "yes and true are 1, no and false are 0; a category is the number that its scorer's levels "
    "give it; a finite number is itself; anything else, unknown included, is an error. A row "
    "without a number is in no mean; held against a threshold it counts as the worst that the "
    "scorer's scale allows."
)
"""How verdicts become numbers, in the report's own words."""

METADATA_KEYS = (
    "verdict",
    "rows",
    "endpoint",
    "mlflow_run_id",
    "mlflow_experiment_id",
    "dataset_sha256",
    "config_sha256",
    "evaluation_fingerprint",
)
"""What a registered package carries as CustomerMetadataProperties, beside its metrics."""


def evaluation_text(document: Mapping[str, Any]) -> str:
    """evaluation.json, as it stands in the file."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_document(document: Mapping[str, Any], folder: Path) -> None:
    """Write evaluation.json into `folder`: the whole of it, or nothing. Raises DiskError."""
    path = folder / EVALUATION_FILE
    partial = path.with_suffix(".partial")
    try:
        with written_to(path):
            folder.mkdir(parents=True, exist_ok=True)
            partial.write_text(evaluation_text(document), encoding="utf-8")
            partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def evaluation_document(evaluation: Evaluation) -> dict[str, Any]:
    """What evaluation.json says."""
    verdict = evaluation.verdict
    return {
        "schema": 2,
        "evaluated_here": 1,  # 0 where an execution found the candidate evaluated already
        "fingerprint": evaluation.fingerprint,
        **provenance_entries(evaluation.provenance),
        "gate": {
            # 1 and 0: whether Pipelines compares JSON's true and false is not documented
            "passed": int(verdict.passed),
            "summary": verdict.summary,
            "reasons": list(verdict.reasons),
            "warnings": list(verdict.warnings),
        },
        # why the run ended before all was asked; null where all was
        "stopped": _stopped(verdict.stopped) if verdict.stopped else None,
        "thresholds": {check.threshold.name: _check(check) for check in verdict.checks},
        "slices": [_slice(check) for check in verdict.slices.checks] if verdict.slices else [],
        "champion": champion_entry(verdict.champion) if verdict.champion else None,
        # against the last runs of the same pipeline and source; null where it is not asked for
        "drift": drift_entry(evaluation.drift) if evaluation.drift else None,
        "number_rule": NUMBER_RULE,
        "number_rules": dict(evaluation.number_rules),
        # what two runs must share to be compared; absent in files of earlier versions
        "scorers": {name: scorer.entry() for name, scorer in evaluation.scorers.items()},
        "code_sha256": evaluation.code_sha256,
        # entries that `compare` asks; no metric of this evaluation
        "pairwise": {name: dict(entry) for name, entry in evaluation.pairwise.items()},
        "metrics": {name: _metric(name, metric) for name, metric in evaluation.metrics.items()},
        # expected answers of other rows, which each judge has to reject
        "swapped_answers": [asdict(each) for each in evaluation.swapped_answers],
        # judges that were asked more than once: how often one contradicts itself
        "repeats": repeat_entries(evaluation),
        # several judges for one scorer: what each said, and how far they agree
        "panels": panel_entries(evaluation),
        "judges": judge_entries(evaluation),
        # people's labels of these answers, and how far the scorers agree with them
        "labels": label_entries(evaluation),
        "regression_metrics": _regression_metrics(evaluation.metrics),
        "counts": {
            "rows": len(evaluation.answers),
            "answered": evaluation.answered,
            "endpoint_errors": evaluation.endpoint_errors,
            # no errors: the run ended before
            "not_asked": evaluation.not_asked,
            # so many groups of rows that belong together (dataset.cluster); null: each row alone
            "clusters": len(set(evaluation.clusters.values())) or None,
            "cut_answers": evaluation.cut_answers.cut,
            # of so many, the endpoint says why the model stopped
            "cut_answers_known": evaluation.cut_answers.known,
            "frequent_error": _frequent(
                most_frequent(a.call.error for a in evaluation.answers if a.call.error)
            ),
        },
        "model": {
            "endpoint_name": evaluation.endpoint_name,
            "endpoint_arn": evaluation.model.endpoint_arn,
            "model_name": evaluation.model.model_name,
            "source_uri": evaluation.model.source_uri,
            # "given": nobody was asked, and the model is what the file says
            "answers": "given" if evaluation.answers_given else "asked",
        },
        "mlflow": {
            "tracking_uri": masked(evaluation.run.tracking_uri),
            "experiment_id": evaluation.run.experiment_id,
            "run_id": evaluation.run.run_id,
            "url": masked(evaluation.run.url) if evaluation.run.url else None,
        },
        "spend": [
            {"service": name, **account.figures(), "cost": evaluation.spend.cost(name)}
            for name, account in sorted(evaluation.spend.accounts.items())
        ],
        "dataset_sha256": evaluation.dataset_sha256,
        "config_sha256": evaluation.config_sha256,
        "execution_arn": evaluation.execution_arn,
        "varied": {key: masked(value) for key, value in evaluation.varied.items()},
        "metadata": _metadata(evaluation),
        "model_card": model_card(evaluation),
    }


def _check(check: Check) -> dict[str, Any]:
    threshold = check.threshold
    return {
        "metric": threshold.metric,
        "rule": threshold.rule,
        "bound": threshold.bound,
        "on": threshold.on,
        "tier": threshold.tier,
        "compared": check.compared,
        "passed": int(check.passed),
        "reason": check.reason,
        # holds for what was asked, and may not for what was not
        "undecided": check.undecided,
    }


def _stopped(found: Stopped) -> dict[str, Any]:
    return {
        "rule": found.rule,
        "why": found.why,
        # what a model keeps that has passed early; [] otherwise, and absent in earlier files
        "kept": list(found.kept),
        "words": found.words,
        "rows_asked": found.rows - found.not_asked,
        "rows_not_asked": found.not_asked,
        "verdicts_not_asked": found.verdicts,
        # estimated from what the calls that were made have cost
        "saved": [asdict(each) for each in found.saved],
    }


def _metric(name: str, metric: Metric) -> dict[str, Any]:
    return {
        "value": finite(metric.value),
        "n": metric.n,
        "errors": metric.errors,
        "not_asked": metric.not_asked,
        "not_applicable": metric.not_applicable,
        "frequent_error": _frequent(metric.frequent_error),
        "coverage": metric.coverage,
        "standard_deviation": finite(metric.standard_deviation),
        "low": finite(metric.low),
        "high": finite(metric.high),
        "method": metric.method,
        # calls at once while times were measured; empty for what is no time
        "load": metric.load,
        "higher_is_better": metric.higher_is_better,
        "calibrated": calibrated_entry(name, metric.calibrated) if metric.calibrated else None,
    }


def _frequent(error: FrequentError | None) -> dict[str, Any] | None:
    return {"count": error.count, "text": masked(error.text)} if error else None


def _regression_metrics(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """The shape of Model Monitor's statistics, which Studio draws from ModelMetrics."""
    return {
        name: {
            "value": finite(metric.value),
            "standard_deviation": finite(metric.standard_deviation),
        }
        for name, metric in metrics.items()
        if finite(metric.value) is not None
    }


def _slice(found: SliceCheck) -> dict[str, Any]:
    """A slice's value may be any text, so it is an entry here and never a key."""
    check, value = found.check, found.value
    return {
        "column": found.column,
        "slice": finite(value) if isinstance(value, float) else value,
        "rows": check.metric.total,
        **_check(check),
        "compared": finite(check.number),
        "measured": _metric(check.threshold.metric, check.metric),
    }


def _metadata(evaluation: Evaluation) -> dict[str, str]:
    rows = len(evaluation.answers)
    left = f" {evaluation.not_asked} not asked" if evaluation.not_asked else ""
    stopped = evaluation.verdict.stopped
    left += " - decided early" if stopped and not stopped.capped else ""
    values = {
        "verdict": evaluation.verdict.word,
        "rows": f"{evaluation.answered} answered of {rows}{left}",
        "endpoint": evaluation.whose,
        "mlflow_run_id": evaluation.run.run_id,
        "mlflow_experiment_id": evaluation.run.experiment_id,
        "dataset_sha256": evaluation.dataset_sha256,
        "config_sha256": evaluation.config_sha256,
        "evaluation_fingerprint": evaluation.fingerprint,
    }
    assert tuple(values) == METADATA_KEYS
    for name, metric in evaluation.metrics.items():
        number = "none" if finite(metric.value) is None else f"{metric.value:.6g}"
        load = f" under load {metric.load}" if metric.load else ""
        values[name] = f"{number} n={metric.n} errors={metric.errors}{load}"
    return {key: _registry_text(value) for key, value in values.items()}


def _registry_text(value: str) -> str:
    """`value` in the characters and the length (1-256) that CustomerMetadataProperties takes."""
    return re.sub(r"[^\w .:/=+\-@]", " ", value)[:256] or "none"
