"""What judges of retrieval judge against: what was retrieved, or the dataset's context."""

from __future__ import annotations

from collections.abc import Iterator

from processing.config.model import EvaluationConfig
from processing.config.threshold_scales import Location


def retrieval_problems(config: EvaluationConfig) -> Iterator[tuple[Location, str]]:
    """Scorers that have nothing to judge against, and passages that nobody returns."""
    columns = config.dataset.columns
    for index, scorer in enumerate(config.listed_scorers):
        if scorer.options.needs_gold() and columns.context is None:
            instead = ", and never against what was retrieved" if config.has_retrieved else ""
            yield (
                ("scorers", index),
                f"{scorer.name} judges against the dataset's context{instead}: name its column in "
                "dataset.columns.context, or leave the scorer out",
            )
        elif scorer.needs_context and columns.context is None and not config.has_retrieved:
            yield (
                ("scorers", index),
                f"{scorer.name} judges against a context: name where the endpoint's response has "
                "its passages in endpoint.response.context, or the dataset's column in "
                "dataset.columns.context, or leave the scorer out",
            )
    given = config.dataset.answers_given
    named = config.endpoint.context_path and not columns.retrieved_context
    if given and named and not config.dataset.from_capture:
        yield (
            ("endpoint", "response", "context"),
            "with dataset.answers: given the endpoint returns nothing: name the column that has "
            "what was retrieved in dataset.columns.retrieved_context",
        )


def context_lines(config: EvaluationConfig) -> Iterator[str]:
    """Which scorers judge against what; nothing where none judges against a context."""
    retrieved = [
        scorer.name
        for scorer in config.scorers
        if config.has_retrieved and scorer.options.needs_context()
    ]
    gold = [s.name for s in config.scorers if s.needs_context and s.name not in retrieved]
    columns = config.dataset.columns
    if retrieved:
        where = f"endpoint.response.context, {config.endpoint.context_path}"
        if columns.retrieved_context:
            where = f"column {columns.retrieved_context!r}"
        yield f"judged against the passages that were retrieved ({where}): {', '.join(retrieved)}"
    if gold:
        where = f"column {columns.context!r}"
        yield f"judged against the dataset's context ({where}): {', '.join(gold)}"
