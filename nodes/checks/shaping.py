"""Shapes that cannot work, and image files that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

from nodes.checks.context import Context, NodeRule
from nodes.commands import SetParameter
from nodes.document import Node
from nodes.imagefiles import sample_names
from nodes.issues import Fix, Issue
from nodes.shapes import ShapeFault

__all__ = ["check_shapes"]


@NodeRule
def check_shapes(context: Context, node: Node) -> Iterator[Issue]:
    """What the inferred shapes say."""
    for fault in context.faults.get(node.id, ()):
        yield context.error(
            fault.node,
            fault.sentence,
            fault.code,
            port=fault.port,
            parameter=fault.parameter,
            fixes=_mend(context, fault),
        )


def _mend(context: Context, fault: ShapeFault) -> tuple[Fix, ...]:
    if fault.parameter is not None and fault.suggestion is not None:
        spec = context.analysis.specs[fault.node]
        parameter = spec.parameter(fault.parameter)
        title = parameter.title if parameter else fault.parameter
        shown = parameter.show(fault.suggestion) if parameter else str(fault.suggestion)
        command = SetParameter(fault.node, fault.parameter, fault.suggestion)
        return (Fix(f"Set {title} to {shown}", command),)
    if fault.code == "bad-image" and sample_names():
        sample = f"sample:{sample_names()[0]}"
        return (Fix(f"Use the photograph {sample}", SetParameter(fault.node, "source", sample)),)
    if fault.code == "kernel-too-large":
        return _shrink(context, fault)
    return ()


def _shrink(context: Context, fault: ShapeFault) -> tuple[Fix, ...]:
    """The largest kernel that fits, where the kernel has a size that can be set."""
    kernel = context.analysis.source(fault.node, "kernel")
    image = next((s for p in ("x", "image") if (s := context.analysis.source(fault.node, p))), None)
    if kernel is None or image is None or kernel.type != "gaussian_psf":
        return ()
    shape = context.shapes.of.get(image.id)
    if shape is None:
        return ()
    side = min(shape[-2:])
    side -= side % 2 == 0
    return (
        Fix(f"Set the size of {kernel.name} to {side} px", SetParameter(kernel.id, "size", side)),
    )
