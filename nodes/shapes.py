"""The shapes of everything in a graph, inferred from image headers and parameters."""

from __future__ import annotations

from pathlib import Path

from nodes.analysis import Analysis
from nodes.document import Node
from nodes.shape_rules import RULES
from nodes.shape_rules.base import Reader, Shape, ShapeFault, shape_text
from nodes.spec import NodeSpec, PortType

__all__ = ["Shape", "ShapeFault", "Shapes", "shape_text"]

# What works on values one by one, or names its axes itself; anything else works on planes.
_ANY_SHAPE = frozenset(
    {
        *("add", "subtract", "scale", "mask", "mul_elementwise", "add_noise", "variable", "grad"),
        *("reshape", "permute", "index", "sum_over", "broadcast_to", "vstack", "split", "matrix"),
        *("view_image", "real", "imag", "modulus", "recovered"),
    }
)
_PLANE_TERMS = frozenset(
    {"sisr", "misr", "csmri", "compress_sensing", "deep_prior", "unrolled_prior", "nuclear_norm"}
)
# Their rules say themselves how many axes they take; an optimum is shown whatever its shape.
_NUMBERS = (PortType.ARRAY, PortType.MATRIX, PortType.MASK, PortType.OPTIMUM)


class Shapes(Reader):
    """Shapes of the outputs of a graph, and the faults met on the way.

    Unknown stays unknown: a node whose inputs are open has no shape and no fault.
    """

    def __init__(self, analysis: Analysis, base: Path | None = None) -> None:
        super().__init__(analysis, base)
        mine = base == analysis.base  # what is kept holds for the document's own folder
        for node_id in analysis.order:
            cone = analysis.cones[node_id] if mine else None
            known = cone.facts.get("shape") if cone is not None else None
            if known is None:
                faults = len(self.faults)
                known = (self._shape(node_id), tuple(self.faults[faults:]))
                if cone is not None:
                    cone.facts["shape"] = known
            else:
                self.faults += known[1]
            if known[0] is not None:
                self.of[node_id] = known[0]

    def _shape(self, node_id: str) -> Shape | None:
        analysis, node = self.analysis, self.document.node(node_id)
        spec, rule = analysis.specs.get(node_id), RULES.get(node.type)
        if spec is None:
            return None
        values = analysis.values[node_id]
        if any(p.validate(values[p.name]) for p in spec.parameters):
            return None  # the value is complained about elsewhere; no shape follows from it
        if self._is_flat(node, spec) or rule is None:
            return None
        shape = rule(self, node)
        return shape if spec.outputs else None

    def _is_flat(self, node: Node, spec: NodeSpec) -> bool:
        """Whether something without height and width is wired where both are needed."""
        of_values = spec.category in ("penalties", "constraints", "solvers")
        if node.type in _ANY_SHAPE or (of_values and node.type not in _PLANE_TERMS):
            return False
        for port in spec.inputs:
            shape = None if port.type in _NUMBERS else self.at(node, port.name)
            if shape is not None and len(shape) < 2:
                self.fault(
                    node,
                    "shape-mismatch",
                    f"{node.name}: {self.name(node, port.name)} ({shape_text(shape)}) has no "
                    "height and width: give it two axes with a Reshape node.",
                    port=port.name,
                )
                return True
        return False
