"""What every scorer takes and gives: a question with its answer, a Feedback, or a JudgeError."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from processing.base.clean_text import has_text, storable
from processing.dataset.expectations import NONE, FurtherExpectations
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.retrieved import Retrieved
from processing.dataset.rows import Row
from processing.dataset.turns import ToolCall, Turn

if TYPE_CHECKING:
    from mlflow.entities import Feedback


@dataclass(frozen=True)
class Question:
    """One row as a scorer sees it. `context` is the dataset's, None where it has none.

    `retrieved` is what the endpoint has retrieved; None where it is not said to return it.
    `tool_calls`: what the model wants called; `tools`: what it was offered, as it was.

    `other_answer` is what a pairwise scorer compares `answer` with, and None for any other.
    `repeat`: for which time the same is asked (`judge.repeats`), from 1.
    `history` is what was said before the question.
    """

    question: str
    answer: str
    expected_response: str
    context: tuple[str, ...] | None = None
    other_answer: str | None = None
    further: FurtherExpectations = NONE
    repeat: int = 1
    history: tuple[Turn, ...] = ()
    retrieved: Retrieved | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The conversation up to the question, which is its last turn."""
        return (*self.history, Turn("user", self.question))

    @property
    def texts(self) -> tuple[str, ...]:
        """All that a reply could quote."""
        other = () if self.other_answer is None else (self.other_answer,)
        expected = (self.expected_response, *self.further.texts)
        before = (text for turn in self.history for text in turn.texts)
        passages = (*(self.context or ()), *(self.retrieved.texts if self.retrieved else ()))
        return (self.question, self.answer, *expected, *passages, *other, *before)

    @property
    def judged_context(self) -> tuple[str, ...]:
        """What retrieval is judged by: what was retrieved, or else the dataset's context.

        Where the endpoint returns its passages, those alone, and never the dataset's in their
        place.
        """
        return self.retrieved.texts if self.retrieved else self.gold_context

    @property
    def gold_context(self) -> tuple[str, ...]:
        """The dataset's passages that have text."""
        return tuple(passage for passage in self.context or () if has_text(passage))


def question_of(row: Row, answer: JudgedAnswer) -> Question:
    """The row with one of its answers, as scorers see it."""
    return Question(
        question=row.question,
        answer=answer.text,
        expected_response=row.expected_response,
        context=row.context,
        further=row.further,
        history=row.history,
        retrieved=answer.retrieved,
        tool_calls=answer.tool_calls,
        tools=answer.tools,
    )


class JudgeError(Exception):
    """There is no verdict on a row. `retryable`: asking again may well give one.

    `throttled`: the judge was asked too much at once. `timed_out`: it did not answer in time.
    `final`: it refuses whatever the row is: the model is retired, or a parameter is wrong.
    `off_scale`: the verdict came, and is none of those that can be: to be asked again once.
    """

    def __init__(
        self,
        reason: str,
        retryable: bool,
        throttled: bool = False,
        timed_out: bool = False,
        final: bool = False,
        *,
        off_scale: bool = False,
    ) -> None:
        self.reason = storable(reason)
        super().__init__(self.reason)
        self.retryable = retryable
        self.throttled = throttled
        self.timed_out = timed_out
        self.final = final
        self.off_scale = off_scale


class NotJudged(JudgeError):
    """The judge was not asked, or not to the verdict's end: nothing more was to be paid for."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not asked: {why}", retryable=False)


Score = Callable[[Question], "Feedback"]
"""Gives one row's verdict. Raises JudgeError where there is none. Safe from many threads."""


NO_VERDICT = "the judge's reply is no verdict"
"""How the reason begins where a reply was stopped, and another would be too."""


class OffScale(str):
    """What is wrong with a verdict that is none of those that can be."""

    __slots__ = ()


def malformed(what: str, answer: str = "") -> JudgeError:
    """An answer that is no verdict. Another try gives another answer, so it is retryable."""
    shown = f": {answer[:200]!r}" if answer else ""
    off_scale = isinstance(what, OffScale)
    return JudgeError(f"the judge answered {what}{shown}", retryable=True, off_scale=off_scale)


def filtered(stopped: str) -> JudgeError:
    """What another try does not change. `stopped`: the stop reason, or the error's words."""
    why = f"a content filter or guardrail of the judge's stopped it ({stopped})"
    return JudgeError(f"{NO_VERDICT}: {why}", retryable=False)


def require_expected(question: Question, scorer: str) -> None:
    """Raises JudgeError if the row's expected answer has no text."""
    if not has_text(question.expected_response):
        raise JudgeError(f"{scorer} compares with the expected answer, which has no text", False)


def require_context(question: Question, scorer: str) -> tuple[str, ...]:
    """The passages that retrieval is judged by. Raises JudgeError if there are none."""
    passages = question.judged_context
    if not passages and question.retrieved is not None:
        why = question.retrieved.problem or "there are none"
        raise JudgeError(f"{scorer} judges against the passages that were retrieved: {why}", False)
    if not passages:
        raise JudgeError(f"{scorer} judges against a context and this row has none", False)
    return passages


def require_gold(question: Question, scorer: str) -> tuple[str, ...]:
    """The dataset's own passages. Raises JudgeError if there are none."""
    passages = question.gold_context
    if not passages:
        raise JudgeError(f"{scorer} judges against the dataset's context: this row has none", False)
    return passages
