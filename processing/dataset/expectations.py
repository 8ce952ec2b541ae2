"""What a row expects beside its expected response: other answers, facts, guidelines of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from processing.dataset.tool_calls import entry_of, expected_calls_in
from processing.dataset.turns import ToolCall

KEYS = ("references", "expected_facts", "guidelines")


@dataclass(frozen=True, slots=True)
class FurtherExpectations:
    """`references`: other answers that are as right as the expected response.

    `expected_facts`: what a right answer says. `guidelines`: what this row's answer has to follow.
    `expected_tool_calls`: those of a right answer, () if it calls none; None where nobody says.
    """

    references: tuple[str, ...] = ()
    expected_facts: tuple[str, ...] = ()
    guidelines: tuple[str, ...] = ()
    expected_tool_calls: tuple[ToolCall, ...] | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        arguments = (call.arguments for call in self.expected_tool_calls or ())
        return (*self.references, *self.expected_facts, *self.guidelines, *arguments)

    def given(self) -> dict[str, list[Any]]:
        """Those that there are, by name, as they stand in `dataset.jsonl` and in MLflow."""
        lists = {key: list(found) for key in KEYS if (found := getattr(self, key))}
        if self.expected_tool_calls is None:
            return lists
        return lists | {"expected_tool_calls": list(map(entry_of, self.expected_tool_calls))}

    def mapped(self, change: Callable[[str], str]) -> FurtherExpectations:
        return FurtherExpectations(
            tuple(map(change, self.references)),
            tuple(map(change, self.expected_facts)),
            tuple(map(change, self.guidelines)),
            self.expected_tool_calls,
        )


NONE = FurtherExpectations()


def further_of(expectations: Mapping[str, Any]) -> FurtherExpectations:
    """Of a line of `dataset.jsonl`. Raises TypeError if they are no lists."""
    if len(expectations) == 1:
        return NONE
    calls = expected_calls_in(expectations.get("expected_tool_calls"), "expected_tool_calls")
    lists = {key: tuple(expectations.get(key, ())) for key in KEYS}
    return FurtherExpectations(**lists, expected_tool_calls=calls)
