"""Who gave a scorer's verdicts, and by what: two evaluations must share it to be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from processing.base.secrets import masked


@dataclass(frozen=True)
class ScorerRecord:
    """What two evaluations must share for a scorer's verdicts to be comparable.

    `definition`: the digest of all that decides a verdict, and `parts` of each part of it; of
    `versions`, package -> version, themselves. `repeats`: how often each verdict was asked for.
    `low` to `high` is its scale, None where nobody has said. `panel`: the judges' models where
    `judge` is the name of several.
    """

    definition: str
    judge: str | None
    low: float | None
    high: float | None
    repeats: int = 1
    parts: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    number_rule: str = ""
    panel: tuple[str, ...] = ()

    def entry(self) -> dict[str, Any]:
        """As evaluation.json has it under `scorers`; the number's rule has a place of its own."""
        return {key: value for key, value in asdict(self).items() if key != "number_rule"}


def scorer_record(document: Mapping[str, Any], name: str) -> ScorerRecord | None:
    """Of an evaluation.json; None where it has no such scorer, or was written before it said.

    Raises KeyError, TypeError or AttributeError for what is no evaluation.json.
    """
    found = (document.get("scorers") or {}).get(name)
    if found is None:
        return None
    return ScorerRecord(
        definition=found["definition"],
        judge=found["judge"],
        low=found["low"],
        high=found["high"],
        repeats=found.get("repeats", 1),
        parts=found.get("parts") or {},
        versions=found.get("versions") or {},
        number_rule=document["number_rules"][name],
        panel=tuple(found.get("panel") or ()),
    )


def judges_asked(entry: Mapping[str, Any]) -> Sequence[str]:
    """The models that an entry of evaluation.json's `scorers` was judged by; () by none."""
    if panel := entry.get("panel"):  # not in files of older code
        return [str(model) for model in panel]
    return [str(entry["judge"])] if entry.get("judge") else []


def how_they_differ(ours: ScorerRecord, theirs: ScorerRecord) -> str:
    """What the champion (`theirs`) was judged by that this model was not; empty if by the same.

    Another version of a scoring library counts: a framework's prompts come with it.
    """
    if ours.judge != theirs.judge:
        mine, their = (masked(each.judge or "no judge") for each in (ours, theirs))
        return f"the champion was judged by {their}, this model by {mine}"
    found = []
    if ours.definition != theirs.definition:
        found = [_PARTS.get(part, part) for part in {**ours.parts, **theirs.parts}
                 if ours.parts.get(part) != theirs.parts.get(part)]  # fmt: skip
        changed = [
            f"{package} {theirs.versions.get(package, 'none')} then, "
            f"{ours.versions.get(package, 'none')} now"
            for package in {**ours.versions, **theirs.versions}
            if theirs.versions and ours.versions.get(package) != theirs.versions.get(package)
        ]
        found = [*found, *changed] or ["its definition (a prompt, an option or a library)"]
    if ours.repeats != theirs.repeats:
        found.append(f"judge.repeats {theirs.repeats} then, {ours.repeats} now")
    if ours.number_rule != theirs.number_rule:
        found.append(f"what its verdicts count ({theirs.number_rule} then)")
    return f"the champion was scored by other rules: {'; '.join(found)}" if found else ""


_PARTS = {
    "kind": "another kind of scorer",
    "options": "its options (guidelines, template, levels, metric's arguments)",
    "judge": "the judge's parameters or address, or how often each of a panel was asked",
    "sha256": "the code of its file",
    "function": "the function in its file",
    "prompt": "its prompt",
    "tokenizer": "what counts as a word",
}
