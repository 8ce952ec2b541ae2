"""A graph as one SVG file that needs nothing else: light or dark, as its reader's screen is."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as Xml

from pipeline.drawing.graph import Graph, Node
from pipeline.drawing.layout import Layout, Line, Place, lay_out

TITLE_PIXELS, TYPE_PIXELS, LABEL_PIXELS = 14, 12, 12
# of a character in a sans-serif font, as a share of its size: more than most need
CHARACTER = 0.6
BOX_HEIGHT, BOX_PADDING = 58.0, 18.0
STYLE = """
  :root { --page: #ffffff; --box: #f6f8fa; --text: #1f2328; --quiet: #59636e; --line: #6e7781;
          --processing: #0b66c3; --condition: #9a6700; --registermodel: #1a7f37; --fail: #c1272d; }
  @media (prefers-color-scheme: dark) {
    :root { --page: #0d1117; --box: #161b22; --text: #e6edf3; --quiet: #9198a1; --line: #8b949e;
            --processing: #58a6ff; --condition: #d9a520; --registermodel: #3fb950;
            --fail: #ff7b72; }
  }
  text { font-family: system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif;
         text-anchor: middle; dominant-baseline: central; fill: var(--text); }
  .page { fill: var(--page); }
  .node rect { fill: var(--box); stroke: var(--line); stroke-width: 2; }
  .node .title { font-size: 14px; font-weight: 600; }
  .node .type { font-size: 12px; fill: var(--quiet); }
  .Processing rect { stroke: var(--processing); }
  .Condition rect { stroke: var(--condition); }
  .RegisterModel rect { stroke: var(--registermodel); }
  .Fail rect { stroke: var(--fail); }
  .edge path { fill: none; stroke: var(--line); stroke-width: 1.5; }
  .branch path { stroke: var(--condition); stroke-width: 2.5; }
  .order path { stroke-dasharray: 5 4; }
  .edge rect { fill: var(--page); }
  .edge text { font-size: 12px; fill: var(--quiet); }
  .branch text { font-weight: 600; fill: var(--condition); }
  marker path { fill: var(--line); }
  #branch-end path { fill: var(--condition); }
"""


def svg(graph: Graph, name: str) -> str:
    """The picture of the pipeline `name`, ending in a line break."""
    layout = place(graph)
    width, height = f"{layout.width:.0f}", f"{layout.height:.0f}"
    picture = Xml.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": width,
            "height": height,
            "viewBox": f"0 0 {width} {height}",
            "role": "img",
            "aria-labelledby": "name",
        },
    )
    _add(picture, "title", f"The steps of the pipeline {name}", id="name")
    _add(picture, "style", STYLE)
    definitions = _add(picture, "defs")
    for end in ("edge-end", "branch-end"):
        _add(
            _add(definitions, "marker", id=end, viewBox="0 0 10 10", refX="9", refY="5",
                 markerUnits="userSpaceOnUse", markerWidth="10", markerHeight="10", orient="auto"),
            "path",
            d="M0 0 L10 5 L0 10 z",
        )  # fmt: skip
    _add(picture, "rect", **{"class": "page"}, width=width, height=height)
    _draw(picture, graph, layout)
    Xml.indent(picture)
    return Xml.tostring(picture, encoding="unicode") + "\n"


def place(graph: Graph) -> Layout:
    """Where everything goes, by the sizes that its texts will have."""
    return lay_out(graph, _box(graph), {e.label: _label_size(e.label) for e in graph.edges})


def _draw(picture: Xml.Element, graph: Graph, layout: Layout) -> None:
    for line in layout.lines:
        _draw_line(picture, line)
    for line in layout.lines:  # after all lines, so that none crosses a label
        _draw_label(picture, line)
    for node in graph.nodes:
        _draw_node(picture, node, layout.nodes[node.name])


def _draw_line(picture: Xml.Element, line: Line) -> None:
    path = [f"M{line.points[0][0]:.1f} {line.points[0][1]:.1f}"]
    for (x0, y0), (x1, y1) in pairwise(line.points):
        middle = (y0 + y1) / 2
        path.append(f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}")
    end = "branch-end" if line.edge.kind == "branch" else "edge-end"
    group = _add(picture, "g", **{"class": f"edge {line.edge.kind}"})
    _add(group, "path", d=" ".join(path), **{"marker-end": f"url(#{end})"})


def _draw_label(picture: Xml.Element, line: Line) -> None:
    group = _add(picture, "g", **{"class": f"edge {line.edge.kind}"})
    _add_rect(group, line.label, rounding=3)
    _add_text(group, line.edge.label, line.label.x, line.label.y)


def _draw_node(picture: Xml.Element, node: Node, box: Place) -> None:
    group = _add(picture, "g", **{"class": f"node {node.type}"})
    _add(group, "title", f"{node.name}: {node.description}".removesuffix(": "))
    _add_rect(group, box, rounding=8 if node.type == "Processing" else box.height / 2)
    _add_text(group, node.title, box.x, box.y - 10, "title")
    _add_text(group, node.type, box.x, box.y + 11, "type")


def _box(graph: Graph) -> tuple[float, float]:
    """One size for all: wide enough for the longest title."""
    widest = max(
        max(len(node.title) * TITLE_PIXELS, len(node.type) * TYPE_PIXELS) for node in graph.nodes
    )
    return widest * CHARACTER + 2 * BOX_PADDING, BOX_HEIGHT


def _label_size(text: str) -> tuple[float, float]:
    return len(text) * LABEL_PIXELS * CHARACTER + 8, LABEL_PIXELS + 6.0


def _add_rect(parent: Xml.Element, box: Place, rounding: float) -> None:
    numbers = {"x": box.left, "y": box.top, "width": box.width, "height": box.height}
    _add(parent, "rect", **{k: f"{v:.1f}" for k, v in numbers.items()}, rx=f"{rounding:.0f}")


def _add_text(parent: Xml.Element, text: str, x: float, y: float, kind: str = "label") -> None:
    _add(parent, "text", text, x=f"{x:.1f}", y=f"{y:.1f}", **{"class": kind})


def _add(parent: Xml.Element, tag: str, text: str | None = None, **attributes: str) -> Xml.Element:
    element = Xml.SubElement(parent, tag, attributes)
    element.text = text
    return element
