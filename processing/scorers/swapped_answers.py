"""Each judge is also given answers that it has to reject: the expected answers of other rows.

A judge that says yes to everything would otherwise hold every threshold. The pairs depend on the
dataset alone, so that their verdicts are paid for once, whichever model is evaluated.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from processing.base.clean_text import comparable, has_text
from processing.calls.paid_store import Record
from processing.calls.spend import Spend
from processing.config.judge import Judge
from processing.config.scorer_numbers import number_of
from processing.config.scorer_options import MetricOptions
from processing.config.scorers import ScorerSpec, parse_scorer
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.rows import Row
from processing.gate.metric import scale_of
from processing.gate.swapped_answers import SwappedAnswers
from processing.scorers.asked_once import was_not_asked
from processing.scorers.build import BuiltScorer, build_scorers
from processing.scorers.words import words

CONSIDERED = 200
"""Rows among which answers are swapped; each is held against the others."""
MOST_SHARED = 0.5
"""Of two answers' words: of answers more alike, one may well be right for both questions."""
FEWEST_WORDS = 5
"""Of an answer that has to be found irrelevant, or unsupported: `yes` fits many a question."""

_COMPARE = {("Correctness", ""), ("Equivalence", ""), ("RAGAS", "FactualCorrectness")}
_RELATE = {("RelevanceToQuery", ""), ("Completeness", ""), ("DeepEval", "AnswerRelevancy")}
_SUPPORT = {("RetrievalGroundedness", ""), ("DeepEval", "Faithfulness"), ("RAGAS", "Faithfulness")}


@dataclass(frozen=True)
class Control:
    """`built` has to reject other rows' answers; for `stands_for`, which share its judge.

    `of_panel`: these have other judges besides.
    """

    built: BuiltScorer
    stands_for: tuple[str, ...]
    of_panel: bool = False


@dataclass(frozen=True)
class PlannedControl:
    """`spec` has `judge` reject other rows' answers; for `stands_for`, which share the judge."""

    spec: ScorerSpec
    judge: Judge
    stands_for: tuple[str, ...]


def planned_controls(
    scorers: Iterable[tuple[ScorerSpec, Judge | None]], *, gold: bool
) -> list[PlannedControl]:
    """The scorers that compare, relate or look for support, and MLflow's Correctness otherwise.

    The latter for a judge that is asked by none of these, as one that is asked for Safety only.
    `scorers`: with a panel, once with each of its judges: one that accepts everything could hide
    behind the others. `gold`: whether the rows have a context of the dataset's, which a swapped
    answer is held against: nothing was retrieved for it.
    """
    fit = _COMPARE | _RELATE | (_SUPPORT if gold else set())
    asked = [(spec, judge) for spec, judge in scorers if judge and judge.swapped_answers]
    found = [
        PlannedControl(spec, judge, (spec.name,)) for spec, judge in asked if _what(spec) in fit
    ]
    tested = [control.judge for control in found]
    others: dict[str, tuple[Judge, list[str]]] = {}
    for spec, judge in asked:
        if judge not in tested:
            others.setdefault(judge.model_dump_json(), (judge, []))[1].append(spec.name)
    return found + [
        PlannedControl(_correctness_for(names[0]), judge, tuple(names))
        for judge, names in others.values()
    ]


def controls_of(
    scorers: Sequence[BuiltScorer],
    folder: Path = Path(),
    spend: Spend | None = None,
    *,
    gold: bool = True,
) -> list[Control]:
    """What `planned_controls` says, ready to be asked."""
    asked = [member for built in scorers for member in built.asked]
    ready = {(built.spec.name, built.judge.model): built for built in asked if built.judge}
    panels = {built.spec.name for built in scorers if built.panel}
    found = []
    for planned in planned_controls(((built.spec, built.judge) for built in asked), gold=gold):
        if planned.spec.name in planned.stands_for:
            built = ready[planned.spec.name, planned.judge.model]
        else:
            [built] = build_scorers([planned.spec], planned.judge, folder, spend=spend)
        of_panel = not panels.isdisjoint(planned.stands_for)
        found.append(Control(built, planned.stands_for, of_panel))
    return found


def one_call_control(specs: Sequence[ScorerSpec]) -> ScorerSpec:
    """Of the scorers that ask a judge one that costs a call a row; else MLflow's Correctness."""
    cheap = [spec for spec in specs if _what(spec)[1] == "" and _what(spec) in _COMPARE | _RELATE]
    return cheap[0] if cheap else _correctness_for(specs[0].name)


def _correctness_for(name: str) -> ScorerSpec:
    return parse_scorer({f"Correctness_for_{name}": {"kind": "Correctness"}})


def _what(spec: ScorerSpec) -> tuple[str, str]:
    return spec.kind, spec.options.metric if isinstance(spec.options, MetricOptions) else ""


