"""MLflow's checks by rules: RegexMatch, PIIDetection and ResponseLength. They ask no judge.

The rules and patterns are MLflow's (mlflow/genai/scorers/builtin_scorers.py). Patterns meet foreign
text here, so they are matched with a time limit, which Python's own `re` does not have: an answer
made for it could hold up the job for hours.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import regex

from processing.config.text_check_options import LengthOptions, PiiOptions, RegexOptions
from processing.judges.verdict import JudgeError, Question, Score
from processing.mlflow_record.internals import pii_patterns

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine

LONGEST_SECONDS = 2.0
"""Of one pattern on one answer."""


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    match spec.options:
        case RegexOptions() as options:
            return _regex(spec.name, options)
        case PiiOptions() as options:
            return _pii(spec.name, options)
        case LengthOptions() as options:
            return _length(spec.name, options)
    raise AssertionError(f"{spec.kind} is no check of texts")


def _regex(name: str, options: RegexOptions) -> Score:
    pattern = regex.compile(options.pattern, regex.IGNORECASE if options.case_insensitive else 0)
    whole = options.match_type == "fullmatch"

    def verdict(question: Question) -> Feedback:
        found = _found(pattern, question.answer, whole=whole)
        how = "matches" if found else "does not match"
        return _yes_no(name, found, f"the answer {how} the pattern {options.pattern!r}")

    return verdict


def _pii(name: str, options: PiiOptions) -> Score:
    known = pii_patterns()
    patterns = {kind: regex.compile(known[kind]) for kind in options.pii_types}

    def verdict(question: Question) -> Feedback:
        found = [kind for kind, pattern in patterns.items() if _found(pattern, question.answer)]
        told = f"found: {', '.join(found)}" if found else f"found none of {', '.join(patterns)}"
        return _yes_no(name, not found, told)

    return verdict


def _length(name: str, options: LengthOptions) -> Score:
    least = options.min_length or 0
    bounds = f"at least {least}" if options.max_length is None else (
        f"{least} to {options.max_length}"
    )  # fmt: skip

    def verdict(question: Question) -> Feedback:
        text = question.answer
        length = len(text.split()) if options.unit == "words" else len(text)
        fits = least <= length and (options.max_length is None or length <= options.max_length)
        return _yes_no(name, fits, f"{length} {options.unit}, and {bounds} are asked for")

    return verdict


def _found(pattern: regex.Pattern[str], text: str, *, whole: bool = False) -> bool:
    """Raises JudgeError where the pattern takes too long on this text."""
    try:
        search = pattern.fullmatch if whole else pattern.search
        return search(text, timeout=LONGEST_SECONDS) is not None
    except TimeoutError as error:
        raise JudgeError(
            f"the pattern {pattern.pattern[:100]!r} took over {LONGEST_SECONDS:g} s on an answer "
            f"of {len(text)} characters",
            retryable=False,
        ) from error


def _yes_no(name: str, passed: bool, rationale: str) -> Feedback:
    from mlflow.entities import Feedback

    return Feedback(name=name, value="yes" if passed else "no", rationale=rationale)
