"""domain_terminology: of the terms that the expected answer uses, the share that the answer uses.

A term is used where its words stand one after the other; words are runs of letters and digits, and
capitals do not matter. Inflections are not recognised: list them as terms of their own.
A row whose expected answer uses no term scores `without_terms`, and its rationale says so.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from processing.config.scorer_options import TermsOptions
from processing.judges.verdict import Question, Score

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine

_WORD = re.compile(r"[^\W_]+")


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    from mlflow.entities import Feedback

    assert isinstance(spec.options, TermsOptions)
    terms, without_terms = spec.options.terms, spec.options.without_terms

    def domain_terminology(question: Question) -> Feedback:
        expected = _used(terms, question.expected_response)
        if not expected:
            said = "the expected answer uses none of the terms"
            return Feedback(name=spec.name, value=without_terms, rationale=said)
        used = _used(expected, question.answer)
        missing = [term for term in expected if term not in used]
        said = f"{len(used)} of the {len(expected)} terms of the expected answer used"
        if missing:
            said += f"; missing: {', '.join(missing)}"
        return Feedback(name=spec.name, value=len(used) / len(expected), rationale=said)

    return domain_terminology


def _used(terms: list[str], text: str) -> list[str]:
    """The terms that `text` uses, in their order."""
    words = _words(text)
    return [term for term in dict.fromkeys(terms) if _words(term) in words]


def _words(text: str) -> str:
    """The words between single spaces, with one at either end: a term is then a substring."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "
