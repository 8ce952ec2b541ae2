"""One scorer's verdict on one row: asked again where that can help, kept once it has been paid for.

Wraps every scorer of the configuration into an MLflow scorer, so that `mlflow.genai.evaluate` logs
what it returns, and what it raises, as that row's assessment.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from processing.base.clean_text import storable
from processing.base.errors import DiskError
from processing.base.secrets import masked
from processing.base.sigterm import Stopped
from processing.calls.judge_calls import INQUIRY, Try, inquiry_record, note_reused, noting_calls
from processing.calls.paid_store import Record, Shelf, key_of
from processing.calls.progress import Progress
from processing.calls.spend import Spend
from processing.config.judge import judge_name
from processing.config.mlflow import JudgeSpans
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.rows import Row
from processing.dataset.turns import messages_of
from processing.judges.health import JudgeHealth
from processing.judges.verdict import JudgeError, NotJudged, Question, question_of
from processing.mlflow_record.judge_use import told_reused
from processing.scorers.build import BuiltScorer
from processing.scorers.kept_verdict import (
    failed_feedback,
    held_still,
    kept_feedback,
    kept_record,
    numbered,
)
from processing.scorers.panel import panel_record
from processing.scorers.vote import asked_repeatedly

if TYPE_CHECKING:
    from mlflow.entities import Feedback
    from mlflow.genai.scorers import Scorer

ATTEMPTS = 4
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0

VerdictOf = Callable[[str, str], Record]
"""row id, scorer's name -> the judge's verdict as it is kept, or `{"error": reason}`, or NOT_ASKED.
"""

FeedbackOf = Callable[[str, str], "Feedback | None"]
"""row id, scorer's name -> what a scorer without a judge gives, if it has been asked already."""

NOT_ASKED: Record = {"not_asked": True}
"""In a verdict's place where the judge was not asked for it: nothing more was to be paid for."""


def was_not_asked(record: Record) -> bool:
    return "not_asked" in record


@dataclass(frozen=True)
class Said:
    """What one judge said of a row: its verdict as it is kept, or `{"error": reason}` or NOT_ASKED.

    `kept`: whether it had been paid for before. `tries`: how it came about, where that is noted.
    """

    record: Record
    kept: bool
    tries: list[Try]


@dataclass(frozen=True)
class PaidVerdicts:
    """Judges' verdicts, each paid for once: `shelves` by scorer's definition. Safe between threads.
    `noted`: which of them come with how they came about, under INQUIRY in their record.
    """

    shelves: Mapping[str, Shelf]
    spend: Spend
    progress: Progress | None = None
    health: JudgeHealth = field(default_factory=JudgeHealth)
    noted: JudgeSpans = "none"

    def record(self, built: BuiltScorer, row: Row, answer: JudgedAnswer) -> Record:
        """As `record_on`, of the row's answer."""
        return self.record_on(built, question_of(row, answer))

    def record_on(self, built: BuiltScorer, question: Question) -> Record:
        """The verdict as it is kept; `{"error": reason}` or NOT_ASKED where there is none.
        Raises DiskError once a verdict could not be kept.
        """
        return self.settled(built, [self.said(member, question) for member in built.asked])

    def said(self, built: BuiltScorer, question: Question) -> Said:
        """The verdict of one judge, which has to be `built`'s only one. Raises as `record_on`."""
        tries: list[Try] | None = None if self.noted == "none" else []
        record, kept = self._voted(built, question, tries)
        return Said(record, kept, tries or [])

    def settled(self, built: BuiltScorer, said: Sequence[Said]) -> Record:
        """The scorer's verdict on a row, from what each of `built.asked` said of it."""
        if any(was_not_asked(each.record) for each in said):
            return NOT_ASKED
        [record, *others] = [each.record for each in said]
        if built.panel:
            record = panel_record(built, [record, *others])
            for member, each in zip(built.panel, said, strict=True):
                for attempt in each.tries:
                    attempt.judge = member.judge.model if member.judge else ""
        tries = [attempt for each in said for attempt in each.tries]
        if tries and (self.noted == "full" or "error" in record):
            record = {**record, INQUIRY: inquiry_record(tries)}
        if self.progress is not None:
            self.progress.judged(failed="error" in record, reused=all(each.kept for each in said))
        return record

    def _voted(
        self, built: BuiltScorer, question: Question, tries: list[Try] | None
    ) -> tuple[Record, bool]:
        """Each asking is a verdict that is kept by itself: five after three cost two more."""
        if built.repeats == 1:
            return self._record(built, question, tries)

        def ask(repeat: int) -> tuple[Record, bool]:
            record, kept = self._record(built, replace(question, repeat=repeat), tries)
            if was_not_asked(record):
                raise NotJudged(f"asked {repeat - 1} of {built.repeats} times")
            return record, kept

        try:
            return asked_repeatedly(built.spec, built.repeats, ask)
        except NotJudged:
            return NOT_ASKED, False

    def _record(
        self, built: BuiltScorer, question: Question, tries: list[Try] | None
    ) -> tuple[Record, bool]:
        try:
            return self._paid_once(built, question, tries)
        except NotJudged:
            return NOT_ASKED, False
        except JudgeError as error:
            assert built.judge is not None
            self.health.failed(built.judge, error)
            return {"error": masked(error.reason)}, False
        except (DiskError, Stopped):
            raise  # no verdict can be kept, or none is wanted: none may be paid for
        except BaseException as error:  # noqa: BLE001 no scorer ever stops the others, or us
            return {"error": storable(masked(f"{type(error).__name__}: {error}"))}, False

    def _paid_once(
        self, built: BuiltScorer, question: Question, tries: list[Try] | None
    ) -> tuple[Record, bool]:
        """The verdict, and whether it had been paid for before."""
        assert built.judge is not None
        shelf = self.shelves[built.definition]
        other: list[object] = [] if question.other_answer is None else [question.other_answer]
        if question.further.given():
            other.append(question.further.given())
        if question.repeat > 1:
            other.append(["repeat", question.repeat])
        if question.history:
            other.append({"history": messages_of(question.history)})
        if question.retrieved is not None:
            other.append({"retrieved": question.retrieved.texts})
        if question.tool_calls or built.spec.options.needs_tool_calls():
            other.append({"tool_calls": [call.shown for call in question.tool_calls]})
            other.append({"tools": question.tools})
        key = key_of(
            built.definition,
            question.question,
            question.answer,
            question.expected_response,
            question.context,
            *other,
        )
        kept = shelf.get(key)
        if kept is not None and (kept := held_still(built, kept)) is not None:
            self.spend.add(judge_name(built.judge.model), reused=1)
            self.health.gave(built.judge)
            note_reused(tries, question.repeat)
            return {**kept, "metadata": told_reused(kept["metadata"])}, True
        record = kept_record(
            asked_again(lambda: numbered(built, built.score(question)), tries, question.repeat)
        )
        self.health.gave(built.judge)
        shelf.put(key, record)
        return record, False


