"""Complex values: Fourier transforms, what a scanner measures, and parts of complex numbers."""

from __future__ import annotations

from typing import Any

from nodes.catalogue.data import constant
from nodes.catalogue.operators import OUTPUT, operand
from nodes.parameter import Parameter
from nodes.spec import NodeSpec, Notation, Port, PortType

__all__ = ["COILS", "FREQUENCIES", "SPECS"]

FREQUENCIES = Port(
    "m",
    "mask",
    PortType.MASK,
    help="1 where a frequency is measured, the frequency zero in the corner.",
)
COILS = Port(
    "coils",
    "coil maps",
    PortType.ARRAY,
    optional=True,
    keyword="coils",
    help="What each coil sees of a pixel: coils × height × width; one coil that sees all alike "
    "where nothing is wired.",
)
_LIKE = Port(
    "like",
    "size of",
    PortType.IMAGE,
    attribute="shape",
    help="The image whose height and width it has.",
)


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
        formula=html.replace("…", "x").replace("{m}", "m"),
        notation=Notation(
            tex=tex.replace("…", "{x}"), html=html.replace("…", "{x}"), level=1, operand=2
        ),
        **more,
    )


_OPERATORS = (
    _operator(
        "fft",
        "Fourier transform",
        r"\mathcal F …",
        "F …",
        stem="spectrum",
        icon="mdi6.sine-wave",
        keywords=("fft", "spectrum", "frequency", "k-space", "complex"),
    ),
    _operator(
        "ifft",
        "Inverse Fourier",
        r"\mathcal F^{-1} …",
        "F<sup>−1</sup> …",
        stem="zero_filled",
        icon="mdi6.image-filter-center-focus",
        keywords=("ifft", "spectrum", "zero-filled", "k-space", "complex"),
    ),
    _operator(
        "fourier_sampling",
        "MRI measurement",
        r"{m} \odot \mathcal F …",
        "{m} ⊙ F …",
        FREQUENCIES,
        COILS,
        stem="measured",
        icon="mdi6.magnet",
        keywords=("mri", "k-space", "scanner", "coils", "sense", "frequency", "complex"),
    ),
    _operator(
        "real",
        "Real part",
        r"\operatorname{ Re } …",
        "Re …",
        stem="real_part",
        icon="mdi6.alpha-r-box-outline",
        keywords=("complex", "real", "part"),
    ),
    _operator(
        "imag",
        "Imaginary part",
        r"\operatorname{ Im } …",
        "Im …",
        stem="imaginary_part",
        icon="mdi6.alpha-i-box-outline",
        keywords=("complex", "imaginary", "part"),
    ),
)

_DATA = (
    NodeSpec(
        type="fourier_mask",
        title="MRI mask",
        category="data",
        function="fourier_mask",
        stem="frequencies",
        icon="mdi6.blur-radial",
        inputs=(_LIKE,),
        outputs=(Port("mask", "mask", PortType.MASK),),
        parameters=(
            Parameter(
                "keep",
                "share kept",
                "float",
                0.3,
                minimum=0.001,
                maximum=1,
                decimals=3,
                help="The share of frequencies that is measured.",
            ),
            Parameter(
                "pattern",
                "pattern",
                "choice",
                "points",
                choices=("points", "lines", "radial"),
                help="Single frequencies, lines from top to bottom, or spokes through the centre.",
            ),
            Parameter(
                "centre",
                "centre",
                "float",
                0.08,
                minimum=0,
                maximum=1,
                quiet=True,
                decimals=3,
                help="The share of each axis around the frequency zero that is measured whole.",
            ),
            Parameter(
                "seed",
                "seed",
                "int",
                0,
                minimum=0,
                help="The same seed gives the same mask, on every machine and device.",
            ),
        ),
        formula="m ∈ {0, 1}",
        notation=constant(),
        summary=lambda p: f"{p.get('pattern')}, keeps {p.get('keep')}",
        keywords=("mri", "sampling", "undersampling", "acceleration", "radial", "k-space"),
    ),
    NodeSpec(
        type="coil_maps",
        title="Coil maps",
        category="data",
        function="coil_maps",
        stem="coils",
        icon="mdi6.access-point",
        inputs=(_LIKE,),
        outputs=(Port("array", "maps", PortType.ARRAY),),
        parameters=(
            Parameter(
                "coils",
                "coils",
                "int",
                4,
                minimum=1,
                maximum=64,
                soft=(1, 16),
                help="How many stand around the image.",
            ),
        ),
        formula="s<sub>c</sub>, Σ |s<sub>c</sub>|² = 1",
        notation=constant(),
        summary=lambda p: f"{p.get('coils')} coils",
        keywords=("mri", "sensitivity", "sense", "parallel imaging"),
    ),
    NodeSpec(
        type="modulus",
        title="Modulus",
        category="data",
        function="modulus",
        stem="magnitudes",
        icon="mdi6.format-vertical-align-center",
        inputs=(Port("image", "image", PortType.IMAGE, help="Complex data, such as a spectrum."),),
        outputs=(Port("image", "image", PortType.IMAGE),),
        formula="|x|",
        notation=constant(),
        keywords=("magnitude", "absolute value", "complex", "phase retrieval", "intensity"),
    ),
)

SPECS = (*_OPERATORS, *_DATA)
