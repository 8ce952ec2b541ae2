"""The quality gate's verdict on executions, as their evaluation.json in S3 has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

NEWEST = 100
"""So many executions of a list are looked up."""

ENDED = {"Succeeded", "Failed"}


def verdict_word(evaluation: Mapping[str, Any] | None) -> str:
    """`passed`, `not passed`, or `no verdict`, also where somebody else's report is not ours."""
    if not evaluation or not evaluation.get("evaluated_here"):
        return "no verdict"
    return "passed" if evaluation["gate"]["passed"] == 1 else "not passed"


def verdict_words(
    executions: Sequence[Mapping[str, Any]], read: Callable[[str], Mapping[str, Any] | None]
) -> list[str]:
    """A word for each of the PipelineExecutionSummaries; empty for one that has not ended.

    `read` takes an execution's id and returns its evaluation.json, if there is one.
    """

    def word(summary: Mapping[str, Any]) -> str:
        if summary["PipelineExecutionStatus"] not in ENDED:
            return ""
        return verdict_word(read(str(summary["PipelineExecutionArn"]).rpartition("/")[2]))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(word, executions[:NEWEST]))
    return [*found, *[""] * (len(executions) - len(found))]
