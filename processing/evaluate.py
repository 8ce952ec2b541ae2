"""EvaluateModel: ask the endpoint about every row, score the answers, and give one verdict.

Exit code 0 whether the gate passes or not: QualityGate has to read the report. Non-zero where
there is no verdict to give: an endpoint that is not there or has stopped answering, an MLflow
record that is incomplete. What was paid for until then is kept; the next run goes on from there.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from processing.base import container
from processing.base.instance import this_instance
from processing.base.job import end_process, run_job
from processing.base.stored_secrets import export_secrets, read_secrets
from processing.calls.progress_display import progress_shown
from processing.candidate.package import measured_model
from processing.candidate.run import evaluate_candidate, keep_verdict
from processing.config.judge import silence_libraries
from processing.config.judge_keys import require_judge_keys
from processing.dataset.shards import read_share
from processing.evaluation.cached_rows import require_current_rows
from processing.evaluation.evaluate import evaluate
from processing.evaluation.imports import kept_out_of_garbage_collection
from processing.evaluation.instances.merge import failure_reported_to_others, hand_in
from processing.evaluation.job import read_arguments
from processing.evaluation.run import prepare_run
from processing.mlflow_record.internals import (
    ask_no_git,
    import_mlflow,
    skip_searches_for_absent_modules,
)
from processing.mlflow_record.trial import try_in_a_run_of_its_own
from processing.report.evaluation_json import EVALUATION_FILE, ROWS_FILE
from processing.report.html import REPORT_FILE


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Return the files that QualityGate and people read; without them the job has failed."""
    silence_libraries()
    skip_searches_for_absent_modules()
    ask_no_git()
    container.name_region()
    job = read_arguments(argv, __doc__)
    require_current_rows(job)
    (job.output / EVALUATION_FILE).unlink(missing_ok=True)  # of an earlier evaluation, by hand
    deploys = job.model_package_arn and not job.deployed and not job.only_tries_mlflow
    # what deploys evaluates in another process, whose environment anybody on the machine can list
    (read_secrets if deploys else export_secrets)(job.config.secrets)
    require_judge_keys(job.config)
    if job.only_tries_mlflow:
        try_in_a_run_of_its_own(job.tracking_uri, job.experiment)
        return []
    if deploys:
        evaluate_candidate(job, sys.argv[1:] if argv is None else argv)
        return [job.output / EVALUATION_FILE]
    instance = this_instance()
    with failure_reported_to_others(job, instance):
        share = read_share(job.dataset, job.manifest, whole=instance.is_alone)
        with kept_out_of_garbage_collection():
            import_mlflow()
            run = prepare_run(job, share, instance, measured_model)
        if not instance.is_leader:
            with progress_shown(run.progress):
                hand_in(run, share)
            print(f"{instance.current} has handed in its part to {instance.leader}")
            return []
        evaluation = evaluate(run, share)
    keep_verdict(evaluation, job)
    print(f"quality gate {evaluation.verdict.word}: {evaluation.verdict.summary}")
    return [job.output / name for name in (EVALUATION_FILE, ROWS_FILE, REPORT_FILE)]


if __name__ == "__main__":
    end_process(run_job(main, container.MESSAGE_FILE))
