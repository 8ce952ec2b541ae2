"""An answer as scorers judge it: the model's text, and what came with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from processing.dataset.retrieved import Retrieved
from processing.dataset.turns import ToolCall


@dataclass(frozen=True)
class JudgedAnswer:
    """`retrieved` is None where nobody returns passages; the dataset's context counts then.

    `tool_calls`: the tools that the model wants called; `tools`: those it was offered, as it was.
    """

    text: str
    retrieved: Retrieved | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
