"""`stop_early:`: nothing more is paid for once the verdict is known.

That is where no result of what is left could open the gate, or where sequential tests say that it
stays shut, or that it opens. It is told of every answer and every verdict as it comes. What it
stops is the spending; the run then ends as one that a cap has stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from processing.calls.paid_store import Record
from processing.calls.spend import Spend
from processing.calls.stop import Stop
from processing.config.gate import Champion
from processing.config.scorer_numbers import is_not_applicable, number_of
from processing.config.scorers import ScorerSpec
from processing.dataset.clusters import clusters_of
from processing.dataset.rows import Row
from processing.endpoint.answers import Answer
from processing.evaluation.job import EvaluationJob
from processing.evaluation.measurements import settled_answer
from processing.gate.champion_run import ChampionError, champion_run, find_champion
from processing.gate.confident import ConfidentRefusal
from processing.gate.confident_pass import ConfidentPass
from processing.gate.metric import scale_of
from processing.gate.non_inferiority import RowScores
from processing.gate.running_verdict import GateRules, RunningVerdict
from processing.gate.swapped_answers import SwappedAnswers
from processing.scorers.asked_once import was_not_asked

if TYPE_CHECKING:
    from mlflow.entities import Feedback


class EarlyStop:
    """Stops `spend` when the verdict on `rows`, in the order in which they are asked, is known.

    Safe between threads.
    """

    def __init__(
        self, rules: GateRules, rows: Sequence[Row], job: EvaluationJob, spend: Spend
    ) -> None:
        mode, self._spend = job.stop_early, spend
        self._specs = {spec.name: spec for spec in job.config.scorers}
        slices = {row.row_id: row.slices for row in rows}
        self._certain = RunningVerdict(rules, slices, clusters_of(rows, job.config.dataset))
        confident = mode.mode == "confident"
        self._refusal = ConfidentRefusal(rules, slices, error=mode.error) if confident else None
        self._pass = ConfidentPass(rules, slices, error=mode.error) if mode.passes else None
        self._lock = threading.Lock()

    def answered(self, answer: Answer) -> None:
        if not answer.asked:
            return
        with self._lock:
            settled = settled_answer(answer)
            self._certain.answered(answer.row.row_id, settled)
            if self._refusal and not settled.answered:
                self._refusal.lost(answer.row.row_id)
            if self._pass:
                self._pass.answered(answer.row.row_id, settled)
            self._look()

    def judged(self, row_id: str, scorer: str, record: Record) -> None:
        """A judge's verdict, as it is kept."""
        if not was_not_asked(record):
            self._scored(row_id, scorer, None if "error" in record else record["value"])

    def computed(self, row_id: str, scorer: str, feedback: Feedback | None) -> None:
        """What a scorer without a judge gave; None if it failed."""
        self._scored(row_id, scorer, feedback.value if feedback else None)

    def swapped(self, found: SwappedAnswers, pending: int) -> None:
        """What became so far of the answers that one judge has to reject."""
        with self._lock:
            self._certain.swapped(found, pending)
            self._look()

    def _scored(self, row_id: str, scorer: str, value: Any) -> None:
        spec = self._specs[scorer]
        applies = not is_not_applicable(spec, value)
        number = number_of(spec, value) if applies else None
        with self._lock:
            self._certain.scored(row_id, scorer, number, applies=applies)
            if self._refusal:
                self._refusal.scored(row_id, scorer, number, applies=applies)
            if self._pass:
                self._pass.scored(row_id, scorer, number, applies=applies)
            self._look()

    def _look(self) -> None:
        if reasons := self._certain.reasons:
            self._spend.stop(Stop("certain", reasons[0]))
        elif self._certain.closed_from_the_start:
            return
        elif self._refusal and (reasons := self._refusal.refusals):
            self._spend.stop(Stop("confident", reasons[0]))
        elif self._pass and self._pass.decided and not self._pass.waits_for(self._certain):
            self._spend.stop(Stop("confident", self._pass.why, self._pass.kept))


def early_stop(
    job: EvaluationJob, rows: Sequence[Row], sagemaker: Any, spend: Spend
) -> EarlyStop | None:
    """None where the file wants all of it (a boto3 `sagemaker` client)."""
    if job.stop_early.mode == "none":
        return None
    config = job.config
    champion, theirs = _champion(job, sagemaker)
    rules = GateRules(
        thresholds=job.thresholds,
        budgets=config.budgets,
        scales={spec.name: scale_of(spec) for spec in config.scorers},
        may_not_apply=_may_not_apply(config.scorers),
        slices=config.slices,
        champion=champion,
        champion_scores=theirs,
    )
    return EarlyStop(rules, rows, job, spend)


def _may_not_apply(specs: Sequence[ScorerSpec]) -> frozenset[str]:
    return frozenset(spec.name for spec in specs if spec.options.may_not_apply())


def _champion(job: EvaluationJob, sagemaker: Any) -> tuple[Champion | None, RowScores | None]:
    """The section, None without it and without a champion; and the champion's numbers.

    These are None where it cannot be read, which the verdict says; and where it may be judged
    again, so that its old numbers say nothing.
    """
    section = job.config.champion
    if section is None:
        return None, None
    try:
        package = find_champion(sagemaker, job.config.registration.model_package_group)
        if package is None:
            return None, None
        return section, None if section.rejudge else champion_run(package).scores
    except ChampionError:
        return section, None
