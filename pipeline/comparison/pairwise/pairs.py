"""Two runs' answers to the same questions as what a judge is asked, and what its verdicts say.

A judge is asked in both orders. Where it says one thing of one order and another of the other, it
has looked at the place and not at the answer: a tie, and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.comparison.differences import rows_to_pair
from pipeline.comparison.run import ComparedRun, Row
from processing.base.clean_text import comparable, has_text
from processing.config.guideline_options import VERDICTS
from processing.dataset.turns import history_of
from processing.judges.verdict import Question

TIE = "tie"
_PLACES = {number: place for place, number in VERDICTS.items()}

Verdicts = Mapping[Question, Mapping[str, Any]]
"""What was asked -> the verdict as it is kept, or `{"error": reason}`."""


@dataclass(frozen=True)
class Said:
    """Of one order: the label of the run that the judge prefers, or `tie`; None with an `error`."""

    preferred: str | None
    rationale: str = ""
    error: str = ""


@dataclass(frozen=True)
class RowVerdict:
    """Of one row: the label of the run that is preferred, or `tie`; None where there is no verdict.

    `said`: with the first run's answer standing first, and the other way round; empty where the
    judge was not asked. `error`: why there is no verdict.
    """

    row_id: str
    preferred: str | None
    said: tuple[Said, ...] = ()
    error: str = ""

    @property
    def disagrees(self) -> bool:
        """Whether the judge says one thing of one order and another of the other."""
        given = {one.preferred for one in self.said}
        return len(given) > 1 and None not in given


@dataclass(frozen=True)
class AnswerPair:
    """One row's two answers. `asked`: the question in both orders, the first run's answer first.

    It is empty where nothing needs asking: the answers are `same`, or one is missing (`error`).
    """

    row_id: str
    asked: tuple[Question, ...] = ()
    same: bool = False
    error: str = ""


def answer_pairs(
    first: ComparedRun, other: ComparedRun, *, with_expected_response: bool
) -> Iterator[AnswerPair]:
    """Of every row that counts in both runs and is in one of their files, in the rows' order."""
    for row_id in rows_to_pair(first, other)[0]:
        found = {run.label: run.rows.get(row_id) for run in (first, other)}
        silent = sorted(label for label, row in found.items() if not _answers(row))
        rows = [row for row in found.values() if row is not None]
        if silent:
            has = "has" if len(silent) == 1 else "have"
            yield AnswerPair(row_id, error=f"{' and '.join(silent)} {has} no answer")
            continue
        asked = {_asked(row, with_expected_response) for row in rows}
        if len(asked) > 1:
            yield AnswerPair(row_id, error="the runs were asked different questions")
            continue
        yield _pair(row_id, asked.pop(), *(comparable(row["answer"]) for row in rows))


def _answers(row: Row | None) -> bool:
    return row is not None and not row["error"] and has_text(row["answer"] or "")


def _asked(row: Row, with_expected_response: bool) -> Question:
    """Without the answers."""
    expected = (row["expected_response"] if with_expected_response else None) or ""
    before = tuple(turn.mapped(comparable) for turn in history_of(row.get("history", ())))
    return Question(
        comparable(row["question"] or ""), "", comparable(expected or ""), history=before
    )


def _pair(row_id: str, asked: Question, ours: str, theirs: str) -> AnswerPair:
    if ours == theirs:
        return AnswerPair(row_id, same=True)
    return AnswerPair(
        row_id,
        (
            replace(asked, answer=ours, other_answer=theirs),
            replace(asked, answer=theirs, other_answer=ours),
        ),
    )


def row_verdict(pair: AnswerPair, labels: tuple[str, str], verdicts: Verdicts) -> RowVerdict:
    """`labels`: of the first run and of the other. A verdict that is absent was not given."""
    if pair.same:
        return RowVerdict(pair.row_id, TIE)
    if pair.error:
        return RowVerdict(pair.row_id, None, error=pair.error)
    there, back = pair.asked
    said = (_said(verdicts.get(there), labels), _said(verdicts.get(back), labels[::-1]))
    errors = [one.error for one in said if one.preferred is None]
    if errors:
        return RowVerdict(pair.row_id, None, said, errors[0])
    agreed = said[0].preferred if said[0].preferred == said[1].preferred else TIE
    return RowVerdict(pair.row_id, agreed, said)


def _said(record: Mapping[str, Any] | None, labels: tuple[str, str]) -> Said:
    """`labels`: of the answer that stood first, and of the one that stood second."""
    if record is None:
        return Said(None, error="the judge was not asked")
    place = _PLACES.get(record.get("value", -1))
    if place is None:
        return Said(None, error=str(record.get("error") or "the judge gave no verdict"))
    preferred = {"first": labels[0], "second": labels[1]}.get(place, TIE)
    return Said(preferred, str(record.get("rationale") or ""))
