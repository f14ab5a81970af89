"""What a scanner gives, and terms whose data are measurements."""

from __future__ import annotations

from collections.abc import Mapping

from nodes.document import Node
from nodes.shape_rules.base import Reader, Rule, Shape, broadcasts, shape_text

__all__ = ["RULES"]


def _sampled(shapes: Reader, node: Node, operand: str, mask: str) -> Shape | None:
    """The frequencies of an image, one channel for each coil."""
    shape, frequencies, coils = (shapes.at(node, port) for port in (operand, mask, "coils"))
    if shape is None:
        return None
    name = f"{shapes.name(node, operand)} ({shape_text(shape)})"
    if shapes.analysis.wire(node.id, "coils") is not None:
        if coils is None:
            return None
        fine = len(coils) >= 3 and len(shape) >= 3 and shape[-3] == 1
        if not fine or not broadcasts((*coils[:-3], 1, *coils[-2:]), shape):
            shapes.fault(
                node,
                "shape-mismatch",
                f"{node.name}: the coil maps {shapes.name(node, 'coils')} "
                f"({' × '.join(map(str, coils))}) do not match {name}: give coils × height × "
                "width, and a grey image.",
                port="coils",
            )
            return None
        shape = (*shape[:-3], coils[-3], *shape[-2:])
    if frequencies is not None and not broadcasts(frequencies, shape):
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: the mask {shapes.name(node, mask)} ({shape_text(frequencies)}) does not "
            f"match the frequencies of {name}: use one of the same height and width.",
            port=mask,
        )
        return None
    return shape


def _csmri(shapes: Reader, node: Node) -> None:
    _must_be(shapes, node, "y", _sampled(shapes, node, "input", "mask"))


def _must_be(shapes: Reader, node: Node, port: str, wanted: Shape | None) -> None:
    given = shapes.at(node, port)
    if wanted is None or given is None or broadcasts(given, wanted):
        return
    shapes.fault(
        node,
        "shape-mismatch",
        f"{node.name}: {shapes.name(node, port)} ({shape_text(given)}) must be "
        f"{shape_text(wanted)} for {shapes.name(node, 'input')}.",
        port=port,
    )


def _misr(shapes: Reader, node: Node) -> None:
    shape = shapes.at(node, "input")
    frames = shapes.document.wires_into(node.id, "ys")
    flows = shapes.document.wires_into(node.id, "flows")
    if flows and len(flows) != len(frames):
        shapes.fault(
            node,
            "other-count",
            f"{node.name} has {len(frames)} images and {len(flows)} flows: wire one flow for each "
            "image, or none.",
            port="flows",
        )
    if shape is None:
        return
    factor, kernel = int(shapes.number(node, "factor")), shapes.at(node, "kernel")
    small = kernel is None and min(shape[-2:]) < 2 * factor - 1
    if small or (kernel is not None and (kernel[-2] > shape[-2] or kernel[-1] > shape[-1])):
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: {shapes.name(node, 'input')} ({shape_text(shape)}) is too small for "
            f"{'the factor' if small else shapes.name(node, 'kernel')}: take a smaller one.",
            port="input" if small else "kernel",
        )
    wanted = (*shape[:-2], *(-(-n // factor) for n in shape[-2:]))
    for wires, port, fits, size in (
        (frames, "ys", lambda given: broadcasts(given, wanted), shape_text(wanted)),
        (
            flows,
            "flows",
            lambda given: given[-1:] == (2,) and broadcasts(given[:-1], shape),
            f"{shape[-2]} × {shape[-1]} × 2",
        ),
    ):
        for wire in wires:
            given = shapes.of.get(wire.source)
            if given is not None and not fits(given):
                shapes.fault(
                    node,
                    "shape-mismatch",
                    f"{node.name}: {shapes.document.node(wire.source).name} "
                    f"({' × '.join(map(str, given))}) must be {size}.",
                    port=port,
                )


def _snapshot(shapes: Reader, node: Node) -> None:
    shape, masks, data = (shapes.at(node, port) for port in ("input", "masks", "y"))
    if shape is None:
        return
    name = f"{shapes.name(node, 'input')} ({shape_text(shape)})"
    if len(shape) < 3:
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: {name} has no axis of channels.",
            port="input",
        )
        return
    if masks is not None and not broadcasts(masks, shape):
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: the codes {shapes.name(node, 'masks')} "
            f"({' × '.join(map(str, masks))}) do not match {name}: give one for each channel, "
            f"{shape[-3]} × {shape[-2]} × {shape[-1]}.",
            port="masks",
        )
    wanted = (*shape[:-3], *shape[-2:])
    if data is not None and data != wanted:
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: {shapes.name(node, 'y')} ({' × '.join(map(str, data))}) must be "
            f"{' × '.join(map(str, wanted))}, {name} without its channels.",
            port="y",
        )


RULES: Mapping[str, Rule] = {
    "fourier_sampling": lambda shapes, node: _sampled(shapes, node, "x", "m"),
    "csmri": _csmri,
    "misr": _misr,
    "compress_sensing": _snapshot,
    "phase_ret": lambda shapes, node: _must_be(shapes, node, "y", shapes.at(node, "input")),
    "spi": lambda shapes, node: _must_be(shapes, node, "ones", shapes.at(node, "input")),
}
