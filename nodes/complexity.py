"""Where values are complex: what gives them, what takes them, and what makes them real again."""

from __future__ import annotations

from pathlib import Path

from nodes.analysis import Analysis
from nodes.arrayfiles import read_array, read_matrix
from nodes.spec import Form, PortType

__all__ = ["complex_nodes"]

_MAKES = frozenset({"fft", "ifft", "fourier_sampling", "coil_maps"})
_REAL = frozenset({"real", "imag", "modulus", "denoise"})


def complex_nodes(analysis: Analysis, base: Path | None = None) -> frozenset[str]:
    """The nodes whose values are complex, as far as a graph tells."""
    found: set[str] = set()
    mine = base == analysis.base  # what is kept holds for the document's own folder
    for node_id in analysis.order:
        facts = analysis.cones[node_id].facts if mine else {}
        known = facts.get("complex")
        if known is None:
            known = facts["complex"] = _is_complex(analysis, base, node_id, found)
        if known:
            found.add(node_id)
    return frozenset(found)


def _is_complex(analysis: Analysis, base: Path | None, node_id: str, found: set[str]) -> bool:
    """Whether a node's values are complex, where those of the nodes before it are known."""
    spec = analysis.specs.get(node_id)
    if spec is None or not spec.outputs or spec.type in _REAL:
        return False
    values = analysis.values[node_id]
    if spec.form is Form.VARIABLE:
        return values.get("dtype") == "complex"
    if spec.form is Form.SOLVE:
        return any(unknown in found for unknown in analysis.variables.get(node_id, frozenset()))
    if spec.form is Form.RECOVERED:
        variable = analysis.source(node_id, "variable")
        return variable is not None and variable.id in found
    if spec.type in _MAKES:
        return True
    if spec.type in ("load_array", "load_matrix"):
        read = read_array if spec.type == "load_array" else read_matrix
        return read(str(values["source"]), base).complex
    if not found or spec.outputs[0].type in (PortType.TERM, PortType.PROBLEM):
        return False
    # What only lends its shape lends no values.
    shapes = {port.name for port in spec.inputs if port.attribute is not None}
    return any(
        wire.source in found and wire.input not in shapes
        for wire in analysis.document.wires_into(node_id)
    )
