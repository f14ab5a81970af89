"""Laying a graph out from left to right, column by column.

The layered drawing of Sugiyama, Tagawa and Toda (IEEE Trans. SMC 11(2), 1981): a column for each
node by its longest path from the data, then order within columns by the mean of the neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping

from nodes.document import Document

__all__ = ["arrange"]

COLUMN_GAP = 44
ROW_GAP = 24
_SWEEPS = 8


def arrange(
    document: Document, sizes: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """New positions for all nodes, by id.

    Args:
        document: the graph; loops are no obstacle.
        sizes: width and height of each node.
    """
    order = [node.id for node in document.nodes]
    into = {node: _sources(document, node) for node in order}
    layer = _layers(order, into)
    columns: dict[int, list[str]] = {}
    for node in order:
        columns.setdefault(layer[node], []).append(node)
    neighbours = {node: set(into[node]) for node in order}
    for node in order:
        for source in into[node]:
            neighbours[source].add(node)
    stacks = [columns[index] for index in sorted(columns)]
    heights = {node: sizes.get(node, (160.0, 80.0))[1] for node in order}
    middles = _stack(stacks, heights)
    for sweep in range(_SWEEPS):
        for stack in stacks if sweep % 2 == 0 else reversed(stacks):
            wanted = {
                node: sum(middles[n] for n in neighbours[node]) / len(neighbours[node])
                if neighbours[node]
                else middles[node]
                for node in stack
            }
            stack.sort(key=lambda node: wanted[node])
            middles |= _settle(stack, heights, wanted)
    positions: dict[str, tuple[float, float]] = {}
    x = 0.0
    top = min((middles[n] - heights[n] / 2 for n in order), default=0.0)
    for stack in stacks:
        for node in stack:
            positions[node] = (round(x), round(middles[node] - heights[node] / 2 - top))
        x += max(sizes.get(node, (160.0, 80.0))[0] for node in stack) + COLUMN_GAP
    return positions


def _sources(document: Document, node: str) -> list[str]:
    """Where a node's wires come from; a wire that only tells a shape does not push it right."""
    found = []
    spec = document.node(node).spec
    for wire in document.wires_into(node):
        port = spec.input(wire.input) if spec else None
        if wire.source in document and (port is None or port.attribute is None):
            found.append(wire.source)
    return found


def _layers(order: list[str], into: Mapping[str, list[str]]) -> dict[str, int]:
    missing = {node: len(into[node]) for node in order}
    out: dict[str, list[str]] = {node: [] for node in order}
    for node in order:
        for source in into[node]:
            out[source].append(node)
    layer = dict.fromkeys(order, 0)
    ready = [node for node in order if missing[node] == 0]
    sequence: list[str] = []
    while ready:
        node = ready.pop()
        sequence.append(node)
        for target in out[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            missing[target] -= 1
            if missing[target] == 0:
                ready.append(target)
    # Every node moves as far right as its consumers let it: short wires, and no long first column.
    for node in reversed(sequence):
        if out[node]:
            layer[node] = min(layer[target] for target in out[node]) - 1
    if len(sequence) < len(order):  # nodes on a loop go behind the rest
        last = max((layer[n] for n in order if missing[n] == 0), default=-1)
        for node in order:
            if missing[node] > 0:
                layer[node] = last + 1
    return layer


def _stack(stacks: list[list[str]], heights: Mapping[str, float]) -> dict[str, float]:
    middles: dict[str, float] = {}
    for stack in stacks:
        total = sum(heights[node] for node in stack) + ROW_GAP * (len(stack) - 1)
        y = -total / 2
        for node in stack:
            middles[node] = y + heights[node] / 2
            y += heights[node] + ROW_GAP
    return middles


def _settle(
    stack: list[str], heights: Mapping[str, float], wanted: Mapping[str, float]
) -> dict[str, float]:
    """Middles near what is wanted, without overlap: pushed down once, then moved back as one."""
    middles: dict[str, float] = {}
    bottom = float("-inf")
    for node in stack:
        middle = max(wanted[node], bottom + heights[node] / 2)
        middles[node] = middle
        bottom = middle + heights[node] / 2 + ROW_GAP
    shift = sum(wanted[node] - middles[node] for node in stack) / max(1, len(stack))
    return {node: middle + shift for node, middle in middles.items()}
