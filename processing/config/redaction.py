"""`dataset.redact:`, which personal data is taken out of the rows before all else."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

Redacted = Literal["email", "phone", "iban", "credit_card", "ip"]


def _has_a_rule(kind: object) -> object:
    if kind in ("name", "names", "person", "address"):
        raise ValueError(
            f"{kind} is not possible: only a language model tells names from other words, and none "
            "is in the jobs' image; there are email, phone, iban, credit_card, ip"
        )
    return kind


Redact = list[Annotated[Redacted, BeforeValidator(_has_a_rule)]]
Region = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
"""Of ISO 3166: where telephone numbers without a country's code belong to."""
