"""A graph as Mermaid's flowchart text, which GitHub and GitLab draw."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.drawing.graph import Edge, EdgeKind, Graph, Node

ARROWS: dict[EdgeKind, str] = {"data": "-->", "branch": "==>", "order": "-.->"}
SHAPES = {"Condition": ("{{", "}}"), "RegisterModel": ("([", "])"), "Fail": ("([", "])")}
# Only borders have a colour, so that the text keeps that of a light or a dark page.
BORDERS = {
    "Processing": "#4c7bd0",
    "Condition": "#b8860b",
    "RegisterModel": "#2e9e5b",
    "Fail": "#d1495b",
}


def mermaid(graph: Graph) -> str:
    """Flowchart text, one line for each node and edge, ending in a line break."""
    return "\n".join(["flowchart TD", *_lines(graph)]) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield from (f"    {_node(node)}" for node in graph.nodes)
    yield from (f"    {_edge(edge)}" for edge in graph.edges)
    for type_, colour in BORDERS.items():
        names = [node.name for node in graph.nodes if node.type == type_]
        if names:
            yield f"    classDef {type_} stroke:{colour},stroke-width:2px"
            yield f"    class {','.join(names)} {type_}"


def _node(node: Node) -> str:
    opening, closing = SHAPES.get(node.type, ("[", "]"))
    return f'{node.name}{opening}"<b>{_text(node.title)}</b><br>{_text(node.type)}"{closing}'


def _edge(edge: Edge) -> str:
    return f'{edge.source} {ARROWS[edge.kind]}|"{_text(edge.label)}"| {edge.target}'


def _text(text: str) -> str:
    """Mermaid's own escapes: in a quoted label a `"` would end it, and `<` would be HTML."""
    for character, name in {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;"}.items():
        text = text.replace(character, name)
    return text
