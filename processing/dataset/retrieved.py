"""The passages that an endpoint has retrieved for its answer, in whatever form it returns them.

Read are texts, and objects with their text under one of TEXT_KEYS: LangChain's `page_content`,
Bedrock's `{"content": {"text": ...}}`, Azure's citations, Haystack's and LlamaIndex's documents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from processing.base.clean_text import has_text
from processing.dataset.passages import listed_passages

TEXT_KEYS = ("text", "page_content", "content", "passage", "chunk", "snippet", "document", "node")
"""The first of them that an object has; its value is a text, or again such an object."""

MOST_PASSAGES = 200
"""More is no retrieval, and some judges are asked about each."""

LONGEST_METADATA = 1_000
"""Characters of a value."""

_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Passage:
    """`metadata`: what else the endpoint says of it: a title, a score, where it is from."""

    text: str
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    def entry(self) -> dict[str, Any]:
        """As it stands in `dataset.jsonl` and `rows.jsonl`."""
        return {"text": self.text, **({"metadata": dict(self.metadata)} if self.metadata else {})}


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was retrieved. `problem`: why there is no passage to judge against, where none is."""

    passages: tuple[Passage, ...] = ()
    problem: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(passage.text for passage in self.passages)

    def mapped(
        self, change: Callable[[str], str], beside: Callable[[Any], Any] = lambda metadata: metadata
    ) -> Retrieved:
        """With each text changed, and each passage's metadata by `beside`."""
        passages = (Passage(change(each.text), beside(each.metadata)) for each in self.passages)
        return Retrieved(tuple(passages), change(self.problem) if self.problem else "")

    def entry(self) -> dict[str, Any]:
        """As it stands in `dataset.jsonl` and `rows.jsonl`."""
        told: dict[str, Any] = {"passages": [passage.entry() for passage in self.passages]}
        return told | ({"problem": self.problem} if self.problem else {})


def retrieved_of(entry: Mapping[str, Any] | None) -> Retrieved | None:
    """What an entry holds. Raises KeyError or TypeError for what is none."""
    if entry is None:
        return None
    passages = tuple(Passage(**each) for each in entry["passages"])
    return Retrieved(passages, entry.get("problem", ""))


def retrieved_in(found: Any, where: str) -> Retrieved:
    """The passages in what the endpoint has returned, or a dataset's cell, which `where` names."""
    if isinstance(found, str):
        found = _of_cell(found)
    if found is None or found == "":
        return Retrieved(problem=f"{where} has no passages")
    listed = found if isinstance(found, list) else [found]
    if len(listed) > MOST_PASSAGES:
        return Retrieved(problem=f"{where} has {len(listed)} passages, more than {MOST_PASSAGES}")
    passages = []
    for number, each in enumerate(listed, 1):
        text = _text(each, _DEEPEST)
        if text is None:
            return Retrieved(
                problem=f"passage {number} of {where} is {_shown(each)}, which is neither a text "
                f"nor an object with {', '.join(TEXT_KEYS[:-1])} or {TEXT_KEYS[-1]}"
            )
        if has_text(text):
            passages.append(Passage(text.strip(), dict(_metadata(each))))
    return Retrieved(tuple(passages), "" if passages else f"{where} has no passages")


def _of_cell(text: str) -> Any:
    """A list that became text in a CSV, of texts or of objects; else the text, one passage."""
    listed: Sequence[Any] | None = listed_passages(text)
    if listed is not None:
        return list(listed)
    if text.lstrip()[:2].replace(" ", "") in ("[{", "{", '{"'):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass
    return text


def _text(found: Any, left: int) -> str | None:
    if isinstance(found, str):
        return found
    if not isinstance(found, dict) or not left:
        return None
    key = next((key for key in TEXT_KEYS if found.get(key) is not None), None)
    return None if key is None else _text(found[key], left - 1)


def _metadata(found: Any) -> Iterator[tuple[str, str | int | float | bool]]:
    """The passage's own scalars, and those in its `metadata`; no text of its own."""
    if not isinstance(found, dict):
        return
    inner = found.get("metadata")
    for values in (found, inner if isinstance(inner, dict) else {}):
        for key, value in values.items():
            if isinstance(value, str) and (values is inner or key not in TEXT_KEYS):
                yield str(key), value[:LONGEST_METADATA]
            elif isinstance(value, bool | int | float):
                yield str(key), value


def _shown(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)[:80]
    except (TypeError, ValueError, RecursionError):
        return f"a {type(value).__name__}"
