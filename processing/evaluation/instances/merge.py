"""An evaluation by several instances: each asks for its own rows, the leader has the last word."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from processing.base import container
from processing.base.errors import InstanceError
from processing.base.instance import Instance
from processing.dataset.shards import Share
from processing.endpoint.answers import Answer
from processing.evaluation.instances.exchange import (
    Exchange,
    Part,
    collect,
    failure_reported,
    in_dataset_order,
    publish,
)
from processing.evaluation.instances.part import add_spend, answer_of, own_part, verdicts_of
from processing.evaluation.job import EvaluationJob
from processing.evaluation.run import EvaluationRun, answer_rows_of, paid_verdicts
from processing.scorers.asked_once import PaidVerdicts, VerdictOf
from processing.scorers.scheduler import judging


@contextmanager
def failure_reported_to_others(job: EvaluationJob, instance: Instance) -> Iterator[None]:
    """If the block raises, the other instances learn why; alone, there are none."""
    if instance.is_alone:
        yield
        return
    with failure_reported(_exchange(job, instance)):
        yield


def hand_in(run: EvaluationRun, share: Share) -> None:
    """Ask for the share's rows, and give the leader what came of it."""
    publish(_exchange(run.job, run.instance), _own_part(run, share, paid_verdicts(run)))


def put_together(
    run: EvaluationRun, share: Share, paid: PaidVerdicts
) -> tuple[list[Answer], VerdictOf]:
    """The leader's: all answers in the order of the dataset, and the verdicts that judges gave.

    Raises InstanceError if another instance has failed.
    """
    job = run.job
    exchange = _exchange(job, run.instance)
    parts = collect(exchange, _own_part(run, share, paid), rows=job.manifest.counts.written)
    add_spend(run.spend, parts[1:])
    rows = in_dataset_order(parts)
    answers = [answer_of(row) for row in rows]
    verdicts = verdicts_of(rows)
    return answers, lambda row_id, scorer: verdicts[row_id][scorer]


def _own_part(run: EvaluationRun, share: Share, paid: PaidVerdicts) -> Part:
    """This instance's rows, answered and judged."""
    with judging(run.scorers, paid) as judges:
        answers = answer_rows_of(run, share.rows, judges.ask)
        verdicts = {
            answer.row.row_id: judges.by_scorer(answer.row.row_id)
            for answer in answers
            if answer.text is not None
        }
    measured = {
        "model": run.model.identity,
        "dataset": run.job.dataset_sha256,
        "config": run.job.config_sha256,
        "scorers": [scorer.definition for scorer in run.scorers],
    }
    host = run.instance.current
    return own_part(host, share, answers, verdicts, measured=measured, spend=run.spend)


def _exchange(job: EvaluationJob, instance: Instance) -> Exchange:
    import boto3

    if job.parts_uri is None:
        raise InstanceError("several instances need --parts-uri to put their parts together")
    return Exchange(boto3.client("s3"), job.parts_uri, container.job_name(), instance)
