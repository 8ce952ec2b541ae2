"""An answer that exists already: what the dataset says of it (`dataset.answers: given`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """`text` is empty where there was none; `error` then says why, if anybody knows.

    What is None or empty is not known. `request` is the JSON of what the endpoint was asked, as
    text; `event_id` and `time` (ISO 8601) are those of a captured call.
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

    def known(self) -> dict[str, Any]:
        """What is known, as it stands in `dataset.jsonl`."""
        rest = {k: v for k, v in asdict(self).items() if k != "text" and v not in (None, "")}
        return {"text": self.text, **rest}


_KEYS = frozenset(field.name for field in fields(GivenAnswer))


def given_answer_of(record: Mapping[str, Any] | None) -> GivenAnswer | None:
    """Of a line of `dataset.jsonl`; None where the endpoint is asked. Raises TypeError."""
    if record is None:
        return None
    if unknown := record.keys() - _KEYS:
        raise TypeError(f"given.{min(unknown)} is not known")
    return GivenAnswer(**record)
