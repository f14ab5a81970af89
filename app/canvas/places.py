"""Where nodes stand: neighbours for the arrow keys, common edges, equal gaps, the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nodes.document import Document

__all__ = ["GRID", "aligned", "neighbour", "snapped", "spread"]

#: The distance of the grid that nodes snap to.
GRID = 12

Place = tuple[float, float]
#: Left, top, width, height.
Box = tuple[float, float, float, float]


def neighbour(document: Document, node: str | None, direction: str) -> str | None:
    """The node that an arrow key leads to.

    Left and right follow wires; up and down go to the nearest node in that direction.

    Args:
        document: the graph.
        node: where one is; None enters the graph at its first node.
        direction: "left", "right", "up" or "down".
    """
    here = document.get(node) if node else None
    if here is None:
        nodes = document.nodes
        return nodes[0].id if nodes else None
    x, y = here.position
    if direction in ("left", "right"):
        ends = (
            [wire.source for wire in document.wires_into(here.id)]
            if direction == "left"
            else [wire.target for wire in document.wires_out_of(here.id)]
        )
        found = [document.node(end) for end in dict.fromkeys(ends) if end in document]
        # The next one, not the one at the same height at the far end of a long wire.
        far = {n.id: abs(n.position[0] - x) + 2 * abs(n.position[1] - y) for n in found}
        return min(far, key=far.__getitem__) if far else None
    sign = -1 if direction == "up" else 1
    beyond = [n for n in document.nodes if sign * (n.position[1] - y) > 0]
    if not beyond:
        return None
    return min(beyond, key=lambda n: 2 * abs(n.position[0] - x) + abs(n.position[1] - y)).id


def aligned(boxes: Mapping[str, Box], edge: str) -> dict[str, Place]:
    """Places in which the boxes share an edge: "left", "right", "top" or "bottom"."""
    if not boxes:
        return {}
    line = {
        "left": min(b[0] for b in boxes.values()),
        "right": max(b[0] + b[2] for b in boxes.values()),
        "top": min(b[1] for b in boxes.values()),
        "bottom": max(b[1] + b[3] for b in boxes.values()),
    }[edge]
    return {
        node: {
            "left": (line, y),
            "right": (line - width, y),
            "top": (x, line),
            "bottom": (x, line - height),
        }[edge]
        for node, (x, y, width, height) in boxes.items()
    }


def spread(boxes: Mapping[str, Box], across: bool) -> dict[str, Place]:
    """Places with equal gaps between the boxes; the outermost stay, unless there is no room."""
    axis = 0 if across else 1
    order: Sequence[str] = sorted(boxes, key=lambda node: boxes[node][axis])
    if len(order) < 2:
        return {node: boxes[node][:2] for node in order}
    first, last = boxes[order[0]], boxes[order[-1]]
    room = last[axis] + last[axis + 2] - first[axis]
    gap = (room - sum(boxes[node][axis + 2] for node in order)) / (len(order) - 1)
    gap = max(gap, float(GRID))
    places: dict[str, Place] = {}
    at = first[axis]
    for node in order:
        x, y, width, height = boxes[node]
        places[node] = (round(at), y) if across else (x, round(at))
        at += (width if across else height) + gap
    return places


def snapped(place: Place) -> Place:
    """The nearest point of the grid."""
    return (round(place[0] / GRID) * GRID, round(place[1] / GRID) * GRID)
