"""Complex values where only real ones have a meaning."""

from __future__ import annotations

from collections.abc import Iterator

from nodes.checks.context import Context, NodeRule
from nodes.commands import SetParameter
from nodes.document import Node
from nodes.issues import Fix, Issue
from nodes.spec import Form, NodeSpec, PortType

__all__ = ["check_complex_values"]

# Functions that compare numbers, or know pictures only.
_REAL_TERMS = frozenset(
    {
        *("poisson", "maximum", "quantile", "entropy", "simplex", "nonneg", "box", "halfspace"),
        *("hinge", "logistic", "linear", "spi", "deep_prior", "unrolled_prior"),
        *("affine_set", "limits"),
    }
)
# Data inputs that never take complex values.
_REAL_PORTS = frozenset(
    {
        *(("denoise", "image"), ("warp", "flow"), ("homography", "H"), ("linear", "c")),
        *(("poisson", "y"), ("spi", "ones"), ("phase_ret", "y"), ("misr", "flows")),
        *(("quad_form", "P"), ("weighted_norm1", "weights"), ("weighted_sum_squares", "weights")),
        *(("hinge", "y"), ("logistic", "y"), ("halfspace", "a")),
        *(("affine_set", "A"), ("affine_set", "b"), ("limits", "lower"), ("limits", "upper")),
    }
)


@NodeRule
def check_complex_values(context: Context, node: Node) -> Iterator[Issue]:
    """Complex values in terms, operators and solvers that take real ones."""
    found = context.complex
    spec = context.analysis.specs.get(node.id)
    if found and spec is not None and node.id not in context.analysis.incomplete:
        wires = [w for w in context.document.wires_into(node.id) if w.source in found]
        for wire in wires:
            source = context.document.node(wire.source)
            why = _why_not(context, node, spec, wire.input)
            if why:
                yield context.error(
                    node.id,
                    f"{node.name}: {source.name} is complex, and {why}.",
                    "complex-values",
                    port=wire.input,
                    fixes=_mend(context, node, wire.input),
                )


def _why_not(context: Context, node: Node, spec: NodeSpec, port: str) -> str:
    """Why an input takes no complex values, as the end of a sentence; empty if it does."""
    if spec.form is Form.SOLVE:
        if port == "x0" and node.id not in context.complex:
            return "what is solved for is real: start from its Real part"
        return ""
    if (spec.type, port) in _REAL_PORTS or (spec.type in _REAL_TERMS and port == "input"):
        return "only real values have a meaning here: put a Real part node in between"
    if spec.outputs and spec.outputs[0].type is PortType.TERM and port != "input":
        # A mask, coils and a kernel act on the expression; anything else is compared with it.
        acting = ("mask", "coils", "kernel", "masks")
        argument = context.analysis.source(node.id, "input")
        compared = port not in acting and spec.type != "csmri" and argument is not None
        if compared and argument is not None and argument.id not in context.complex:
            return f"{argument.name} is real: compare it with the Real part"
        if spec.type in ("sisr", "misr", "compress_sensing") and port in acting:
            return "only real values have a meaning here: put a Real part node in between"
    return ""


def _mend(context: Context, node: Node, port: str) -> tuple[Fix, ...]:
    """A complex unknown made real, where that is what is in the way."""
    source = context.analysis.source(node.id, port)
    if source is None or source.type != "variable":
        return ()
    return (Fix(f"Make {source.name} real", SetParameter(source.id, "dtype", "real")),)
