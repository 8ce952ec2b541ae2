"""Where the boxes, arrows and labels of a graph go, in pixels from the top left corner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.drawing.graph import Edge, Graph
from pipeline.drawing.layers import Layers, Spot, centres, read_layers

GAP_X, GAP_Y = 28.0, 72.0
Point = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """A box or a label: its centre and size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def top(self) -> float:
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height / 2

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2

    def overlaps(self, other: Place) -> bool:
        return (
            abs(self.x - other.x) < (self.width + other.width) / 2
            and abs(self.y - other.y) < (self.height + other.height) / 2
        )


@dataclass(frozen=True)
class Line:
    """An edge: a curve through `points`, vertical at each, with a label on it."""

    edge: Edge
    points: list[Point]
    label: Place


@dataclass(frozen=True)
class Layout:
    width: float
    height: float
    nodes: dict[str, Place]
    lines: list[Line]


def lay_out(graph: Graph, box: Point, label_size: Mapping[str, Point]) -> Layout:
    """Places for boxes of the one size `box`, and for labels, whose sizes are by their text."""
    layers = read_layers(graph)
    widths = {
        spot: box[0] if spot.node else label_size[graph.edges[spot.edge].label][0]
        for row in layers.rows
        for spot in row
    }
    xs = centres(layers, widths, GAP_X)
    left = min(x - widths[spot] / 2 for spot, x in xs.items()) - GAP_X
    right = max(x + widths[spot] / 2 for spot, x in xs.items()) + GAP_X
    places = {
        spot: Place(x - left, GAP_X + spot.layer * (box[1] + GAP_Y) + box[1] / 2,
                    widths[spot], box[1])
        for spot, x in xs.items()
    }  # fmt: skip
    bottom = max(place.bottom for place in places.values())
    return Layout(
        width=right - left,
        height=bottom + GAP_X,
        nodes={spot.node: place for spot, place in places.items() if spot.node},
        lines=_lines(graph, layers, places, label_size),
    )


def curve(start: Point, end: Point, t: float) -> Point:
    """The point at `t` (0 to 1) of the Bezier curve that is vertical at both ends."""
    (x0, y0), (x1, y1) = start, end
    middle = (y0 + y1) / 2
    x = x0 + (x1 - x0) * (3 * t**2 - 2 * t**3)
    y = y0 * (1 - t) ** 3 + 3 * middle * t * (1 - t) + y1 * t**3
    return x, y


def _lines(
    graph: Graph,
    layers: Layers,
    places: Mapping[Spot, Place],
    label_size: Mapping[str, Point],
) -> list[Line]:
    leaving = _ports(layers.chains, places, down=True)
    arriving = _ports(layers.chains, places, down=False)
    ways: list[list[Point]] = []
    for index, chain in enumerate(layers.chains):
        through = [places[spot] for spot in chain[1:-1]]
        ways.append(
            [
                (leaving[index], places[chain[0]].bottom),
                *(point for p in through for point in ((p.x, p.top), (p.x, p.bottom))),
                (arriving[index], places[chain[-1]].top),
            ]
        )
    lines: list[Line] = []
    for edge, way in zip(graph.edges, ways, strict=True):
        others = [point for other in ways if other is not way for point in _along(other)]
        taken = [line.label for line in lines]
        lines.append(Line(edge, way, _label(way, label_size[edge.label], others, taken)))
    return lines


def _ports(
    chains: Sequence[Sequence[Spot]], places: Mapping[Spot, Place], *, down: bool
) -> dict[int, float]:
    """By edge, the x at which it leaves its box, or arrives: side by side, in order."""
    at_box: dict[Spot, list[int]] = {}
    for index, chain in enumerate(chains):
        at_box.setdefault(chain[0 if down else -1], []).append(index)
    found = {}
    for box, indices in at_box.items():
        indices.sort(key=lambda index: places[chains[index][1 if down else -2]].x)
        step = places[box].width / (len(indices) + 1)
        for number, index in enumerate(indices, start=1):
            found[index] = places[box].left + number * step
    return found


def _along(way: Sequence[Point]) -> list[Point]:
    return [curve(start, end, t / 24) for start, end in pairwise(way) for t in range(25)]


def _label(
    way: Sequence[Point], size: Point, others: Sequence[Point], taken: Sequence[Place]
) -> Place:
    """In a gap, or in the first layer that the way passes through: where it hides least."""
    start, end = way[:2] if len(way) == 2 else way[1:3]
    tried = [Place(*curve(start, end, t), *size) for t in (0.5, 0.6, 0.4, 0.66, 0.34, 0.72, 0.28)]
    points = [Place(*point, 4, 4) for point in others]
    hidden = [sum(place.overlaps(other) for other in [*points, *taken]) for place in tried]
    return tried[hidden.index(min(hidden))]
