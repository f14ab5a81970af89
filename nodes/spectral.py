"""Where pictures are spectra: what lies in the plane of frequencies, zero in the corner."""

from __future__ import annotations

from nodes.analysis import Analysis
from nodes.document import Document
from nodes.flatten import meant
from nodes.spec import PortType

__all__ = ["spectra"]

_MAKES = frozenset({"fft", "fourier_mask", "fourier_sampling"})
#: What leaves every frequency where it is.
_KEEPS = frozenset({
    "add_noise", "mask", "mul_elementwise", "add", "subtract", "scale", "real", "imag", "modulus",
    "view_image",
})  # fmt: skip


def spectra(document: Document) -> frozenset[str]:
    """The nodes, of the graph written out, whose values are arranged by frequency.

    The discrete Fourier transform puts the frequency zero at [0, 0]; on a screen one expects it in
    the middle.
    """
    shown = meant(document)
    found: frozenset[str] = shown.derived("spectra", lambda: _spectra(Analysis.of(shown)))
    return found


def _spectra(analysis: Analysis) -> frozenset[str]:
    found: set[str] = set()
    for node_id in analysis.order:
        spec = analysis.specs.get(node_id)
        if spec is None:
            continue
        if spec.type in _MAKES:
            found.add(node_id)
        elif spec.type in _KEEPS and found:
            # A mask only chooses; what only lends its shape lends no values.
            own = {p.name for p in spec.inputs if p.type != PortType.MASK and p.attribute is None}
            wires = analysis.document.wires_into(node_id)
            if any(wire.source in found and wire.input in own for wire in wires):
                found.add(node_id)
    return frozenset(found)
