"""domain_terminology: of the terms that the expected answer uses, the share that the answer uses.

A term is used where its words stand one after the other; capitals do not matter, and words are
those of `processing.scorers.words`. A symbol counts where the term has it (%, €), and + and #
belong to the word before them (C++ and C# are not C). Inflections and compounds are not recognised:
list them as terms of their own.
The scorer does not apply to a row whose expected answer uses no term, or gives it `without_terms`.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import regex

from processing.config.scorer_numbers import NOT_APPLICABLE
from processing.config.scorer_options import TermsOptions, is_symbol
from processing.judges.verdict import Question, Score
from processing.scorers.words import words

if TYPE_CHECKING:
    from mlflow.entities import Feedback

    from processing.config.scorers import ScorerSpec
    from processing.judges.service import JudgeLine

# digits before it are no part of it; nothing is begun within a word, nor read twice
_SIGNED_WORD: Any = regex.compile(
    r"(?<![\p{Latin}\p{N}])(\p{N}*+)(\p{Latin}[\p{Latin}\p{N}]*+[+#]+)(?![\p{Latin}\p{N}])"
)


def build(spec: ScorerSpec, line: JudgeLine | None, folder: Path) -> Score:  # noqa: ARG001
    from mlflow.entities import Feedback

    assert isinstance(spec.options, TermsOptions)
    terms, without_terms = spec.options.terms, spec.options.without_terms

    def domain_terminology(question: Question) -> Feedback:
        expected = _used(terms, question.expected_response)
        if not expected:
            said = "the expected answer uses none of the terms"
            value = NOT_APPLICABLE if without_terms is None else without_terms
            return Feedback(name=spec.name, value=value, rationale=said)
        used = _used(expected, question.answer)
        missing = [term for term in expected if term not in used]
        said = f"{len(used)} of the {len(expected)} terms of the expected answer used"
        if missing:
            said += f"; missing: {', '.join(missing)}"
        return Feedback(name=spec.name, value=len(used) / len(expected), rationale=said)

    return domain_terminology


def _used(terms: list[str], text: str) -> list[str]:
    """The terms that `text` uses, in their order."""
    read: dict[frozenset[str], str] = {}  # by the symbols that count: mostly none
    used = []
    for term in dict.fromkeys(terms):
        symbols, tokens = _of_term(term)
        if symbols not in read:
            read[symbols] = _tokens(text, symbols)
        if tokens in read[symbols]:
            used.append(term)
    return used


@functools.cache
def _of_term(term: str) -> tuple[frozenset[str], str]:
    symbols = frozenset(filter(is_symbol, term))
    return symbols, _tokens(term, symbols)


def _tokens(text: str, symbols: frozenset[str]) -> str:
    """Words and `symbols` between single spaces, with one at either end: a term is a substring."""
    tokens: list[str] = []
    at = 0
    for found in _SIGNED_WORD.finditer(text):
        tokens += [*words(text[at : found.start(2)], symbols), found[2].casefold()]
        at = found.end()
    tokens += words(text[at:], symbols)
    return f" {' '.join(tokens)} "
