"""rows.jsonl, read once: every number for the distributions, and which rows are the worst.

Rows are not kept, only where they begin: a data set may hold more than a page can show.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MOST_WORDS = 8
YES_NO = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
"""What a verdict's word is shown as."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Expectation:
    """What one scorer's verdict on one row should be.

    Yes and no should be the better one. Any other number should keep the bounds that its mean is
    held against; where there are none, every number will do. No number is always a failure.
    """

    higher_is_better: bool = True
    minimum: float | None = None
    maximum: float | None = None

    @property
    def is_bound(self) -> bool:
        return self.minimum is not None or self.maximum is not None

    def failed(self, score: Mapping[str, Any]) -> bool:
        value = score["value"]
        if value is None:
            return score["error"] is not None
        if says_yes_or_no(score):
            return bool(value) != self.higher_is_better
        return (self.minimum is not None and value < self.minimum) or (
            self.maximum is not None and value > self.maximum
        )

    def goodness(self, value: float | None) -> float:
        """0 (or no number) to 1, to tell rows with as many failures apart."""
        if value is None:
            return 0.0
        clipped = min(max(float(value), 0.0), 1.0)
        return clipped if self.higher_is_better else 1.0 - clipped


@dataclass
class Survey:
    """What all rows together say. Scorers by name; times in milliseconds."""

    rows: int = 0
    rows_with_failures: int = 0
    endpoint_errors: int = 0
    cut: int = 0
    numbers: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    without_number: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    judged: set[str] = field(default_factory=set)
    """Scorers that have a verdict on single rows: of the others only errors count as failed."""
    failed_in_slice: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By column, value (as `slice_word` has it) and scorer: of the slices that were judged."""
    words: dict[str, dict[float, str]] = field(default_factory=lambda: defaultdict(dict))
    latencies: list[float] = field(default_factory=list)
    input_tokens: list[float] = field(default_factory=list)
    output_tokens: list[float] = field(default_factory=list)
    slices: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    badness: list[tuple[float, ...]] = field(default_factory=list)
    """For each row, the less the worse, and at the end where it begins in the file."""

    def named(self, scorer: str) -> dict[float, str]:
        """The words that stand for a scorer's numbers; {} where these are just numbers."""
        words = self.words.get(scorer, {})
        if not words or len(words) > MOST_WORDS or any(map(_is_number, words.values())):
            return {}
        if {word.lower() for word in words.values()} <= YES_NO.keys():
            return {1.0: "yes", 0.0: "no"}
        return words

    def worst(self, most: int) -> list[int]:
        """Where the worst rows begin, the worst first."""
        return [int(key[-1]) for key in heapq.nsmallest(most, self.badness)]


def survey_rows(
    path: Path, expected: Mapping[str, Expectation], slices: Set[tuple[str, str, str]] = frozenset()
) -> Survey:
    """Read a rows.jsonl; `expected` names the scorers, `slices` those that failures count in."""
    found = Survey(judged={name for name, rule in expected.items() if rule.is_bound})
    for offset, row in _rows(path):
        failed = _add(found, row, offset, expected)
        for column, value in row["slices"].items() if slices and failed else ():
            word = slice_word(value)
            found.failed_in_slice.update({(column, word, name) for name in failed} & slices)
    return found


def expectations_of(document: Mapping[str, Any]) -> dict[str, Expectation]:
    """By scorer. number_rules names them all; the other metrics are measurements."""
    bounds = document["thresholds"].values()
    return {
        name: Expectation(
            higher_is_better=document["metrics"].get(name, {}).get("higher_is_better", True),
            minimum=_bound(bounds, name, "min"),
            maximum=_bound(bounds, name, "max"),
        )
        for name in document["number_rules"]
    }


def _bound(bounds: Any, metric: str, rule: str) -> float | None:
    found = [b["bound"] for b in bounds if b["metric"] == metric and b["rule"] == rule]
    return found[0] if found else None


def failures(row: Row, expected: Mapping[str, Expectation]) -> list[str]:
    """The scorers whose verdict on `row` is not what it should be."""
    return [name for name, score in row["scores"].items() if expected[name].failed(score)]


def read_at(path: Path, offsets: Sequence[int]) -> list[dict[str, Any]]:
    """The rows that begin at `offsets`."""
    rows = []
    with path.open("rb") as file:
        for offset in offsets:
            file.seek(offset)
            rows.append(json.loads(file.readline()))
    return rows


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield offset, json.loads(line)
            offset += len(line)


def _add(found: Survey, row: Row, offset: int, expected: Mapping[str, Expectation]) -> list[str]:
    """The scorers whose verdict on the row is not what it should be."""
    found.rows += 1
    for name, score in row["scores"].items():
        _add_score(found, name, score)
    failed = failures(row, expected)
    found.failed.update(failed)
    found.rows_with_failures += bool(failed or row["error"])
    asked = row.get("asked", True)
    found.cut += bool(row.get("cut"))
    if row["error"]:
        found.endpoint_errors += 1
    elif asked:
        for counts, key in (
            (found.latencies, "latency_ms"),
            (found.input_tokens, "input_tokens"),
            (found.output_tokens, "output_tokens"),
        ):
            if row[key] is not None:
                counts.append(row[key])
    for column, value in row["slices"].items():
        found.slices[column][slice_word(value)] += 1
    goodness = sum(expected[name].goodness(s["value"]) for name, s in row["scores"].items())
    # where people say that a judge is wrong, one looks first
    agreed = not any(label["differs"] for label in row.get("labels", {}).values())
    # and last at rows that nobody was asked about
    badness = (not asked, agreed, 0 if row["error"] else 1, -len(failed), goodness, offset)
    found.badness.append(badness)
    return failed


def _add_score(found: Survey, name: str, score: Mapping[str, Any]) -> None:
    value = score["value"]
    if value is None:
        found.without_number[name] += score["error"] is not None
        return
    found.numbers[name].append(float(value))
    if says_yes_or_no(score):
        found.judged.add(name)
    words = found.words[name]
    if len(words) <= MOST_WORDS:
        words.setdefault(float(value), str(score["shown"]))


def says_yes_or_no(score: Mapping[str, Any]) -> bool:
    return str(score["shown"]).lower() in YES_NO


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def slice_word(value: object) -> str:
    """A slice's value as it is shown and chosen by: 1 and "1" look the same and are kept apart."""
    return value if isinstance(value, str) else json.dumps(value)
