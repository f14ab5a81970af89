"""The shapes of everything in a graph, inferred from image headers and parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nodes.analysis import Analysis
from nodes.document import Node
from nodes.imagefiles import MAX_PIXELS, MAX_PIXELS_SCALED, read_header, scaled
from nodes.operator_shapes import RULES, Refusal
from nodes.spec import Form

__all__ = ["Shape", "ShapeFault", "Shapes", "shape_text"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class ShapeFault:
    """Something whose shapes cannot work.

    Attributes:
        node: where it goes wrong.
        sentence: what is wrong and what to do.
        code: a stable name of the kind of fault.
        port, parameter: where on the node.
        suggestion: a value of the parameter that would be right, if one can be named.
    """

    node: str
    sentence: str
    code: str
    port: str | None = None
    parameter: str | None = None
    suggestion: int | str | None = None


def shape_text(shape: Shape) -> str:
    """A shape as a person reads it: height × width, and channels where there are several."""
    if len(shape) == 2:
        return f"{shape[0]} × {shape[1]}"
    if len(shape) == 4 and shape[0] == 1:
        size = f"{shape[2]} × {shape[3]}"
        return size if shape[1] == 1 else f"{size} × {shape[1]}"
    return " × ".join(str(extent) for extent in shape)


class Shapes:
    """Shapes of the outputs of a graph, and the faults met on the way.

    Unknown stays unknown: a node whose inputs are open has no shape and no fault.

    Attributes:
        of: node id → shape of what it gives, where that is known.
        faults: in the order in which the nodes are reached.
    """

    def __init__(self, analysis: Analysis, base: Path | None = None) -> None:
        self.analysis = analysis
        self.document = analysis.document
        self.base = base
        self.of: dict[str, Shape] = {}
        self.faults: list[ShapeFault] = []
        self._rules: Mapping[str, Callable[[Node], Shape | None]] = {
            "load_image": self._load_image,
            "gaussian_psf": lambda node: _square(self._number(node, "size")),
            "motion_psf": self._motion_psf,
            "disk_psf": self._disk_psf,
            "blur": lambda node: self._convolved(node, "image"),
            "conv": lambda node: self._convolved(node, "x"),
            "add_noise": lambda node: self._at(node, "image"),
            "denoise": lambda node: self._denoised(node, "image", "denoiser"),
            "deep_prior": lambda node: self._denoised(node, "input", "denoiser"),
            "unrolled_prior": lambda node: self._denoised(node, "input", "network"),
            "random_mask": self._random_mask,
            "variable": lambda node: self._at(node, "like"),
            "conv_doe": lambda node: self._convolved(node, "x", "psf"),
            "downsample": self._downsample,
            "mask": lambda node: self._weighted(node, "m"),
            "mul_elementwise": lambda node: self._weighted(node, "w"),
            "mosaic": self._mosaic,
            "add": self._sum,
            "subtract": self._sum,
            "scale": lambda node: self._at(node, "x"),
            "sum_squares": lambda node: self._compared(node, "target"),
            "poisson": lambda node: self._compared(node, "y"),
            "sisr": self._sisr,
            "noise_ball": lambda node: self._compared(node, "b"),
            "group_norm1": self._group_norm1,
            "view_image": self._view,
        }
        for node_id in analysis.order:
            node = self.document.node(node_id)
            spec = analysis.specs.get(node_id)
            rule = self._rules.get(node.type) if spec else None
            if spec is not None and spec.form is Form.SOLVE:
                rule = self._solver
            if rule is None and node.type in RULES:
                rule = self._operator
            if rule is None or spec is None:
                continue
            values = analysis.values[node_id]
            if any(p.validate(values[p.name]) for p in spec.parameters):
                # The value is complained about elsewhere; no shape follows from it.
                continue
            shape = rule(node)
            if shape is not None and spec.outputs:
                self.of[node_id] = shape

    def _fault(
        self,
        node: Node,
        code: str,
        sentence: str,
        port: str | None = None,
        parameter: str | None = None,
        suggestion: int | str | None = None,
    ) -> None:
        self.faults.append(ShapeFault(node.id, sentence, code, port, parameter, suggestion))

    def _number(self, node: Node, parameter: str) -> float:
        value = self.analysis.values[node.id][parameter]
        assert isinstance(value, int | float)
        return value

    def _at(self, node: Node, port: str) -> Shape | None:
        source = self.analysis.source(node.id, port)
        return self.of.get(source.id) if source else None

    def _name(self, node: Node, port: str) -> str:
        source = self.analysis.source(node.id, port)
        return source.name if source else "nothing"

    def _load_image(self, node: Node) -> Shape | None:
        values = self.analysis.values[node.id]
        size = values["size"]
        header = read_header(str(values["source"]), self.base)
        if header.problem:
            self._fault(node, "bad-image", f"{node.name}: {header.problem}.", parameter="source")
            return None
        limit = MAX_PIXELS if size is None else MAX_PIXELS_SCALED
        pixels = header.height * header.width
        if pixels > limit:
            advice = (
                "set its longest side (such as 1024), so that it is scaled down"
                if size is None and pixels <= MAX_PIXELS_SCALED
                else "scale the file down first"
            )
            self._fault(
                node,
                "huge-image",
                f"{node.name}: the image is {header.width} × {header.height} pixels, more than "
                f"the {limit // 10**6} megapixels that are read at once: {advice}.",
                parameter="size",
                suggestion=1024 if size is None and pixels <= MAX_PIXELS_SCALED else None,
            )
            return None
        assert size is None or isinstance(size, int | float)
        height, width = scaled(header.height, header.width, None if size is None else int(size))
        channels = header.channels
        if values["colour"] == "grey" and channels == 3:
            channels = 1
        elif values["colour"] == "colour" and channels == 1:
            channels = 3
        return (1, channels, height, width)

    def _motion_psf(self, node: Node) -> Shape:
        return _square(2 * math.ceil((self._number(node, "length") - 1) / 2) + 1)

    def _disk_psf(self, node: Node) -> Shape:
        return _square(2 * max(0, math.ceil(self._number(node, "radius") - 0.5)) + 1)

    def _convolved(self, node: Node, port: str, by: str = "kernel") -> Shape | None:
        image, kernel = self._at(node, port), self._at(node, by)
        if image is None or kernel is None:
            return image
        name = self._name(node, by)
        if kernel[-2] > image[-2] or kernel[-1] > image[-1]:
            self._fault(
                node,
                "kernel-too-large",
                f"{node.name}: the kernel {name} ({kernel[-2]} × {kernel[-1]}) is larger than "
                f"{self._name(node, port)} ({image[-2]} × {image[-1]}): take a smaller kernel or "
                "a larger image.",
                port=by,
            )
        elif not _broadcasts(kernel[:-2], image[:-2]):
            self._fault(
                node,
                "shape-mismatch",
                f"{node.name}: the kernel {name} has other channels ({shape_text(kernel)}) than "
                f"{self._name(node, port)} ({shape_text(image)}): load the kernel in grey.",
                port=by,
            )
        elif node.values.get("boundary") == "valid":
            rows, columns = (a - b + 1 for a, b in zip(image[-2:], kernel[-2:], strict=True))
            return (*image[:-2], rows, columns)
        return image

    def _random_mask(self, node: Node) -> Shape | None:
        shape = self._at(node, "like")
        return None if shape is None else (*(1 for _ in shape[:-2]), *shape[-2:])

    def _operator(self, node: Node) -> Shape | None:
        shape = self._at(node, "x")
        if shape is None:
            return None
        result = RULES[node.type](shape, self.analysis.values[node.id])
        if isinstance(result, Refusal):
            sentence = f"{node.name}: {self._name(node, 'x')} ({shape_text(shape)}) {result}"
            self._fault(node, "shape-mismatch", sentence, port="x")
            return None
        return result

    def _downsample(self, node: Node) -> Shape | None:
        faults = len(self.faults)
        shape = self._convolved(node, "x")
        if shape is None or len(self.faults) > faults:
            return None
        factor = int(self._number(node, "factor"))
        if self.analysis.wire(node.id, "kernel") is None and min(shape[-2:]) < 2 * factor - 1:
            self._fault(
                node,
                "shape-mismatch",
                f"{node.name}: {self._name(node, 'x')} ({shape_text(shape)}) is too small to be "
                f"made {factor} times smaller: take a smaller factor.",
                parameter="factor",
            )
            return None
        return self._operator(node)

    def _denoised(self, node: Node, port: str, parameter: str) -> Shape | None:
        shape = self._at(node, port)
        name = str(self.analysis.values[node.id][parameter])
        channels = shape[-3] if shape is not None and len(shape) > 2 else 1
        if shape is not None and name.endswith("_color") and channels != 3:
            grey = name.removesuffix("_color")
            self._fault(
                node,
                "other-channels",
                f"{node.name}: {name} denoises colour images, and {self._name(node, port)} has "
                f"{channels} channel{'' if channels == 1 else 's'}: choose {grey}.",
                port,
                parameter,
                grey,
            )
        return shape

    def _weighted(self, node: Node, port: str) -> Shape | None:
        image, weight = self._at(node, "x"), self._at(node, port)
        if image is not None and weight is not None and not _broadcasts(weight, image):
            self._fault(
                node,
                "shape-mismatch",
                f"{node.name}: {self._name(node, port)} ({shape_text(weight)}) does not match "
                f"{self._name(node, 'x')} ({shape_text(image)}): use one of the same height and "
                "width.",
                port=port,
            )
        return image

    def _mosaic(self, node: Node) -> Shape | None:
        shape = self._at(node, "x")
        if shape is not None and (len(shape) < 3 or shape[-3] != 3):
            self._fault(
                node,
                "shape-mismatch",
                f"{node.name} needs a colour image, but {self._name(node, 'x')} is "
                f"{shape_text(shape)}: load the image in colour.",
                port="x",
            )
        return shape

    def _sum(self, node: Node) -> Shape | None:
        a, b = self._at(node, "a"), self._at(node, "b")
        if a is None or b is None:
            return a or b
        if _broadcasts(b, a):
            return a
        if _broadcasts(a, b):
            return b
        self._differ(node, ("a", a), ("b", b))
        return None

    def _sisr(self, node: Node) -> None:
        faults = len(self.faults)
        shape, coarse = self._convolved(node, "input"), self._at(node, "y")
        if shape is None or len(self.faults) > faults:
            return
        factor = int(self._number(node, "factor"))
        if any(n % factor for n in shape[-2:]):
            self._fault(
                node,
                "shape-mismatch",
                f"{node.name}: {self._name(node, 'input')} ({shape_text(shape)}) is no multiple of "
                f"the factor {factor} in height and width: crop or pad it, or take another factor.",
                port="input",
            )
            return
        wanted = (*shape[:-2], shape[-2] // factor, shape[-1] // factor)
        if coarse is not None and coarse != wanted:
            self._fault(
                node,
                "shape-mismatch",
                f"{node.name}: {self._name(node, 'y')} ({shape_text(coarse)}) must be {factor} "
                f"times smaller than {self._name(node, 'input')} ({shape_text(shape)}), so "
                f"{shape_text(wanted)}.",
                port="y",
            )

    def _compared(self, node: Node, port: str) -> None:
        expression, target = self._at(node, "input"), self._at(node, port)
        if expression is None or target is None or _broadcasts(target, expression):
            return
        self._differ(node, ("input", expression), (port, target))

    def _differ(self, node: Node, one: tuple[str, Shape], other: tuple[str, Shape]) -> None:
        self._fault(
            node,
            "shape-mismatch",
            f"{node.name}: {self._name(node, one[0])} ({shape_text(one[1])}) and "
            f"{self._name(node, other[0])} ({shape_text(other[1])}) differ in size: both must "
            "have the same.",
            port=other[0],
        )

    def _group_norm1(self, node: Node) -> None:
        shape = self._at(node, "input")
        axes = [int(axis) for axis in str(self.analysis.values[node.id]["axis"]).split(",")]
        if shape is not None and -min(axes) > len(shape):
            self._fault(
                node,
                "bad-axis",
                f"{node.name}: {self._name(node, 'input')} has {len(shape)} axes, so there is no "
                f"axis {min(axes)}: choose −1, the last one.",
                parameter="axis",
                suggestion="-1",
            )

    def _solver(self, node: Node) -> Shape | None:
        found = self.analysis.variables.get(node.id, frozenset())
        if len(found) != 1:
            return None
        variable = self.document.node(next(iter(found)))
        shape = self.of.get(variable.id)
        for port, word in (("x0", "the start"), ("truth", "the ground truth")):
            given = self._at(node, port)
            if shape is None or given is None or given == shape:
                continue
            self._fault(
                node,
                "shape-mismatch",
                f"{node.name}: {word} {self._name(node, port)} ({shape_text(given)}) must have "
                f"the shape of {variable.name} ({shape_text(shape)}).",
                port=port,
            )
        return shape

    def _view(self, node: Node) -> None:
        shape = self._at(node, "image")
        if shape is None:
            return
        single = len(shape) == 2 or (len(shape) == 3) or (len(shape) == 4 and shape[0] == 1)
        channels = 1 if len(shape) == 2 else shape[-3]
        if not single or channels not in (1, 3):
            self._fault(
                node,
                "not-a-picture",
                f"{node.name}: {self._name(node, 'image')} has shape {shape_text(shape)}, which "
                "is not one grey or colour picture: show something of one or three channels.",
                port="image",
            )


def _square(side: float) -> Shape:
    return (int(side), int(side))


def _broadcasts(shape: Shape, target: Shape) -> bool:
    """Whether one shape broadcasts to another without enlarging it."""
    if len(shape) > len(target):
        return False
    return all(a in (1, b) for a, b in zip(reversed(shape), reversed(target), strict=False))
