"""Operators that resample, rearrange or transform images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nodes.catalogue.operators import OUTPUT, operand
from nodes.parameter import Json, Parameter
from nodes.spec import NodeSpec, Notation, Port, PortType

__all__ = ["SPECS"]

_BOUNDARY = Parameter(
    "boundary",
    "beyond the edge",
    "choice",
    "circular",
    choices=("circular", "neumann", "dirichlet"),
    quiet=True,
    help="The other side (circular), the last value again (neumann), or zero (dirichlet).",
)


def _count(
    name: str, title: str, default: int, help: str, minimum: int = 0, **more: Any
) -> Parameter:
    return Parameter(name, title, "int", default, minimum=minimum, maximum=4096, help=help, **more)


def _sides(help: str) -> tuple[Parameter, ...]:
    return tuple(
        _count(side, side, 0, help, unit="px", quiet=True, soft=(0, 64))
        for side in ("top", "bottom", "left", "right")
    )


def _operator(type: str, title: str, **more: Any) -> NodeSpec:
    """A node type with one operand, named like its function."""
    letter = more.pop("letter")
    return NodeSpec(
        type=type,
        title=title,
        category="operators",
        function=type,
        inputs=(operand(), *more.pop("ports", ())),
        outputs=(OUTPUT,),
        inline=True,
        polymorphic=True,
        formula=f"{letter} x",
        notation=Notation(
            tex=rf"{more.pop('tex', letter)} {{x}}", html=f"{letter} {{x}}", level=1, operand=2
        ),
        **more,
    )


def _factor(parameters: Mapping[str, Json]) -> str:
    return f"÷ {parameters.get('factor')}"


SPECS = (
    NodeSpec(
        type="conv_doe",
        title="Lens",
        category="operators",
        function="conv_doe",
        stem="lens",
        icon="mdi6.camera-iris",
        inputs=(
            operand(),
            Port("psf", "point spread", PortType.KERNEL, help="What the lens makes of a point."),
        ),
        outputs=(OUTPUT,),
        parameters=(
            Parameter(
                "circular",
                "circular",
                "bool",
                True,
                quiet=True,
                help="Whether the image goes on at the other side; else it is black there.",
            ),
        ),
        inline=True,
        polymorphic=True,
        formula="p ∗ x",
        notation=Notation(tex=r"{psf} \ast {x}", html="{psf} ∗ {x}", level=1, operand=1),
        keywords=("doe", "optics", "diffractive", "psf", "blur"),
    ),
    _operator(
        "laplacian",
        "Laplacian",
        letter="Δ",
        tex=r"\Delta",
        stem="laplacian",
        icon="mdi6.triangle-outline",
        parameters=(_BOUNDARY,),
        keywords=("second derivative", "smooth", "edges", "curvature"),
    ),
    _operator(
        "subsample",
        "Subsample",
        letter="↓",
        tex=r"\downarrow",
        stem="subsampled",
        icon="mdi6.dots-grid",
        parameters=(
            _count("factor", "factor", 2, "Keep one pixel in so many, both ways.", 1, soft=(1, 8)),
        ),
        summary=_factor,
        keywords=("decimate", "stride", "fewer pixels", "super-resolution"),
    ),
    _operator(
        "downsample",
        "Downsample",
        letter="S",
        stem="downsampled",
        icon="mdi6.arrow-collapse",
        ports=(
            Port(
                "kernel",
                "blur",
                PortType.KERNEL,
                optional=True,
                keyword="kernel",
                help="The blur before; without one, an average over the pixels.",
            ),
        ),
        parameters=(
            _count("factor", "factor", 2, "One new pixel for so many, both ways.", 1, soft=(1, 8)),
        ),
        summary=_factor,
        keywords=("super-resolution", "coarse", "resize", "anti-alias", "camera"),
    ),
    _operator(
        "crop",
        "Crop",
        letter="C",
        stem="cropped",
        icon="mdi6.crop",
        parameters=_sides("How many pixels are left out at this side."),
        keywords=("cut", "margin", "part"),
    ),
    _operator(
        "pad",
        "Pad",
        letter="P",
        stem="padded",
        icon="mdi6.arrow-expand-all",
        parameters=(
            *_sides("How many pixels are put at this side."),
            Parameter(
                "mode",
                "filled with",
                "choice",
                "zero",
                choices=("zero", "circular", "replicate", "reflect"),
                quiet=True,
                help="Zeros, the other side, the nearest pixel, or the mirror image.",
            ),
        ),
        summary=lambda p: str(p.get("mode")),
        keywords=("border", "margin", "boundary", "mirror"),
    ),
    _operator(
        "dct",
        "Cosine transform",
        letter="C",
        stem="cosines",
        icon="mdi6.cosine-wave",
        keywords=("dct", "jpeg", "sparse", "frequency"),
    ),
    _operator(
        "wavelet",
        "Wavelet transform",
        letter="W",
        stem="coefficients",
        icon="mdi6.waveform",
        parameters=(
            Parameter(
                "kind",
                "wavelet",
                "choice",
                "haar",
                choices=("haar", "db2", "db3", "db4"),
                quiet=True,
                help="Haar, or one of Daubechies's by its number of vanishing moments.",
            ),
            _count(
                "levels", "levels", 1, "How often the coarse part is split again.", 1, soft=(1, 6)
            ),
        ),
        summary=lambda p: f"{p.get('kind')}, {p.get('levels')} levels",
        keywords=("haar", "daubechies", "sparse", "multiscale"),
    ),
    _operator(
        "patches",
        "Patches",
        letter="R",
        stem="windows",
        icon="mdi6.view-module-outline",
        parameters=(
            _count("size", "side", 8, "The side of a window.", 1, unit="px", soft=(2, 16)),
            _count(
                "stride", "stride", 1, "How far apart windows begin.", 1, unit="px", soft=(1, 8)
            ),
        ),
        summary=lambda p: f"{p.get('size')} × {p.get('size')}",
        keywords=("windows", "blocks", "low rank", "non-local"),
    ),
    _operator(
        "radon",
        "Radon transform",
        letter="R",
        tex=r"\mathcal R",
        stem="sinogram",
        icon="mdi6.radar",
        parameters=(
            _count(
                "angles",
                "angles",
                180,
                "How many, equally spaced over half a turn.",
                1,
                soft=(1, 360),
            ),
        ),
        summary=lambda p: f"{p.get('angles')} angles",
        keywords=("tomography", "ct", "x-ray", "projection", "sinogram"),
    ),
)
