"""Scorers are built and tried as the job does it: a mistake is told with its line, all at once.

The users' files lie alone in a folder then, as they do in the job.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.checks.dataset import usable_rows
from pipeline.definition.bundle import Bundle
from processing.base.errors import ConfigError
from processing.config.file import place_of_scorer
from processing.config.model import EvaluationConfig
from processing.config.scorers import ScorerSpec
from processing.dataset.judged_answer import JudgedAnswer
from processing.dataset.retrieved import Passage, Retrieved
from processing.dataset.rows import Row
from processing.judges.verdict import JudgeError, question_of
from processing.scorers.build import BuiltScorer, build_scorers
from processing.scorers.kept_verdict import numbered

TRIED_ROWS = 5
"""A scorer may have nothing to say of one row; of one of these it should."""

_RAISED = re.compile(r"[A-Za-z]+(Error|Exception)\b")


@dataclass
class Tried:
    """What the scorers that ask no judge said of a row whose answer is the expected one."""

    verdicts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def check_scorers(bundle: Bundle, config_file: Path) -> Tried:
    """Build each scorer, and try those that ask no judge on the first rows of a local dataset.

    Only DeepEval and RAGAS know their metrics and options; loading them takes some seconds.
    Raises ConfigError, a line for each scorer that cannot be built, or that raises on every row.
    """
    local = bundle.dataset_upload is not None
    rows = list(itertools.islice(usable_rows(bundle), TRIED_ROWS)) if local else []
    tried, problems = Tried(), list[str]()
    with _alone(bundle) as (folder, elsewhere):
        for config, spec, variant in _listed(bundle):
            option = ""
            try:
                with contextlib.chdir(elsewhere):
                    said = _build_and_try(config, spec, folder, rows)
            except ConfigError as error:
                option, problem = getattr(error, "option", ""), str(error)
                for prefix in (f"scorers: {spec.name}: ", f"{option}: "):
                    problem = problem.removeprefix(prefix)
                place = place_of_scorer(config_file, spec.name, option)
                problems.append(f"{place}{variant}: {_in_place(problem, folder, bundle.folder)}")
                continue
            except JudgeError as error:
                tried.notes.append(f"{spec.name}{variant} {error.reason}")
                continue
            if said:
                tried.verdicts[spec.name + variant] = said
    if problems:
        raise ConfigError("\n".join(problems))
    return tried


def _listed(bundle: Bundle) -> Iterator[tuple[EvaluationConfig, ScorerSpec, str]]:
    """Each scorer of the file, then those that a variant has otherwise, and of which variant."""
    for spec in bundle.config.listed_scorers:
        yield bundle.config, spec, ""
    for variant in bundle.variants:
        for spec in variant.config.listed_scorers:
            if spec not in bundle.config.listed_scorers:
                yield variant.config, spec, f" of variant {variant.name}"


def _build_and_try(
    config: EvaluationConfig, spec: ScorerSpec, folder: Path, rows: Sequence[Row]
) -> str:
    """The verdict; empty where it is not tried. Raises ConfigError, or JudgeError without one."""
    [built] = build_scorers([spec], config.judge, folder)
    reasons: list[str] = []
    for row in rows if built.judge is None else ():
        try:
            return _verdict(built, row, retrieves=config.has_retrieved)
        except JudgeError as error:
            reasons.append(error.reason)
    if not reasons:
        return ""
    what = f"gives no verdict on the first {len(reasons)} rows, with the expected answer"
    if spec.kind == "file" or _RAISED.match(reasons[0]):
        raise ConfigError(f"{what}: {reasons[0]}")
    raise JudgeError(f"{what}: {reasons[0]}", retryable=False)


def _verdict(built: BuiltScorer, row: Row, *, retrieves: bool) -> str:
    """`retrieves`: as if the dataset's context had been retrieved, or else the expected answer."""
    if row.given:
        answer = JudgedAnswer(row.given.text, row.given.retrieved, row.given.tool_calls)
    else:
        passages = tuple(map(Passage, row.context or (row.expected_response,)))
        answer = JudgedAnswer(
            row.expected_response,
            Retrieved(passages) if retrieves else None,
            row.further.expected_tool_calls or (),
        )
    question = question_of(row, answer)
    value = numbered(built, built.score(question)).value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@contextmanager
def _alone(bundle: Bundle) -> Iterator[tuple[Path, Path]]:
    """A folder with the users' files and no others, and the working directory, which is another."""
    with (
        tempfile.TemporaryDirectory(prefix="check-scorers-") as carried,
        tempfile.TemporaryDirectory(prefix="check-elsewhere-") as elsewhere,
    ):
        folder = Path(carried).resolve()
        for name in bundle.config.scorer_files():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.folder / name, folder / name)
        yield folder, Path(elsewhere)


def _in_place(said: str, folder: Path, beside: Path) -> str:
    """The message with the user's own folder in it, and what to do about a file left behind."""
    left_in = re.findall(rf"{re.escape(str(folder))}/([^\s'\":)]+)", said)
    relative = re.findall(r"No such file or directory: '([^'/][^']*)'", said)
    said = said.replace(str(folder), str(beside))
    for name in (*left_in, *relative):
        if not (folder / name).exists() and (beside / name).exists():
            return (
                f"{said}: {name} does not go along to the job: name it in the entry, "
                f"files: [{name}], and open it as Path(__file__).parent / {name!r}"
            )
    for name in relative:
        if (folder / name).exists():
            return f"{said}: open it as Path(__file__).parent / {name!r}"
    return said
