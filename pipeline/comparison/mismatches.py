"""What two evaluations do not share, and what may therefore not be compared: said before all else.

A difference is only about the models if rows, judges, scorer definitions and code are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.comparison.run import ComparedRun
from processing.base.secrets import masked

Kind = Literal[
    "other rows",
    "lost rows",
    "not asked",
    "other judge",
    "other scorer definition",
    "other number rules",
    "scorer in one run only",
    "other code",
    "other thresholds",
    "not known",
]


@dataclass(frozen=True)
class Mismatch:
    """Between the first run and the one labelled `run`. `scorers` are therefore not compared."""

    run: str
    kind: Kind
    text: str
    scorers: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def mismatches(first: ComparedRun, other: ComparedRun) -> list[Mismatch]:
    return [
        *_rows(first, other),
        *_scorers(first, other),
        *_code(first, other),
        *_thresholds(first, other),
    ]


def same_rows(first: ComparedRun, other: ComparedRun) -> bool:
    """Whether both were evaluated on the same prepared rows, as far as their files say."""
    ours, theirs = (run.document.get("dataset_sha256") for run in (first, other))
    return bool(ours) and ours == theirs


def _rows(first: ComparedRun, other: ComparedRun) -> Iterator[Mismatch]:
    if not same_rows(first, other):
        shared = len(first.rows.keys() & other.rows.keys())
        yield Mismatch(
            other.label,
            "other rows",
            f"{first.label} was evaluated on {len(first.rows):,} rows and {other.label} on "
            f"{len(other.rows):,}; what follows rests on the {shared:,} that both have, and says "
            "nothing of the others",
        )
    for run in (first, other):
        if left := run.document["counts"].get("not_asked"):
            yield Mismatch(
                other.label,
                "not asked",
                f"{run.label} ended before all was asked: {left:,} of its rows have no answer, and "
                "count here as rows that it lost",
            )
        lost = run.document["counts"]["rows"] - len(run.rows)
        if lost:
            yield Mismatch(
                other.label,
                "lost rows",
                f"{run.label}'s rows.jsonl has {len(run.rows):,} rows, and its evaluation.json "
                f"says {run.document['counts']['rows']:,}",
            )


def _scorers(first: ComparedRun, other: ComparedRun) -> Iterator[Mismatch]:
    both = [name for name in first.scorers if name in other.scorers]
    for run, lacks in ((first, other), (other, first)):
        if alone := tuple(name for name in run.scorers if name not in lacks.scorers):
            yield Mismatch(other.label, "scorer in one run only",
                           f"{', '.join(alone)}: only in {run.label}", alone)  # fmt: skip
    judges: dict[tuple[str, str], list[str]] = {}
    redefined = []
    for name in both:
        ours, theirs = first.definition(name), other.definition(name)
        if not ours or not theirs or _asked(ours) == _asked(theirs):
            continue
        if ours["judge"] != theirs["judge"]:
            asked = (str(ours["judge"] or "nobody"), str(theirs["judge"] or "nobody"))
            judges.setdefault(asked, []).append(name)
        else:
            redefined.append(name)
    for (mine, their), names in judges.items():
        yield Mismatch(
            other.label,
            "other judge",
            f"{', '.join(names)}: {first.label} asked {masked(mine)}, {other.label} asked "
            f"{masked(their)}; not compared",
            tuple(names),
        )
    if redefined:
        yield Mismatch(
            other.label,
            "other scorer definition",
            f"{', '.join(redefined)}: another prompt, option, judge's parameter or repeats, or "
            "version of the scorer's library; not compared",
            tuple(redefined),
        )
    rules = [name for name in both if _rule(first, name) != _rule(other, name)]
    if rules:
        yield Mismatch(
            other.label,
            "other number rules",
            f"{', '.join(rules)}: verdicts count other numbers; not compared",
            tuple(rules),
        )


def _asked(definition: Mapping[str, Any]) -> tuple[str, int]:
    """What decides a verdict, and how often it was asked for: a majority is another measure."""
    return definition["definition"], definition.get("repeats", 1)


def _rule(run: ComparedRun, scorer: str) -> tuple[Any, ...]:
    metric = run.document["metrics"].get(scorer, {})
    return run.document["number_rules"][scorer], metric.get("higher_is_better", True)


def _code(first: ComparedRun, other: ComparedRun) -> Iterator[Mismatch]:
    runs = (first, other)
    silent = [run.label for run in runs if not run.records_definitions]
    if _same(first, other, "fingerprint"):  # which is of the code too
        return
    if silent and not _same(first, other, "config_sha256"):
        yield Mismatch(
            other.label,
            "not known",
            f"{' and '.join(silent)} {'was' if len(silent) == 1 else 'were'} written by an earlier "
            "version, which did not say which judges, scorer definitions and code it used: whether "
            "they are the same is not known; evaluate again to be sure",
        )
    elif silent:
        yield Mismatch(
            other.label,
            "not known",
            f"{' and '.join(silent)} {'does' if len(silent) == 1 else 'do'} not say by which code "
            "it was evaluated; the configuration is the same",
        )
    elif not _same(first, other, "code_sha256"):
        yield Mismatch(
            other.label,
            "other code",
            f"{first.label} and {other.label} were evaluated by different versions of processing/ "
            "or of the libraries that it scores with: a difference may come from these",
        )


def _same(first: ComparedRun, other: ComparedRun, key: str) -> bool:
    return bool(first.document.get(key)) and first.document[key] == other.document.get(key)


def _thresholds(first: ComparedRun, other: ComparedRun) -> Iterator[Mismatch]:
    ours, theirs = _bounds(first), _bounds(other)
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    if names:
        said = "; ".join(
            f"{name} {ours.get(name, 'none')} in {first.label}, {theirs.get(name, 'none')} in "
            f"{other.label}"
            for name in names
        )
        yield Mismatch(other.label, "other thresholds",
                       f"{said}: passed in one does not mean passed in the other")  # fmt: skip


def _bounds(run: ComparedRun) -> Mapping[str, str]:
    found: dict[str, list[str]] = {}
    for bound in run.document["thresholds"].values():
        words = [bound["rule"], f"{bound['bound']:g}"]
        words += {"mean": [], "interval": ["on the interval"]}.get(bound["on"], [bound["on"]])
        words += [bound["tier"]] if bound["tier"] != "hard" else []
        found.setdefault(bound["metric"], []).append(" ".join(words))
    return {metric: " and ".join(sorted(bounds)) for metric, bounds in found.items()}
