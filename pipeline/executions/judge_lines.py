"""What the result table says of the judges below its metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]


def judge_lines(document: Document) -> Iterator[str]:
    """How far they agree, and what they cost; the keys are not in reports of older code."""
    if swapped := document.get("swapped_answers"):
        yield f"swapped answers rejected: {', '.join(map(_rejected, swapped))}"
    for panel in document.get("panels", {}).values():
        yield f"panel: {panel['words']}"
    if repeats := document.get("repeats"):
        told = (f"{name} {r['contradicted']} of {r['n']} rows" for name, r in repeats.items())
        yield f"judges contradict themselves: {', '.join(told)}"
    yield from _costs(document)


def _rejected(swapped: Document) -> str:
    """Without another row's expected response there is nothing to swap."""
    told = f"{swapped['rejected']} of {swapped['asked'] - swapped['errors']}"
    return f"{_whose(swapped)} {told if swapped['asked'] else 'had none to reject'}"


def _whose(swapped: Document) -> str:
    judge = f" ({swapped['judge']})" if swapped.get("of_panel") else ""
    return f"{swapped['scorer']}{judge}"


def _costs(document: Document) -> Iterator[str]:
    """Of these verdicts, whoever paid for them; where no price is known there is no line."""
    judges = document.get("judges") or {}
    if told := [
        f"{name} {taken['cost']:.4g} ({taken['input_tokens']:,} tokens in, "
        f"{taken['output_tokens']:,} out)"
        for name, taken in judges.items()
        if taken["cost"] is not None
    ]:
        yield f"judges' cost of these verdicts: {', '.join(told)}"
