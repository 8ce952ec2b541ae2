"""What came of a run: its metrics into MLflow and back, the verdict on them, the reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from processing.config.model import EvaluationConfig
from processing.dataset.clusters import shared_contexts
from processing.endpoint.answers import Answer
from processing.evaluation.job import EvaluationJob
from processing.evaluation.measurements import cut_answers, measure
from processing.evaluation.unasked import not_asked_by_scorer
from processing.gate.champion import Rejudge, judge_champion
from processing.gate.cut_answers import CutAnswers
from processing.gate.frequent_error import most_frequent
from processing.gate.metric import Metric, as_held, scale_of
from processing.gate.scorer_record import ScorerRecord
from processing.gate.slices import judge_slices
from processing.gate.stopped import Stopped
from processing.gate.swapped_answers import SwappedAnswers
from processing.gate.verdict import Verdict, judge
from processing.gate.worst_case import Scale
from processing.mlflow_record.earlier_runs import STOPPED_TAG, definitions_tag
from processing.mlflow_record.metric_names import GATE_PASSED, detail
from processing.mlflow_record.run import TrackedRun, log_metrics, log_outcome, read_metrics
from processing.mlflow_record.scores import Scores, require_same_means, scorer_metrics
from processing.report.evaluation import Evaluation
from processing.report.evaluation_json import EVALUATION_FILE, evaluation_text
from processing.report.html import write_html
from processing.report.judge_entries import judge_metrics
from processing.report.label_entries import label_metrics
from processing.report.panel_entries import panel_metrics
from processing.report.repeat_entries import repeat_metrics
from processing.report.rows_file import write_rows
from processing.report.run_description import run_description, run_name


def record_metrics(
    tracked: TrackedRun,
    config: EvaluationConfig,
    answers: Sequence[Answer],
    scores: Scores,
    clusters: Mapping[str, str] | None,
) -> dict[str, Metric]:
    """Write what was counted into MLflow and return the metrics as MLflow holds them.

    `clusters`: row id -> what the row belongs to.
    """
    names = [spec.name for spec in config.scorers]
    scored = scorer_metrics(
        scores,
        names,
        rows=len(answers),
        scales=_scales(config),
        by_interval=[name for name, bound in config.thresholds.items() if bound.on == "interval"],
        clusters=clusters,
        not_asked=not_asked_by_scorer(config, answers, scores),
    )
    measured = measure(answers, clusters, stream=config.endpoint.stream)
    made = {n: m for n, m in measured.items() if n in config.measurements}
    measured = {**scored, **made}
    log_metrics(measured, names)
    held = read_metrics(tracked, config.metrics, names)
    require_same_means(scored, held)
    return {name: as_held(measured[name], metric) for name, metric in held.items()}


def verdict_on(
    job: EvaluationJob,
    sagemaker: Any,
    metrics: dict[str, Metric],
    answers: Sequence[Answer],
    scores: Scores,
    *,
    scorers: Mapping[str, ScorerRecord],
    rejudge: Rejudge,
    clusters: Mapping[str, str] | None,
    swapped: Sequence[SwappedAnswers] = (),
    reasons: Sequence[str] = (),
    warnings: Sequence[str] = (),
    stopped: Stopped | None = None,
) -> Verdict:
    """Of the quality gate, with slices and champion (a boto3 `sagemaker` client).

    `scorers`: what the verdicts are by; `rejudge` asks the same about the champion's answers.
    `reasons`: what else keeps it shut; `stopped`: why the run ended before all was asked.
    """
    config = job.config
    rows = [answer.row for answer in answers]
    shared = shared_contexts(rows, config.dataset)
    slices = {answer.row.row_id: answer.row.slices for answer in answers}
    scales = _scales(config)
    numbers = {
        row_id: {name: score.value for name, score in row.items() if score.applies}
        for row_id, row in scores.items()
    }
    not_applicable = {
        row_id: [name for name, score in row.items() if not score.applies]
        for row_id, row in scores.items()
    }
    champion = None
    refused = stopped is not None and not stopped.passes
    asked = {a.row.row_id: slices[a.row.row_id] for a in answers if a.asked}
    if config.champion:
        champion = judge_champion(
            sagemaker,
            config.registration.model_package_group,
            # a run that stopped pays for nothing more
            config.champion.model_copy(update={"rejudge": False}) if stopped else config.champion,
            rows=asked if refused else slices,
            scores=numbers,
            scales=scales,
            min_rows=config.budgets.min_rows,
            scorers=scorers,
            rejudge=rejudge,
            not_applicable=not_applicable,
            clusters=clusters,
        )
    return judge(
        metrics,
        job.thresholds,
        config.budgets,
        rows=len(answers),
        endpoint_errors=sum(1 for answer in answers if answer.call.error),
        cut_answers=cut_answers(answers),
        endpoint_error=most_frequent(a.call.error for a in answers if a.call.error),
        slices=judge_slices(
            config.slices,
            slices,
            numbers,
            scales,
            not_applicable,
            clusters=clusters,
            not_asked=not_asked_by_scorer(config, answers, scores),
            kept=stopped.kept if stopped else (),
        )
        if config.slices
        else None,
        champion=champion,
        swapped=swapped,
        reasons=reasons,
        stopped=stopped,
        warnings=[*([shared] if shared else []), *warnings],
    )


def _scales(config: EvaluationConfig) -> dict[str, Scale]:
    return {spec.name: scale_of(spec) for spec in config.scorers}


def _left_out(scores: Scores) -> dict[str, str]:
    """The run's parameter that says what judges have refused, and were asked without."""
    given = [score for row in scores.values() for score in row.values()]
    found = {score.left_out for score in given if score.left_out}
    panels = (each for score in given for each in score.panel if each.left_out)
    found |= {f"{each.judge}: {each.left_out}" for each in panels}
    return {"judge.left_out": "; ".join(sorted(found))} if found else {}


