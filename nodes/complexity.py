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
    for node_id in analysis.order:
        spec = analysis.specs.get(node_id)
        if spec is None or not spec.outputs or spec.type in _REAL:
            continue
        values = analysis.values[node_id]
        if spec.form is Form.VARIABLE:
            is_complex = values.get("dtype") == "complex"
        elif spec.form is Form.SOLVE:
            unknowns = analysis.variables.get(node_id, frozenset())
            is_complex = any(unknown in found for unknown in unknowns)
        elif spec.form is Form.RECOVERED:
            variable = analysis.source(node_id, "variable")
            is_complex = variable is not None and variable.id in found
        elif spec.type in _MAKES:
            is_complex = True
        elif spec.type in ("load_array", "load_matrix"):
            read = read_array if spec.type == "load_array" else read_matrix
            is_complex = read(str(values["source"]), base).complex
        elif not found or spec.outputs[0].type in (PortType.TERM, PortType.PROBLEM):
            continue
        else:
            # What only lends its shape lends no values.
            shapes = {port.name for port in spec.inputs if port.attribute is not None}
            is_complex = any(
                wire.source in found and wire.input not in shapes
                for wire in analysis.document.wires_into(node_id)
            )
        if is_complex:
            found.add(node_id)
    return frozenset(found)
