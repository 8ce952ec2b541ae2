"""An answer that exists already: what the dataset says of it (`dataset.answers: given`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from processing.dataset.retrieved import Retrieved, retrieved_of
from processing.dataset.turns import ToolCall


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """`text` is empty where there was none; `error` then says why, if anybody knows.

    What is None or empty is not known. `request` is the JSON of what the endpoint was asked, as
    text; `event_id` and `time` (ISO 8601) are those of a captured call. `retrieved`: the passages
    that came with it; None where nobody says that there are any.
    """

    text: str
    latency_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning: str = ""
    stop_reason: str = ""
    error: str = ""
    request: str = ""
    event_id: str = ""
    time: str = ""
    retrieved: Retrieved | None = None
    tool_calls: tuple[ToolCall, ...] = ()

    def known(self) -> dict[str, Any]:
        """What is known, as it stands in `dataset.jsonl`."""
        parts = ("text", "retrieved", "tool_calls")
        rest = {k: v for k, v in asdict(self).items() if k not in parts and v not in (None, "")}
        came: dict[str, Any] = {"retrieved": self.retrieved.entry()} if self.retrieved else {}
        if self.tool_calls:
            came["tool_calls"] = list(map(asdict, self.tool_calls))
        return {"text": self.text, **rest, **came}


_KEYS = frozenset(field.name for field in fields(GivenAnswer))


def given_answer_of(record: Mapping[str, Any] | None) -> GivenAnswer | None:
    """Of a line of `dataset.jsonl`; None where the endpoint is asked. Raises TypeError."""
    if record is None:
        return None
    if unknown := record.keys() - _KEYS:
        raise TypeError(f"given.{min(unknown)} is not known")
    calls = tuple(ToolCall(**call) for call in record.get("tool_calls", ()))
    retrieved = retrieved_of(record.get("retrieved"))
    return GivenAnswer(**{**record, "retrieved": retrieved, "tool_calls": calls})
