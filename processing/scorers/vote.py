"""One verdict out of several on the same answer: of a judge that is asked more than once.

Yes, no and levels: the majority; where there is none, the middle one, and of two middle ones the
worse, as for people's labels (`processing.labels.matched`). Unlike the most frequent level, the
middle one never gets better when a verdict gets worse. Graded numbers: the mean.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from processing.calls.paid_store import Record
from processing.config.scorer_numbers import (
    is_not_applicable,
    is_yes_or_no,
    number_of,
    number_range,
)
from processing.config.scorers import ScorerSpec
from processing.mlflow_record.judge_use import total_use
from processing.mlflow_record.scores import CATEGORY, CONTRADICTED, JUDGE_VERDICTS

APART = 0.1
"""Of a graded scale: so far apart, two verdicts contradict each other; else they are noise."""


def is_voted(spec: ScorerSpec) -> bool:
    """Whether verdicts are yes, no or levels; else they are graded numbers, and averaged."""
    return bool(spec.options.category_numbers()) or is_yes_or_no(spec)


def voted_number(spec: ScorerSpec, numbers: Sequence[float | None]) -> float | None:
    """What the verdicts come to; None where it depends on those that are missing (None)."""
    given = sorted(number for number in numbers if number is not None)
    missing = len(numbers) - len(given)
    if not given:
        return None
    if not is_voted(spec):
        mean = math.fsum(given) / len(given)
        return None if missing else min(max(mean, given[0]), given[-1])
    low, high = number_range(spec)
    middle = (len(numbers) - 1) // 2 if spec.higher_is_better else len(numbers) // 2
    ends = {([low] * missing + given)[middle], (given + [high] * missing)[middle]}
    return ends.pop() if len(ends) == 1 else None


def contradicts(spec: ScorerSpec, numbers: Sequence[float | None]) -> bool:
    """Whether two verdicts differ; graded ones, by more than a tenth of their scale.

    Where nobody has said where the scale ends, by anything.
    """
    given = [number for number in numbers if number is not None]
    if not given:
        return False
    low, high = number_range(spec)
    width = 0.0 if is_voted(spec) or math.isinf(high - low) else APART * (high - low)
    return max(given) - min(given) > width + 1e-9


def asked_repeatedly(
    spec: ScorerSpec, times: int, ask: Callable[[int], tuple[Record, bool]]
) -> tuple[Record, bool]:
    """The verdict of `times` askings, and whether all of them had been paid for before.

    `ask(1)`, `ask(2)`, ... give a verdict as it is kept or `{"error": reason}`, and whether it had
    been paid for. Nothing more is asked once too many have failed for the others to settle it.
    """
    records: list[Record] = []
    all_kept = True
    for repeat in range(1, times + 1):
        record, kept = ask(repeat)
        records.append(record)
        all_kept &= kept
        if sum("error" in each for each in records) > (times // 2 if is_voted(spec) else 0):
            break
    return vote(spec, records, times), all_kept


def vote(spec: ScorerSpec, records: Sequence[Record], times: int) -> Record:
    """What the verdicts come to, `{"error": reason}` where that depends on missing ones of `times`.

    The record has the words of the verdict that won, or is nearest to the mean, and what all of
    them took.
    """
    given = [record for record in records if "error" not in record]
    if given and all(is_not_applicable(spec, record["value"]) for record in given):
        return given[0]
    numbers = [number_of(spec, record["value"]) for record in given]
    number = voted_number(spec, [*numbers, *[None] * (times - len(given))])
    if number is None:
        return {"error": _unsettled(spec, records, times)}
    counted = [(n, record) for n, record in zip(numbers, given, strict=True) if n is not None]
    nearest = min(counted, key=lambda each: abs(each[0] - number))[1]
    told = {
        JUDGE_VERDICTS: json.dumps(
            [None if "error" in record else _word(record) for record in records], ensure_ascii=False
        ),
        CONTRADICTED: "yes" if contradicts(spec, numbers) else "no",
    }
    voted = nearest["value"] if is_voted(spec) else number
    return {
        **nearest,
        "value": voted,
        "metadata": nearest["metadata"] | total_use([r["metadata"] for r in given]) | told,
    }


def _word(record: Record) -> Any:
    """The verdict as people know it: a level by its name."""
    return record["metadata"].get(CATEGORY, record["value"])


def _unsettled(spec: ScorerSpec, records: Sequence[Record], times: int) -> str:
    reason = next(record["error"] for record in records if "error" in record)
    given = [str(_word(record)) for record in records if "error" not in record]
    if not given:
        return str(reason)
    what = "majority" if is_voted(spec) else "mean"
    return (
        f"{len(given)} of {times} verdicts ({', '.join(given)}), which settle no {what}; "
        f"another failed: {reason}"
    )
