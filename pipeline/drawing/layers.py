"""A graph in layers, from top to bottom: who stands in which, in what order, how far right.

After Sugiyama. Written here because of what there is on PyPI: grandalf does the same, but is GPL or
EPL, and brings a parser; networkx places nodes in layers without regard to crossings, labels or
edges; graphviz, igraph and Mermaid bring a program, a C library, a browser. A pipeline has at most
50 steps, and ours has six to eight.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise

from pipeline.drawing.graph import Edge, Graph

SWEEPS = 12


@dataclass(frozen=True)
class Spot:
    """What takes room in a layer: a node, or an edge (by its index) on its way through."""

    layer: int
    node: str = ""
    edge: int = -1


@dataclass(frozen=True)
class Layers:
    """`chains` has the spots of each edge, from its source to its target."""

    rows: list[list[Spot]]
    chains: list[list[Spot]]


def read_layers(graph: Graph) -> Layers:
    """An edge over several layers gets a spot in each of those between."""
    layer = _layer_by_node(graph)
    chains = [_chain(index, edge, layer) for index, edge in enumerate(graph.edges)]
    rows: list[list[Spot]] = [[] for _ in range(max(layer.values()) + 1)]
    for node in graph.nodes:
        rows[layer[node.name]].append(Spot(layer[node.name], node.name))
    for chain in chains:
        for spot in chain[1:-1]:
            rows[spot.layer].append(spot)
    return Layers(rows, chains)


def centres(layers: Layers, widths: Mapping[Spot, float], gap: float) -> dict[Spot, float]:
    """The x of every spot: as near as possible to what it is tied to, `gap` pixels apart.

    The order within a layer is that of the neighbours' mean, swept down and up until it rests,
    which keeps crossings few.
    """
    tied: dict[Spot, list[Spot]] = {spot: [] for row in layers.rows for spot in row}
    for chain in layers.chains:
        for one, other in pairwise(chain):
            tied[one].append(other)
            tied[other].append(one)
    found: dict[Spot, float] = {}
    for row in layers.rows:
        found |= zip(row, spread([0.0] * len(row), [widths[s] for s in row], gap), strict=True)
    for sweep in range(SWEEPS):
        for row in layers.rows if sweep % 2 == 0 else reversed(layers.rows):
            wanted = {spot: _mean([found[o] for o in tied[spot]], found[spot]) for spot in row}
            row.sort(key=wanted.__getitem__)
            places = spread([wanted[s] for s in row], [widths[s] for s in row], gap)
            found |= zip(row, places, strict=True)
    return found


def spread(wanted: Sequence[float], widths: Sequence[float], gap: float) -> list[float]:
    """The centres nearest to `wanted`, in least squares, that keep their order and `gap`.

    Pool adjacent violators, on what is left of each when the least distances are taken away.
    """
    offsets = [0.0]
    for one, other in pairwise(widths):
        offsets.append(offsets[-1] + (one + other) / 2 + gap)
    pools: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        pools.append((want - offset, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, n), (other, m) = pools[-2:]
            pools[-2:] = [((one * n + other * m) / (n + m), n + m)]
    level = [value for value, count in pools for _ in range(count)]
    return [value + offset for value, offset in zip(level, offsets, strict=True)]


def _layer_by_node(graph: Graph) -> dict[str, int]:
    """Each node one layer below the last of those it waits for."""
    sorter: TopologicalSorter[str] = TopologicalSorter({node.name: () for node in graph.nodes})
    for edge in graph.edges:
        sorter.add(edge.target, edge.source)
    sorter.prepare()
    found: dict[str, int] = {}
    depth = 0
    while sorter.is_active():
        ready = sorter.get_ready()
        found |= dict.fromkeys(ready, depth)
        sorter.done(*ready)
        depth += 1
    return found


def _chain(index: int, edge: Edge, layer: Mapping[str, int]) -> list[Spot]:
    first, last = layer[edge.source], layer[edge.target]
    between = [Spot(number, edge=index) for number in range(first + 1, last)]
    return [Spot(first, edge.source), *between, Spot(last, edge.target)]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return math.fsum(values) / len(values) if values else otherwise
