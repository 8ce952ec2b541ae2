"""Conversations as rows: who can be sent one, and what judges one."""

from __future__ import annotations

from collections.abc import Iterator

from processing.config.endpoint import MESSAGES
from processing.config.model import EvaluationConfig
from processing.config.threshold_scales import Location


def conversation_problems(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    """Mistakes that show when `dataset.columns.messages` is held against endpoint and scorers."""
    if config.dataset.columns.messages is None:
        for index, scorer in enumerate(config.listed_scorers):
            if scorer.options.needs_conversation():
                yield (
                    ("scorers", index),
                    f"{scorer.name} judges a conversation: name the column that holds it in "
                    "dataset.columns.messages, or leave the scorer out",
                )
        return
    endpoint = config.endpoint
    texts_alone = config.dataset.from_capture and endpoint.format == "text_generation"
    if config.dataset.answers_given or texts_alone:
        return  # nothing is sent, or what was captured has no turns
    if endpoint.format == "text_generation":
        message = (
            "text_generation sends one text, and dataset.columns.messages are many: take format: "
            "chat, with which the container applies the model's own chat template, or format: "
            f'template with "{MESSAGES}" in its request'
        )
        yield ("endpoint", "format"), message
    elif not endpoint.sends_history:
        message = (
            "sends the question alone, and dataset.columns.messages has what was said before it: "
            f'put "{MESSAGES}" where the conversation belongs'
        )
        yield ("endpoint", "request"), message