def mlflow_scorer(
    built: BuiltScorer,
    rows: Mapping[str, Row],
    answers: Mapping[str, JudgedAnswer],
    verdict_of: VerdictOf,
    feedback_of: FeedbackOf = lambda *_: None,
) -> Scorer:
    """The scorer in the form that `mlflow.genai.evaluate` takes. `rows` by id, and
    `answers` of those that were answered.

    A judge's verdict has been asked for already and is waited for; any other is computed here,
    unless it has been.
    """
    from mlflow.entities import Trace
    from mlflow.genai.scorers import scorer

    name = built.spec.name

    # no time-out of MLflow's, which leaves the call running and starts a thread for each verdict
    @scorer(name=name, timeout=0)
    def verdict(outputs: str | None, trace: Trace) -> Feedback | None:
        if outputs is None:
            return None  # the endpoint did not answer: the row failed, and scores nothing
        row = rows[trace.info.tags["row_id"]]
        if built.judge is None:
            return feedback_of(row.row_id, name) or computed(built, row, answers[row.row_id])
        record = verdict_of(row.row_id, name)
        if was_not_asked(record):
            return None  # no verdict, and no error: MLflow is told nothing
        if "error" in record and "metadata" in record:
            return failed_feedback(name, record)
        if "error" in record:
            raise JudgeError(record["error"], retryable=False)
        return kept_feedback(record)

    made: Scorer = verdict
    made.model_dump()  # kept by MLflow, which else reads this source anew for each verdict's digest
    return made


def computed(built: BuiltScorer, row: Row, answer: JudgedAnswer) -> Feedback:
    """The verdict of a scorer without a judge. Raises whatever it raises."""
    return numbered(built, built.score(question_of(row, answer)))


def definition_digest(built: BuiltScorer) -> str:
    """What the scorer's kept verdicts lie under: another guideline is another scorer."""
    return key_of(built.definition)[:16]


def asked_again(
    ask: Callable[[], Feedback], tries: list[Try] | None = None, repeat: int = 1
) -> Feedback:
    """Ask up to ATTEMPTS times, with full jitter between. Raises the last JudgeError.

    This is the one place where a verdict is asked for again, whatever was wrong with it; once only
    where it lay outside its scale. A throttled call has been made again for as long as
    `judge.retry_seconds` allows. Each is noted in `tries`.
    """
    off_scale = 0
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with noting_calls(tries, repeat):
                return ask()
        except JudgeError as error:
            off_scale += error.off_scale
            if not error.retryable or error.throttled or attempt == ATTEMPTS or off_scale > 1:
                raise
        ceiling = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        time.sleep(random.uniform(0, ceiling))
    raise AssertionError("the loop returns or raises")
