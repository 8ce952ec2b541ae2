"""A pipeline definition (JSON, 2020-12-01) as nodes and edges: what runs, and what it waits for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.definition.document import gets, walk

EdgeKind = Literal["data", "branch", "order"]
BRANCHES = {"IfSteps": "yes", "ElseSteps": "no"}


@dataclass(frozen=True)
class Node:
    """A step. `title` is its display name, or else its name."""

    name: str
    type: str
    title: str
    description: str


@dataclass(frozen=True)
class Edge:
    """`target` waits for `source`: reads from it, is in its branch, or just comes after it.

    `label` is the output or property file that is read, the branch's answer, or "then".
    """

    source: str
    target: str
    kind: EdgeKind
    label: str


@dataclass(frozen=True)
class Graph:
    """Steps in the definition's order, those in the branches of conditions included."""

    nodes: list[Node]
    edges: list[Edge]


def read_graph(definition: str) -> Graph:
    """The steps of a definition (JSON text) and what ties them together."""
    steps = {step["Name"]: step for step in walk(json.loads(definition)["Steps"])}
    nodes = [
        Node(name, step["Type"], step.get("DisplayName") or name, step.get("Description", ""))
        for name, step in steps.items()
    ]
    edges = [edge for step in steps.values() for edge in _edges(step, steps)]
    return Graph(nodes, list(dict.fromkeys(edges)))


def _edges(step: dict[str, Any], steps: dict[str, dict[str, Any]]) -> Iterator[Edge]:
    """What comes in by data and by order, and what goes out by the branches of a condition."""
    name, read = step["Name"], list(_data_edges(step, steps))
    yield from read
    sources = {edge.source for edge in read}
    for entry in step.get("DependsOn", []):
        source = entry["Step"] if isinstance(entry, dict) else entry
        if source not in sources:
            yield Edge(source, name, "order", "then")
    for branch, answer in BRANCHES.items():
        for inside in step["Arguments"].get(branch, []):
            yield Edge(name, inside["Name"], "branch", answer)


def _data_edges(step: dict[str, Any], steps: dict[str, dict[str, Any]]) -> Iterator[Edge]:
    own = {key: value for key, value in step["Arguments"].items() if key not in BRANCHES}
    for reference in gets(own):
        kind, _, rest = reference.partition(".")
        if kind == "Steps":
            source, _, path = rest.partition(".")
            yield Edge(source, step["Name"], "data", _what_is_read(steps[source], path))


def _what_is_read(step: dict[str, Any], path: str) -> str:
    """An output's name, a property file's own file name, or else the property's."""
    if output := re.search(r"Outputs\['([^']+)'\]", path):
        return output[1]
    files = {file["PropertyFileName"]: file["FilePath"] for file in step.get("PropertyFiles", [])}
    last = path.rpartition(".")[2]
    return str(files.get(last, last))
