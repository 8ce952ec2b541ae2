"""What the local AWS is told to refuse, as SageMaker might: nobody has documented that it does not.

POST {"refuse": ["source-uri", "fail-message", "large-card"]} to /_local/refusals of the local AWS;
an empty list refuses nothing any more.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Literal, TypeAlias, get_args

from pipeline.local.sagemaker.definition import Definition, FailStep, RegisterModelStep, Step

Refusal: TypeAlias = Literal["source-uri", "fail-message", "large-card"]
REFUSALS: tuple[Refusal, ...] = get_args(Refusal)
LARGE_CARD = 1_000
"""Characters. That of an evaluation has some thousands."""


class Refusals:
    """`source-uri`: SourceUri in a RegisterModel step. `fail-message`: JsonGet in a Fail step's
    message. `large-card`: a RegisterModel step with a model card of over 1,000 characters.
    """

    def __init__(self, refused: Collection[str] = ()) -> None:
        self._refused = frozenset(refused)

    def control(self, request: dict[str, Any]) -> dict[str, Any]:
        """Of /_local/refusals. Raises ValueError for a name that is none."""
        given = request.get("refuse")
        if not isinstance(given, list) or not set(given) <= set(REFUSALS):
            raise ValueError(f"refuse must be a list of {', '.join(REFUSALS)}, not {given!r}")
        self._refused = frozenset(given)
        return {"refuse": sorted(self._refused)}

    def of_definition(self, definition: Definition) -> str | None:
        """Why CreatePipeline and UpdatePipeline take no such definition."""
        for node in definition.nodes.values():
            if reason := self._of_step(node.step):
                return f"Step {node.step.name}: {reason}"
        return None

    def _of_step(self, step: Step) -> str | None:
        match step:
            case RegisterModelStep() if "source-uri" in self._refused:
                given = "SourceUri" in step.arguments
                return "Unknown Argument member: SourceUri" if given else None
            case FailStep() if "fail-message" in self._refused:
                by_json = "Std:JsonGet" in json.dumps(step.arguments.error_message)
                return "Std:JsonGet is not supported in ErrorMessage" if by_json else None
        return None

    def of_package(self, request: dict[str, Any]) -> str | None:
        """Why a RegisterModel step does not send this CreateModelPackage request."""
        card = (request.get("ModelCard") or {}).get("ModelCardContent", "")
        if "large-card" not in self._refused or len(card) <= LARGE_CARD:
            return None
        return (
            f"The value that Std:JsonGet gives for ModelCard.ModelCardContent has {len(card)} "
            f"characters, more than {LARGE_CARD}"
        )
