"""What each judge of a panel said of a row, as it stands in the metadata of the panel's verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from processing.mlflow_record.judge_use import NO_USE, JudgeUse

JUDGE_PANEL = "judge_panel"
"""A JSON array, in the order of the file."""


@dataclass(frozen=True)
class PanelVerdict:
    """What one `judge` (its model) said: a number and its word, or the `error` why it did not.

    `verdicts`: what it said each time, if it was asked more than once; `contradicted`: whether
    these differ. `left_out`: what its model refused of the request, and was asked without.
    """

    judge: str
    value: float | None
    shown: str | float | None
    error: str | None = None
    verdicts: tuple[str | float | None, ...] = ()
    contradicted: bool = False
    left_out: str | None = None
    used: JudgeUse = NO_USE

    def entry(self) -> dict[str, Any]:
        """As rows.jsonl has it."""
        repeated = {"verdicts": list(self.verdicts), "contradicted": self.contradicted}
        return {
            "judge": self.judge,
            "value": self.value,
            "shown": self.shown,
            "error": self.error,
            **(repeated if self.verdicts else {}),
        }


def panel_metadata(panel: Sequence[PanelVerdict]) -> dict[str, str]:
    """What `panel_verdicts` reads."""
    told = [
        each.entry()
        | {"left_out": each.left_out, "used": vars(each.used) if each.used.calls else {}}
        for each in panel
    ]
    return {JUDGE_PANEL: json.dumps(told, ensure_ascii=False)}


def panel_verdicts(metadata: Mapping[str, str]) -> tuple[PanelVerdict, ...]:
    """() where no panel was asked."""
    return tuple(
        PanelVerdict(
            **{
                **each,
                "verdicts": tuple(each.get("verdicts", ())),
                "used": JudgeUse(**each["used"]),
            }
        )
        for each in json.loads(metadata.get(JUDGE_PANEL, "[]"))
    )
