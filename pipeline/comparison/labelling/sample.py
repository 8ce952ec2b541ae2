"""A draw of an evaluation's answers for people to label, and the file that they fill in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.comparison.run import ComparedRun
from processing.base.disk import written_to
from processing.base.errors import ConfigError
from processing.config.model import EvaluationConfig
from processing.config.scorer_numbers import number_range
from processing.gate.agreement import classes_of
from processing.labels.draw import Stratum, drawn_rows
from processing.labels.file import COLUMNS, guarded, read_labels, without_guard

WRITTEN = (
    *("row_id", "scorer", "question", "expected_response", "answer", "label", "who", "note"),
    *("probability", "draw"),
)
"""A judge's verdict is none of them: it would lead whoever labels."""

Record = dict[str, str]


@dataclass(frozen=True)
class Draw:
    """`probabilities`: row id -> with which it was drawn. `left_out` rows have no answer."""

    name: str
    scorers: Sequence[str]
    probabilities: Mapping[str, float]
    rows: int
    left_out: int


def labelled_scorers(config: EvaluationConfig, given: Sequence[str]) -> list[str]:
    """Those that are given, or else those for which labels decide, or else could.

    Raises ConfigError for a scorer that is none.
    """
    names = [scorer.name for scorer in config.scorers]
    if wrong := [name for name in given if name not in names]:
        raise ConfigError(f"--scorers {wrong[0]}: there are {', '.join(names)}")
    calibrated = [name for name, bound in config.thresholds.items() if bound.on == "calibrated"]
    decided = list(dict.fromkeys([*calibrated, *config.scorers_under_judges()]))
    deciding = config.deciding_metrics()
    judged = [scorer.name for scorer in config.judged_scorers()]
    found = list(given) or decided or [name for name in judged if name in deciding] or judged
    if not found:
        raise ConfigError("no scorer asks a judge: name those to label by --scorers")
    return found


def draw(
    run: ComparedRun, config: EvaluationConfig, scorers: Sequence[str], rows: int, seed: int
) -> Draw:
    """Stratified by the scorers' verdicts, and then by the columns under `slices:`.

    Raises ConfigError where the run has no verdict of a scorer.
    """
    if lacking := [name for name in scorers if name not in run.scorers]:
        raise ConfigError(f"{run.source} has no verdicts of {lacking[0]}: --scorers names others")
    answered = {row_id: row for row_id, row in run.rows.items() if row["answer"] is not None}
    strata = {row_id: _stratum(run, config, scorers, row_id) for row_id in answered}
    probabilities = drawn_rows(strata, rows, seed)
    return Draw(
        f"{run.name}: {len(probabilities)} of {len(answered)}, seed {seed}",
        scorers,
        probabilities,
        len(answered),
        run.document["counts"]["rows"] - len(answered),
    )


def _stratum(
    run: ComparedRun, config: EvaluationConfig, scorers: Sequence[str], row_id: str
) -> Stratum:
    specs = {spec.name: spec for spec in config.scorers}
    verdicts = []
    for name in scorers:
        spec, number = specs[name], run.number(name, row_id)
        low, high = number_range(spec)
        levels = dict(spec.options.category_numbers())
        classes = classes_of(levels, low, high, higher_is_better=spec.higher_is_better)
        applies = "none" if not run.does_not_apply(name, row_id) else "does not apply"
        verdicts.append(applies if number is None else classes.names[classes.of(number)])
    slices = run.rows[row_id]["slices"]
    return (json.dumps(verdicts), *(json.dumps(slices.get(column)) for column in config.slices))


def write_sample(path: Path, run: ComparedRun, found: Draw, config: EvaluationConfig) -> int:
    """Write the lines to fill in behind those that the file has; how many.

    Raises ConfigError if the file is there and is no labels file, or has this draw already.
    """
    kept = _kept(path, config)
    if any(record.get("draw") == found.name for record in kept):
        raise ConfigError(f"{path} has this draw already: give another --seed or --output")
    lines = [
        _line(run.rows[row_id], scorer, probability, found.name)
        for row_id, probability in found.probabilities.items()
        for scorer in found.scorers
        if not run.does_not_apply(scorer, row_id)
    ]
    text = _text(path.name, [*kept, *lines])
    read_labels(text, path.name, config.scorers)
    with written_to(path):
        path.write_text(text, encoding="utf-8")
    return len(lines)


def _line(row: Mapping[str, Any], scorer: str, probability: float, name: str) -> Record:
    return {
        "row_id": row["row_id"],
        "scorer": scorer,
        "question": row["question"],
        "expected_response": row["expected_response"],
        "answer": row["answer"],
        "label": "",
        "who": "",
        "note": "",
        "probability": f"{probability:.9g}",
        "draw": name,
    }


def _kept(path: Path, config: EvaluationConfig) -> list[Record]:
    if not path.exists():
        return []
    text = path.read_bytes().decode("utf-8-sig")
    read_labels(text, path.name, config.scorers)
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    table = csv.DictReader(io.StringIO(text, newline=""))
    return [{key: without_guard(value) for key, value in record.items()} for record in table]


def _text(name: str, records: Sequence[Mapping[str, Any]]) -> str:
    if name.endswith(".jsonl"):
        return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    out = io.StringIO(newline="")
    more = [column for column in (*COLUMNS, "context") if column not in WRITTEN]
    used = [column for column in more if any(record.get(column) for record in records)]
    table = csv.DictWriter(out, [*WRITTEN, *used], extrasaction="ignore")
    table.writeheader()
    for record in records:
        table.writerow({key: guarded(value) for key, value in record.items()})
    return out.getvalue()