def swapped_pairs(spec: ScorerSpec, rows: Iterable[Row], number: int) -> list[tuple[Row, str]]:
    """Up to `number` rows, each with another row's expected answer, which `spec` has to reject."""
    what = _what(spec)
    fewest = 1 if what in _COMPARE else FEWEST_WORDS
    usable = [row for row in rows if has_text(row.expected_response) and has_text(row.question)]
    usable = sorted(usable, key=lambda row: _draw(row.row_id))[:CONSIDERED]
    said = {row.row_id: set(words(comparable(row.expected_response))) for row in usable}
    pairs: list[tuple[Row, str]] = []
    for row in usable:
        if len(pairs) == number:
            break
        if what in _SUPPORT and not any(map(has_text, row.context or ())):
            continue
        own = said[row.row_id]
        others = [
            (_shared(own, said[other.row_id]), _draw(row.row_id + other.row_id), other)
            for other in usable
            if len(said[other.row_id]) >= fewest
            and comparable(other.question) != comparable(row.question)
            and not (what in _SUPPORT and set(other.context or ()) & set(row.context or ()))
        ]
        shared, _, other = min(others, default=(1.0, "", row), key=lambda found: found[:2])
        if shared <= MOST_SHARED:
            pairs.append((row, other.expected_response))
    return pairs


def _draw(text: str) -> str:
    """A row's place in an order that depends on nothing else."""
    return hashlib.sha256(f"swapped {text}".encode()).hexdigest()


def _shared(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0


Ask = Callable[[BuiltScorer, Row, JudgedAnswer], Record]
"""scorer, row, another row's answer -> the verdict as it is kept, or `{"error": reason}`."""


Settled = Callable[[SwappedAnswers, int], None]
"""Is told what became so far of one control's answers, and how many are still pending."""


@contextmanager
def swapped_answers_put(
    controls: Sequence[Control],
    rows: Sequence[Row],
    ask: Ask,
    deciding: Collection[str],
    *,
    settled: Settled | None = None,
) -> Iterator[Callable[[], list[SwappedAnswers]]]:
    """Puts the swapped answers while the block runs; what is yielded waits for the verdicts.

    `deciding`: the metrics on which it depends whether the gate opens. `settled` is told before
    anything is asked, and after each verdict.
    """
    pool = ThreadPoolExecutor(8, "swapped")
    pairs = [(control, pairs_of(control, rows)) for control in controls]
    if settled:
        for control, given in pairs:
            settled(counted(control, [], deciding), len(given))
    try:
        asked = [
            (control, _put(pool, _telling(ask, control, len(given), deciding, settled), given))
            for control, given in pairs
        ]
        yield lambda: [
            counted(control, [future.result() for future in futures], deciding)
            for control, futures in asked
        ]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _put(
    pool: ThreadPoolExecutor,
    ask: Callable[[Row, str], Record],
    pairs: Sequence[tuple[Row, str]],
) -> list[Future[Record]]:
    return [pool.submit(ask, *pair) for pair in pairs]


def _telling(
    ask: Ask, control: Control, put: int, deciding: Collection[str], settled: Settled | None
) -> Callable[[Row, str], Record]:
    """Asks about one of the control's `put` answers, and tells what has become of them."""
    verdicts: list[Record] = []
    lock = threading.Lock()

    def asked(row: Row, answer: str) -> Record:
        record = ask(control.built, row, JudgedAnswer(answer))
        with lock:
            verdicts.append(record)
            if settled:
                settled(counted(control, verdicts, deciding), put - len(verdicts))
        return record

    return asked


def pairs_of(control: Control, rows: Iterable[Row]) -> list[tuple[Row, str]]:
    """What the control's scorer is given: as many as its judge's `swapped_answers`, or fewer."""
    judge = control.built.judge
    return swapped_pairs(control.built.spec, rows, judge.swapped_answers if judge else 0)


def counted(
    control: Control, verdicts: Sequence[Record], deciding: Collection[str]
) -> SwappedAnswers:
    """A verdict rejects if it is in the lower half of its scale."""
    verdicts = [given for given in verdicts if not was_not_asked(given)]
    spec, judge = control.built.spec, control.built.judge
    scale = scale_of(spec)
    middle = (scale.low + scale.high) / 2
    numbers = [number_of(spec, given["value"]) for given in verdicts if "error" not in given]
    return SwappedAnswers(
        scorer=spec.name if spec.name in control.stands_for else _judge_of(control.stands_for),
        judge=judge.model if judge else "",
        asked=len(verdicts),
        rejected=sum(1 for number in numbers if number is not None and number < middle),
        errors=sum(1 for given in verdicts if "error" in given),
        decides=any(name in deciding for name in control.stands_for),
        of_panel=control.of_panel,
    )


def _judge_of(names: Sequence[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"the judge of {names[0]}{more}"
