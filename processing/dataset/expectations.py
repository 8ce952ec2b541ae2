"""What a row expects beside its expected response: other answers, facts, guidelines of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

KEYS = ("references", "expected_facts", "guidelines")


@dataclass(frozen=True, slots=True)
class FurtherExpectations:
    """`references`: other answers that are as right as the expected response.

    `expected_facts`: what a right answer says. `guidelines`: what this row's answer has to follow.
    """

    references: tuple[str, ...] = ()
    expected_facts: tuple[str, ...] = ()
    guidelines: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        return (*self.references, *self.expected_facts, *self.guidelines)

    def given(self) -> dict[str, list[str]]:
        """Those that there are, by KEYS, as they stand in `dataset.jsonl` and in MLflow."""
        return {key: list(found) for key in KEYS if (found := getattr(self, key))}

    def mapped(self, change: Callable[[str], str]) -> FurtherExpectations:
        return FurtherExpectations(
            tuple(map(change, self.references)),
            tuple(map(change, self.expected_facts)),
            tuple(map(change, self.guidelines)),
        )


NONE = FurtherExpectations()


def further_of(expectations: Mapping[str, Any]) -> FurtherExpectations:
    """Of a line of `dataset.jsonl`. Raises TypeError if they are no lists."""
    if len(expectations) == 1:
        return NONE
    return FurtherExpectations(**{key: tuple(expectations.get(key, ())) for key in KEYS})
