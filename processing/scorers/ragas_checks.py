"""Whether a judge's reply judges all that a RAGAS metric put to it, on the scale that it documents.

RAGAS takes the verdicts that came, whatever number they are: one of four statements, or a 99 where
0 and 1 can be. Here every statement gets a verdict, or the row gets none. Read from ragas 0.4.3.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import regex

from processing.base.clean_text import has_text
from processing.judges.verdict import OffScale
from processing.scorers.sentences import too_few
from processing.scorers.words import is_by_character

_READ_BY_ROUGE: Any = regex.compile(r"[a-z0-9]")
_LETTERS: Any = regex.compile(r"[\p{L}\p{N}]")
_INPUT = "\nNow perform the same with the following input\ninput: "
_OUTPUT = "\nOutput:"

Check = Callable[[Any, dict[str, Any]], "str | None"]
"""reply, what the prompt's input is -> what is wrong with it."""


def complaint(metric: Any, reference: str, prompt: str, reply: Any) -> str | None:
    """What the reply lacks, or says that cannot be; None where it is whole."""
    name = type(reply).__name__
    if name == "RubricScoreOutput":
        return _off_scale([reply.score], _rubric_scale(metric.rubrics))
    if name == "EntitiesList":  # that a context has none is a verdict; a reference needs some
        no_reference = not reply.entities and _input(prompt)["text"] == reference
        return "no entities of the expected answer" if no_reference else _blank(reply, "entities")
    check = _CHECKS.get(name)
    if check is None:
        return f"a {name}, for which there is no check"
    return check(reply, _input(prompt))


def unreadable(metric: str, reference: str) -> str | None:
    """Why RAGAS's metric of words would give a meaningless number; None where it can be used."""
    letters = _LETTERS.findall(reference.lower())
    if metric == "RougeScore" and 2 * len(_READ_BY_ROUGE.findall("".join(letters))) <= len(letters):
        return "RAGAS's RougeScore reads a-z and 0-9 alone: take rougeL_fmeasure"
    if metric == "BleuScore" and 2 * sum(map(is_by_character, letters)) > len(letters):
        return "RAGAS's BleuScore knows words by their spaces alone: take the built-in BleuScore"
    return None


def _rubric_scale(rubrics: dict[str, str]) -> Sequence[int]:
    """The scores of `score1_description`, `score2_description` ..."""
    return sorted(int("".join(filter(str.isdigit, key)) or 0) for key in rubrics)


def _input(prompt: str) -> dict[str, Any]:
    """RAGAS writes it as JSON: no value can hold the line break that begins it."""
    text = prompt.rpartition(_INPUT)[2]
    given: dict[str, Any] = json.loads(text[: text.rindex(_OUTPUT)])
    return given


def _off_scale(values: Sequence[int], scale: Sequence[int]) -> str | None:
    odd = [value for value in values if value not in scale]
    return OffScale(f"{odd[0]} where {_words(scale)} can be") if odd else None


def _words(scale: Sequence[int]) -> str:
    return f"{', '.join(map(str, scale[:-1]))} or {scale[-1]}"


def _uncounted(given: Sequence[Any], asked: Sequence[Any], what: str) -> str | None:
    if len(given) == len(asked) > 0:
        return None
    return f"{len(given) or 'no'} {what} on {len(asked)} items"


def _some(field: str) -> Check:
    return lambda reply, _: _blank(reply, field) if getattr(reply, field) else f"no {field}"


def _blank(reply: Any, field: str) -> str | None:
    return None if all(map(has_text, getattr(reply, field))) else f"{field} without text"


def _rating(*scale: int) -> Check:
    return lambda reply, _: _off_scale([reply.rating], scale)


def _statements(reply: Any, given: dict[str, Any]) -> str | None:
    verdicts = [each.verdict for each in reply.statements]
    return _uncounted(verdicts, given["statements"], "verdicts") or _off_scale(verdicts, (0, 1))


def _attributions(reply: Any, given: dict[str, Any]) -> str | None:
    attributed = [each.attributed for each in reply.classifications]
    if not attributed:
        return "no classifications"
    return _off_scale(attributed, (0, 1)) or too_few(len(attributed), given["answer"])


def _answers(reply: Any, given: dict[str, Any]) -> str | None:
    odd = [answer for answer in reply.answers if answer not in ("0", "1")]
    scale = OffScale(f"{odd[0][:40]!r} where 0 or 1 can be") if odd else None
    return _uncounted(reply.answers, given["questions"], "answers") or scale


_CHECKS: dict[str, Check] = {
    "AnswerAccuracyOutput": _rating(0, 2, 4),
    "AnswersGenerated": _answers,
    "ClaimDecompositionOutput": _some("claims"),
    "ContextPrecisionOutput": lambda reply, _: _off_scale([reply.verdict], (0, 1)),
    "ContextRecallOutput": _attributions,
    "ContextRelevanceOutput": _rating(0, 1, 2),
    "ExtractedKeyphrases": _some("keyphrases"),
    "NLIStatementOutput": _statements,
    "QuestionsGenerated": _some("questions"),
    "ResponseGroundednessOutput": _rating(0, 1, 2),
    "SQLEquivalenceOutput": lambda *_: None,
    "StatementFaithfulnessOutput": _statements,
    "StatementGeneratorOutput": _some("statements"),
}
