"""What solvers start from and give, and what views can show."""

from __future__ import annotations

from collections.abc import Mapping

from nodes.catalogue import CATALOGUE
from nodes.document import Node
from nodes.shape_rules.base import Reader, Rule, Shape, shape_text
from nodes.spec import Form

__all__ = ["RULES"]


def _solver(shapes: Reader, node: Node) -> Shape | None:
    found = shapes.analysis.variables.get(node.id, frozenset())
    if len(found) != 1:
        return None
    variable = shapes.document.node(next(iter(found)))
    shape = shapes.of.get(variable.id)
    for port, word in (("x0", "the start"), ("truth", "the ground truth")):
        given = shapes.at(node, port)
        if shape is None or given is None or given == shape:
            continue
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: {word} {shapes.name(node, port)} ({shape_text(given)}) must have "
            f"the shape of {variable.name} ({shape_text(shape)}).",
            port=port,
        )
    return shape


def _view(shapes: Reader, node: Node) -> None:
    shape = shapes.at(node, "image")
    if shape is None:
        return
    single = len(shape) in (2, 3) or (len(shape) == 4 and shape[0] == 1)
    channels = 1 if len(shape) < 3 else shape[-3]
    if not single or channels not in (1, 3):
        shapes.fault(
            node,
            "not-a-picture",
            f"{node.name}: {shapes.name(node, 'image')} has shape {shape_text(shape)}, which "
            "is not one grey or colour picture: show something of one or three channels.",
            port="image",
        )


RULES: Mapping[str, Rule] = {
    **{type: _solver for type, spec in CATALOGUE.items() if spec.form is Form.SOLVE},
    "recovered": lambda shapes, node: shapes.at(node, "variable"),
    "view_image": _view,
}
