"""Places for nodes: columns from left to right in the direction of the wires."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from statistics import fmean

from nodes.analysis import Analysis
from nodes.document import Document
from nodes.spec import PortType

__all__ = ["COLUMN", "arrange", "places"]

# A node is about 200 wide; the rest of a column is room for its wires.
COLUMN = 270
_PLAIN, _PICTURED, _GAP = 90, 190, 40
_PICTURES = (PortType.IMAGE, PortType.KERNEL, PortType.MASK, PortType.SOLUTION)
_SWEEPS = 8


def arrange(document: Document) -> None:
    """Give every node of a document nobody else holds yet its place."""
    for node_id, position in places(document).items():
        document.replace_node(replace(document.node(node_id), position=position))


def places(document: Document) -> Mapping[str, tuple[float, float]]:
    """A place for every node: no two overlap, and wires run from left to right.

    The columns follow the longest way from a source; inside a column nodes stand in the order
    of the nodes they are wired to (the barycentre method of Sugiyama, Tagawa and Toda, IEEE
    Trans. Systems, Man and Cybernetics 11, 1981).

    Returns:
        node id → position, for ``MoveNodes``.
    """
    analysis = Analysis(document)
    layer: dict[str, int] = {}
    for node_id in analysis.order:
        wires = document.wires_into(node_id)
        layer[node_id] = 1 + max((layer.get(w.source, -1) for w in wires), default=-1)
    for node_id in reversed(analysis.order):
        # A source stands next to the first node that needs it.
        if not document.wires_into(node_id):
            after = [layer[w.target] for w in document.wires_out_of(node_id) if w.target in layer]
            layer[node_id] = max(0, min(after) - 1) if after else 0
    for node in document.nodes:
        layer.setdefault(node.id, 0)
    columns: list[list[str]] = [[] for _ in range(1 + max(layer.values(), default=0))]
    for node in document.nodes:
        columns[layer[node.id]].append(node.id)
    height = {node.id: _height(analysis, node.id) for node in document.nodes}
    middle: dict[str, float] = {}
    for column in columns:
        _stack(column, height, middle, {})
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wished = {node_id: _wish(document, node_id, middle) for node_id in column}
            column.sort(key=lambda node_id: (wished[node_id], middle[node_id]))
            _stack(column, height, middle, wished)
    top = min((middle[n] - height[n] / 2 for n in middle), default=0.0)
    return {
        node_id: (
            float(COLUMN * layer[node_id]),
            round(middle[node_id] - height[node_id] / 2 - top),
        )
        for node_id in middle
    }


def _height(analysis: Analysis, node_id: str) -> float:
    spec = analysis.specs.get(node_id)
    ports = max(len(spec.inputs), len(spec.outputs)) if spec else 1
    shown = spec is not None and (
        spec.category == "views" or any(port.type in _PICTURES for port in spec.outputs)
    )
    return (_PICTURED if shown else _PLAIN) + 20 * ports


def _wish(document: Document, node_id: str, middle: Mapping[str, float]) -> float:
    """Where a node would stand if it were alone: in the middle of its neighbours."""
    around = [middle[w.source] for w in document.wires_into(node_id) if w.source in middle]
    around += [middle[w.target] for w in document.wires_out_of(node_id) if w.target in middle]
    return fmean(around) if around else middle[node_id]


def _stack(
    column: list[str],
    height: Mapping[str, float],
    middle: dict[str, float],
    wished: Mapping[str, float],
) -> None:
    """Place a column from top to bottom, in order, without overlaps, around where it wishes."""
    position = 0.0
    placed: dict[str, float] = {}
    for node_id in column:
        placed[node_id] = position + height[node_id] / 2
        position += height[node_id] + _GAP
    shift = fmean(wished.get(n, placed[n]) - placed[n] for n in column) if column else 0.0
    for node_id in column:
        middle[node_id] = placed[node_id] + shift
