"""Labels found again among the answers of an evaluation.

A label belongs to a question and an answer: the label of one model's answer says nothing of
another's, and is not used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from processing.config.scorers import ScorerSpec
from processing.dataset.rows import Row
from processing.labels.label import Label, same_text


@dataclass(frozen=True)
class AnswerLabel:
    """What people say of one answer: their median, and of so many `people`.

    Of two middle labels it is the worse, so that a label that gets worse never makes it better; for
    yes and no it is the majority. `agreed`: whether all say the same.
    """

    number: float
    people: int
    agreed: bool


@dataclass(frozen=True)
class Drawn:
    """A row that was drawn for labelling, with which probability, None where nobody has said."""

    row_id: str
    probability: float | None


@dataclass(frozen=True)
class ScorerLabels:
    """What the labels for one scorer come to among the answers of an evaluation.

    `by_row`: the labels of its answers. `drawn`: the rows of the last draw among the labels, with
    or without a label of the answer. Of the lines that are not used, `other_answers` label another
    answer, `other_rows` one that the evaluation has not, `ambiguous` a question that stands on
    several rows; `blank` have no label yet.
    """

    by_row: Mapping[str, AnswerLabel] = field(default_factory=dict)
    drawn: Sequence[Drawn] = ()
    other_answers: int = 0
    other_rows: int = 0
    ambiguous: int = 0
    blank: int = 0

    @property
    def disagreements(self) -> int:
        """Answers on which people do not agree with one another."""
        return sum(not label.agreed for label in self.by_row.values())


def match_labels(
    labels: Sequence[Label],
    answers: Iterable[tuple[Row, str | None]],
    scorers: Sequence[ScorerSpec],
) -> dict[str, ScorerLabels]:
    """For each scorer that has labels, what they come to. `answers`: every row with its answer."""
    held = list(answers)
    texts = {row.row_id: None if text is None else same_text(text) for row, text in held}
    rows_of: dict[str, list[str]] = defaultdict(list)
    for row, _ in held:
        rows_of[same_text(row.question)].append(row.row_id)
    better = {spec.name: spec.higher_is_better for spec in scorers}
    by_scorer: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        by_scorer[label.scorer].append(label)
    return {
        scorer: _matched(own, texts, rows_of, higher_is_better=better[scorer])
        for scorer, own in by_scorer.items()
    }


def _matched(
    labels: Sequence[Label],
    texts: Mapping[str, str | None],
    rows_of: Mapping[str, Sequence[str]],
    *,
    higher_is_better: bool,
) -> ScorerLabels:
    found, last = ScorerLabels(), last_draw(labels)
    # labels in columns of the dataset have no probability, and no part in a file's draw that has
    known = any(label.probability is not None for label in labels if label.draw == last)
    given: dict[str, list[Label]] = defaultdict(list)
    drawn: dict[str, Drawn] = {}
    for label in labels:
        rows = [label.row_id] if label.row_id else rows_of.get(same_text(label.question), ())
        rows = [row_id for row_id in rows if row_id in texts]
        if len(rows) > 1:
            found = replace(found, ambiguous=found.ambiguous + 1)
        elif not rows:
            found = replace(found, other_rows=found.other_rows + 1)
        else:
            [row_id] = rows
            if label.draw == last and (label.probability is not None or not known):
                drawn.setdefault(row_id, Drawn(row_id, label.probability))
            if label.number is None:
                found = replace(found, blank=found.blank + 1)
            elif texts[row_id] != same_text(label.answer):
                found = replace(found, other_answers=found.other_answers + 1)
            else:
                given[row_id].append(label)
    by_row = {row_id: _of_people(own, higher_is_better) for row_id, own in given.items()}
    return replace(found, by_row=by_row, drawn=list(drawn.values()))


def last_draw(labels: Sequence[Label]) -> str:
    """The name of the last draw that has one, else "".

    Lines without a name beside a named draw are what somebody has added by eye, and no draw.
    """
    return next((label.draw for label in reversed(labels) if label.draw), "")


def _of_people(labels: Sequence[Label], higher_is_better: bool) -> AnswerLabel:
    by_person: dict[str, float] = {}
    worse = min if higher_is_better else max
    for place, label in enumerate(labels):
        if label.number is not None:
            who = label.who or f"line {place}"  # lines that do not say who are different people's
            by_person[who] = worse(by_person.get(who, label.number), label.number)
    numbers = sorted(by_person.values())
    middle = (len(numbers) - 1) // 2 if higher_is_better else len(numbers) // 2
    return AnswerLabel(numbers[middle], len(numbers), agreed=numbers[0] == numbers[-1])


def labelled_draw(
    labels: ScorerLabels, rows: Sequence[str]
) -> Iterator[tuple[str, float | None, float]]:
    """Each of the `rows` (ids) to which the scorer applies: its label, if any, and its weight.

    The weight is one over the probability with which it was drawn, 0 if it was not. A draw without
    probabilities is taken for a simple random one of the rows that it names.
    """
    drawn = {each.row_id: each.probability for each in labels.drawn}
    share = sum(row_id in drawn for row_id in rows) / max(len(rows), 1)
    for row_id in rows:
        if row_id not in drawn:
            yield row_id, None, 0.0
            continue
        label = labels.by_row.get(row_id)
        yield row_id, label.number if label else None, 1 / (drawn[row_id] or share)
