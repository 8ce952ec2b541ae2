"""Whether a judge's reply judges all that a DeepEval metric put to it.

DeepEval takes the share of the verdicts that came: no verdict at all counts 1, and so does one for
four claims. Here every item gets a verdict, or the row gets none. Read from deepeval 4.3.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel

from processing.base.clean_text import has_text
from processing.judges.verdict import JudgeError, OffScale, malformed
from processing.scorers.sentences import too_few

Items = Callable[[Any, Any], Sequence[Any]]
"""metric, test case -> what the metric asks a verdict on each of."""


def _of_metric(field: str) -> Items:
    return lambda metric, _: getattr(metric, field)


def _of_case(field: str) -> Items:
    return lambda _, case: getattr(case, field)


def _one(_metric: object, _case: object) -> Sequence[Any]:
    """The judge itself takes the text apart: how many parts there are, only it knows."""
    return ()


_JUDGED: dict[str, Items] = {
    "AnswerRelevancy": _of_metric("statements"),
    "Bias": _of_metric("opinions"),
    "ContextualPrecision": _of_case("retrieval_context"),
    "ConversationCompleteness": _one,
    "ConversationalGEval": _one,
    "ContextualRecall": _one,
    "ContextualRelevancy": _one,
    "Faithfulness": _of_metric("claims"),
    "GEval": _one,
    "Hallucination": _of_case("context"),
    "KnowledgeRetention": _one,
    "Misuse": _of_metric("misuses"),
    "NonAdvice": _of_metric("advices"),
    "PIILeakage": _of_metric("extracted_pii"),
    "PromptAlignment": _of_metric("prompt_instructions"),
    "RoleViolation": _of_metric("role_violations"),
    "Summarization": _of_metric("claims"),
    "Toxicity": _of_metric("opinions"),
    "TurnRelevancy": _one,
}

_SOUGHT = {
    "Bias": "opinions",
    "Misuse": "misuses",
    "NonAdvice": "advices",
    "PIILeakage": "extracted_pii",
    "RoleViolation": "role_violations",
    "Toxicity": "opinions",
}
"""What a metric looks for in the answer; that there is none of it, is good."""

OF_TURNS = frozenset({"ConversationCompleteness", "KnowledgeRetention", "TurnRelevancy"})
"""They ask for a verdict on one thing at a time."""

METRICS = frozenset(_JUDGED)
"""The metrics whose replies are checked; no other is taken that asks a judge."""


def complaint(metric_name: str, metric: Any, case: Any, reply: BaseModel) -> str | None:
    """What the reply lacks, or says that cannot be; None where it is whole."""
    for field, value in reply:
        if field == "verdicts":
            wrong = _uncounted(value, _JUDGED[metric_name](metric, case), "verdicts")
            by_sentence = metric_name == "ContextualRecall" and not wrong
            return too_few(len(value), case.expected_output) if by_sentence else wrong
        if field == "answers":  # of Summarization: yes or no to each question
            return _uncounted(value, metric.assessment_questions, field) or _neither(value)
        if field == "score":
            return _off_scale(value, metric)
        if isinstance(value, list) and not value and field != _SOUGHT.get(metric_name):
            return f"no {field}"
        if isinstance(value, list) and not all(map(has_text, value)):
            return f"{field} without text"
    return None


def with_the_whole_answer(metric_name: str, case: Any, reply: BaseModel) -> None:
    """Where the judge finds none of what is sought, the whole answer is put to it instead.

    DeepEval asks nothing more then and counts 1: a score that no verdict stands for.
    """
    field = _SOUGHT.get(metric_name)
    if field is not None and getattr(reply, field, None) == []:
        setattr(reply, field, [case.actual_output])


def no_verdicts(metric: Any) -> JudgeError | None:
    """Where a metric of turns has judged none: DeepEval counts 1 then, and has that explained.

    Of KnowledgeRetention it is so where the user has told nothing that could be retained.
    """
    verdicts = getattr(metric, "verdicts", None)
    if verdicts is None or (verdicts and None not in verdicts):
        return None
    return malformed("no verdict on a turn: it found nothing in the conversation to judge by")


def _uncounted(given: Sequence[Any], items: Sequence[Any], what: str) -> str | None:
    if not given:
        return f"no {what}" + (f" on {len(items)} items" if items else "")
    if items and len(given) != len(items):
        return f"{len(given)} {what} on {len(items)} items"
    return None


def _neither(answers: Sequence[str]) -> str | None:
    odd = [answer for answer in answers if answer.strip().lower() not in ("yes", "no")]
    return OffScale(f"{odd[0][:40]!r} where yes or no can be") if odd else None


def _off_scale(score: float, metric: Any) -> str | None:
    of_ten = not hasattr(metric, "score_range")  # ConversationalGEval
    if metric.strict_mode and not of_ten:
        return None if score in (0, 1) else OffScale(f"{score:g} where 0 or 1 can be")
    low, high = (0, 10) if of_ten else metric.score_range
    if low <= score <= high or any(math.isclose(score, end, abs_tol=1e-9) for end in (low, high)):
        return None
    return OffScale(f"{score:g} where {low} to {high} can be")
