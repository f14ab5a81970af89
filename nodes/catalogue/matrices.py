"""Operators that are given as numbers: matrices, sets of kernels, displacements."""

from __future__ import annotations

from typing import Any

from nodes.catalogue.operators import OUTPUT, operand
from nodes.parameter import Parameter
from nodes.spec import NodeSpec, Notation, Port, PortType

__all__ = ["SPECS"]


def _operator(type: str, title: str, tex: str, html: str, *ports: Port, **more: Any) -> NodeSpec:
    """A node type named like its function; ``…`` stands for its operand."""
    return NodeSpec(
        type=type,
        title=title,
        category="operators",
        function=type,
        inputs=(operand(), *ports),
        outputs=(OUTPUT,),
        inline=True,
        polymorphic=True,
        notation=Notation(
            tex=tex.replace("…", "{x}"),
            html=html.replace("…", "{x}"),
            level=more.pop("level", 1),
            operand=more.pop("operand", 2),
        ),
        **more,
    )


SPECS = (
    _operator(
        "matrix",
        "Matrix",
        r"{M} \, …",
        "{M} …",
        Port(
            "M",
            "matrix",
            PortType.MATRIX,
            help="As many columns as the operand has elements along the axis; one row an element "
            "of the result.",
        ),
        stem="product",
        icon="mdi6.matrix",
        parameters=(
            Parameter(
                "axis",
                "axis",
                "int",
                -1,
                minimum=-8,
                maximum=7,
                soft=(-4, 3),
                quiet=True,
                help="The axis along which it acts; -1 is the last.",
            ),
        ),
        formula="A x",
        summary=lambda p: "" if p.get("axis") == -1 else f"axis {p.get('axis')}",
        keywords=("linear map", "product", "sparse", "dense", "sensing", "a @ x"),
    ),
    _operator(
        "mul_color",
        "Mix channels",
        r"{response} \, …",
        "{response} …",
        Port(
            "response",
            "response",
            PortType.ARRAY,
            help="One row a new channel, one column an old one; 3 × 3 for colours.",
        ),
        stem="mixed",
        icon="mdi6.palette-outline",
        formula="M x, for the channels of each pixel",
        keywords=("colour", "spectral response", "camera", "grey", "unmixing", "channels"),
    ),
    _operator(
        "conv_grid",
        "Varying blur (grid)",
        r"{kernels}_{ ij } \ast …",
        "{kernels}<sub>ij</sub> ∗ …",
        Port(
            "kernels",
            "kernels",
            PortType.ARRAY,
            help="One kernel for each cell: rows × columns × height × width.",
        ),
        operand=1,
        stem="varying",
        icon="mdi6.grid",
        formula="k<sub>ij</sub> ∗ x, mixed between the cells",
        keywords=("space-variant", "lens", "psf", "field", "aberration", "convolution"),
    ),
    _operator(
        "conv_lowrank",
        "Varying blur (sum)",
        r"\sum_r {weights}_r \odot ({kernels}_r \ast …)",
        "Σ {weights}<sub>r</sub> ⊙ ({kernels}<sub>r</sub> ∗ …)",
        Port("kernels", "kernels", PortType.ARRAY, help="A few kernels: number × height × width."),
        Port(
            "weights",
            "weights",
            PortType.ARRAY,
            help="How much of each kernel there is at each pixel: number × height × width.",
        ),
        operand=1,
        stem="varying",
        icon="mdi6.layers-triple",
        formula="Σ w<sub>r</sub> ⊙ (k<sub>r</sub> ∗ x)",
        keywords=("space-variant", "lens", "psf", "low rank", "aberration", "convolution"),
    ),
    _operator(
        "warp",
        "Warp",
        r"W_{ {flow} } \, …",
        "W<sub>{flow}</sub> …",
        Port(
            "flow",
            "flow",
            PortType.ARRAY,
            help="How many pixels down and right to look, height × width × 2.",
        ),
        stem="warped",
        icon="mdi6.waves",
        formula="x[i + f(i)]",
        keywords=("optical flow", "displacement", "motion", "register", "interpolate"),
    ),
    _operator(
        "homography",
        "Change of view",
        r"W_{ {H} } \, …",
        "W<sub>{H}</sub> …",
        Port(
            "H",
            "homography",
            PortType.ARRAY,
            help="3 × 3, in pixels, rows first: where each pixel of the result is looked up.",
        ),
        stem="seen",
        icon="mdi6.perspective-more",
        formula="x[H i]",
        keywords=("perspective", "projective", "plane", "rotate", "shift", "affine", "warp"),
    ),
)