def _cut_metrics(found: CutAnswers) -> dict[str, float]:
    share = {} if found.share is None else {detail("cut_answers", "share"): found.share}
    return {"cut_answers": found.cut, detail("cut_answers", "n"): found.known, **share}


def _saved_metrics(stopped: Stopped | None) -> dict[str, float]:
    """What was not asked, and what that has saved, as an estimate."""
    if stopped is None:
        return {}
    money = stopped.saved_money
    return {
        "rows_not_asked": stopped.not_asked,
        detail("saved", "verdicts"): stopped.verdicts,
        detail("saved", "calls"): stopped.saved_calls,
        **({} if money is None else {detail("saved", "cost"): money}),
    }


def record_outcome(evaluation: Evaluation, document: Mapping[str, Any], job: EvaluationJob) -> None:
    """Write rows.jsonl and report.html into `job.output`; verdict and reports into the active run.

    `document` is the evaluation.json to be, which goes only to MLflow here.
    """
    verdict = evaluation.verdict
    write_rows(evaluation, job.output)
    write_html(job.output, document)
    log_outcome(
        evaluation.run,
        params=_left_out(evaluation.scores),
        tags={
            "verdict": verdict.word,
            "reason": verdict.summary,
            **({STOPPED_TAG: verdict.stopped.words} if verdict.stopped else {}),
            **definitions_tag({n: s.definition for n, s in evaluation.scorers.items()}),
            "mlflow.note.content": run_description(evaluation, job.manifest.title),
        },
        run_name=run_name(verdict, job.run_name),
        metrics={
            GATE_PASSED: float(verdict.passed),
            "rows": len(evaluation.answers),
            "endpoint_errors": evaluation.endpoint_errors,
            **_cut_metrics(evaluation.cut_answers),
            **_saved_metrics(verdict.stopped),
            **label_metrics(evaluation),
            **panel_metrics(evaluation),
            **repeat_metrics(evaluation),
            **judge_metrics(evaluation),
        },
        folder=job.output,
        texts={EVALUATION_FILE: evaluation_text(document)},
    )
