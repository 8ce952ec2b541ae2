"""What a comparison reads of evaluation.json and rows.jsonl, and of which types it must be.

The files may come from another version or another person: nothing of them is used unchecked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError

from processing.base.secrets import masked
from processing.base.visible_text import visible, visible_document
from processing.dataset.turns import history_of

Read = dict[str, Any]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, protected_namespaces=(), allow_inf_nan=False)


class _Metric(_Part):
    value: float | None = None
    higher_is_better: bool = True


class _Bound(_Part):
    metric: str
    rule: str
    bound: float
    on: str
    tier: str


class _Scorer(_Part):
    definition: str
    judge: str | None
    low: float | None
    high: float | None


class _Gate(_Part):
    passed: int


class _Counts(_Part):
    rows: int
    answered: int
    not_asked: int = 0


class _Model(_Part):
    model_name: str
    endpoint_name: str


class _Mlflow(_Part):
    tracking_uri: str
    experiment_id: str
    run_id: str
    url: str | None


class _Spend(_Part):
    cost: float | None
    reused: int


class _Document(_Part):
    metrics: dict[str, _Metric]
    number_rules: dict[str, str]
    thresholds: dict[str, _Bound]
    gate: _Gate
    counts: _Counts
    model: _Model
    mlflow: _Mlflow
    spend: list[_Spend]
    scorers: dict[str, _Scorer] = {}
    varied: dict[str, str] = {}
    pairwise: dict[str, dict[str, Any]] = {}
    fingerprint: str | None = None
    code_sha256: str | None = None
    config_sha256: str | None = None
    dataset_sha256: str | None = None


class _Score(_Part):
    value: float | None
    shown: str | float | bool | None
    rationale: str | None
    error: str | None


def _are_messages(history: list[Any]) -> list[Any]:
    history_of(history)
    return history


class _Row(_Part):
    row_id: str
    question: str | None
    answer: str | None
    expected_response: str | None
    error: str | None
    latency_ms: float | None
    input_tokens: float | None
    output_tokens: float | None
    slices: dict[str, str | float | bool | None]
    scores: dict[str, _Score]
    cluster: str | None = None
    history: Annotated[list[Any], AfterValidator(_are_messages)] = []
    asked_id: str | None = None


_ROWS = TypeAdapter(list[_Row])


def checked_document(document: Any) -> Read:
    """evaluation.json with its texts visible and without secrets, each on one line.

    Raises ValueError, which says where it is not what an evaluation leaves.
    """
    try:
        _Document.model_validate(document)
    except ValidationError as error:
        raise ValueError(_first(error)) from error
    if isinstance(varied := document.get("varied"), dict):  # a prompt has lines of its own
        one_line = {key: " ".join(value.split()) for key, value in varied.items()}
        document = {**document, "varied": one_line}
    shown: Read = visible_document(_masked(document))
    # a guideline has lines of its own, and is put to the judge as it stands
    return shown | {"pairwise": document.get("pairwise", {})}


def checked_rows(rows: Sequence[Any]) -> list[Read]:
    """The rows, with visible names of scorers. Raises ValueError, as `checked_document`."""
    try:
        _ROWS.validate_python(rows)
    except ValidationError as error:
        line = int(error.errors(include_url=False)[0]["loc"][0]) + 1
        raise ValueError(f"line {line}: {_first(error, below=1)}") from error
    return [
        {**row, "scores": {visible(name): score for name, score in row["scores"].items()}}
        for row in rows
    ]


def _masked(document: Any) -> Any:
    if isinstance(document, str):
        return masked(document)
    if isinstance(document, Mapping):
        return {masked(key): _masked(value) for key, value in document.items()}
    return [_masked(value) for value in document] if isinstance(document, list) else document


def _first(error: ValidationError, *, below: int = 0) -> str:
    """`below`: so many keys of its place are left out."""
    first, *others = error.errors(include_url=False, include_context=False, include_input=False)
    at = ".".join(map(str, first["loc"][below:])) or "all of it"
    more = f" (and {len(others)} more)" if others else ""
    return f"{at}: {first['msg'].lower()}{more}"
