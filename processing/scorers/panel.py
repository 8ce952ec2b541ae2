"""One verdict out of a panel's: of several judges, each asked about the same answer.

Yes, no and levels: the majority, as of one judge that is asked more than once; of two in the middle
the worse (`processing.scorers.vote`). Graded numbers: the mean. Where a judge has given none, there
is one only if whatever it had said would not change it: a panel never votes with fewer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from processing.calls.paid_store import Record
from processing.config.judge import judge_name
from processing.config.scorer_numbers import is_not_applicable, number_of
from processing.config.scorers import ScorerSpec
from processing.mlflow_record.judge_use import judge_use, total_use
from processing.mlflow_record.panel_verdicts import PanelVerdict, panel_metadata
from processing.mlflow_record.scores import (
    CATEGORY,
    CONTRADICTED,
    JUDGE_LEFT_OUT,
    JUDGE_VERDICTS,
)
from processing.scorers.build import LONGEST_RATIONALE, BuiltScorer
from processing.scorers.vote import is_voted, voted_number

LONGEST_REASON = 300
"""Characters of why one judge has given no verdict."""

_OF_ONE_JUDGE = (JUDGE_VERDICTS, CONTRADICTED, JUDGE_LEFT_OUT)


def panel_record(built: BuiltScorer, records: Sequence[Record]) -> Record:
    """What the panel's verdicts come to: a verdict as it is kept, or `{"error": reason}`.

    `records`: of each judge, in the panel's order. Either way the metadata says what each said. The
    record has the words of a verdict that won, or is nearest to the mean, and those of all where
    they differ.
    """
    spec = built.spec
    panel = [_said(member, record) for member, record in zip(built.panel, records, strict=True)]
    if all("error" not in each and is_not_applicable(spec, each["value"]) for each in records):
        return records[0]
    source = {"source_type": "LLM_JUDGE", "source_id": built.judge.model if built.judge else ""}
    given = [record for record in records if "error" not in record]
    told = total_use([record["metadata"] for record in given]) | panel_metadata(panel)
    number = voted_number(spec, [each.value for each in panel])
    if number is None:
        return {"error": _unsettled(spec, panel), "source": source, "metadata": told}
    counted = [
        (each.value, record)
        for each, record in zip(panel, records, strict=True)
        if each.value is not None
    ]
    nearest = min(counted, key=lambda each: abs(each[0] - number))[1]
    kept = {key: v for key, v in nearest["metadata"].items() if key not in _OF_ONE_JUDGE}
    return {
        **nearest,
        "value": nearest["value"] if is_voted(spec) else number,
        "rationale": _reasons(panel, records) or nearest["rationale"],
        "source": source,
        "metadata": kept | told,
    }


def _said(member: BuiltScorer, record: Record) -> PanelVerdict:
    judge = member.judge.model if member.judge else ""
    if "error" in record:
        return PanelVerdict(judge, None, None, str(record["error"])[:LONGEST_REASON])
    metadata = record["metadata"]
    number = number_of(member.spec, record["value"])
    return PanelVerdict(
        judge,
        number,
        metadata.get(CATEGORY, record["value"]),
        error="the scorer does not apply to the row" if number is None else None,
        verdicts=tuple(json.loads(metadata.get(JUDGE_VERDICTS, "[]"))),
        contradicted=metadata.get(CONTRADICTED) == "yes",
        left_out=metadata.get(JUDGE_LEFT_OUT),
        used=judge_use(metadata),
    )


def _reasons(panel: Sequence[PanelVerdict], records: Sequence[Record]) -> str:
    """Each judge's verdict with its reason; empty where all agree, and one reason will do."""
    if len({each.value for each in panel}) == 1:
        return ""
    room = LONGEST_RATIONALE // len(panel)
    return "\n\n".join(
        f"{_word(each)}: {record.get('rationale') or each.error or ''}"[:room]
        for each, record in zip(panel, records, strict=True)
    )


def _unsettled(spec: ScorerSpec, panel: Sequence[PanelVerdict]) -> str:
    """What was said and what failed; the reason alone where all judges have failed for the same."""
    reasons = {each.error for each in panel}
    if len(reasons) == 1 and None not in reasons:
        return f"no judge of the panel of {len(panel)} gave a verdict: {reasons.pop()}"
    failed = "; ".join(
        f"{judge_name(each.judge)} failed: {each.error}" for each in panel if each.error
    )
    given = ", ".join(_word(each) for each in panel if each.error is None) or "no judge"
    what = "majority" if is_voted(spec) else "mean"
    return f"the panel's verdicts settle no {what} ({given}); {failed}"


def _word(each: PanelVerdict) -> str:
    said: Any = "error" if each.value is None else each.shown
    said = f"{said:.4g}" if isinstance(said, float) else said
    return f"{judge_name(each.judge)} {said}"
