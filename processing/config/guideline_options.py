"""The options of the kinds that judge by guidelines: one answer, or the better of two."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from processing.config.scorer_options import Options, Text


def _one_or_many(guidelines: object) -> object:
    return [guidelines] if isinstance(guidelines, str) else guidelines


Guidelines = Annotated[list[Text], Field(min_length=1), BeforeValidator(_one_or_many)]


class GuidelinesOptions(Options):
    guidelines: Guidelines


class ConversationOptions(Options):
    """Of a scorer that judges a whole conversation, the model's answer being its last turn."""

    def needs_conversation(self) -> bool:
        return True


class ConversationGuidelinesOptions(ConversationOptions):
    guidelines: Guidelines


FRUSTRATION = {"none": 1.0, "resolved": 1.0, "unresolved": 0.0}
"""What each of MLflow's words for a user's frustration counts."""


class FrustrationOptions(ConversationOptions):
    def category_numbers(self) -> dict[str, float]:
        return FRUSTRATION


DEFAULT_GUIDELINES = (
    "The better answer is right: it makes no statement that is false or misleading.",
    "It answers the question that was asked, and leaves out nothing that the asker needs.",
    "It is clear, and says nothing that is beside the point.",
)

VERDICTS = {"first": 1.0, "tie": 0.5, "second": 0.0}
"""Which answer is better, by its place in the prompt, and what that counts for the first."""


class PairwiseOptions(Options):
    """`guidelines` say what makes an answer better, the most important first.

    `with_expected_response`: the judge sees the row's expected answer, too.
    """

    guidelines: Guidelines = list(DEFAULT_GUIDELINES)
    with_expected_response: bool = False

    def category_numbers(self) -> dict[str, float]:
        return VERDICTS
