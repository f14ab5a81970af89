"""Images, kernels, masks, and the measurements simulated from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from nodes.parameter import Json, Parameter, number_text
from nodes.spec import NodeSpec, Notation, Port, PortType

__all__ = ["SPECS", "constant"]


def constant() -> Notation:
    """The notation of data: its name."""
    return Notation(tex="{name}", html="{name}")


def _number(value: Json) -> str:
    return number_text(value) if isinstance(value, int | float) else "?"


def _source(parameters: Mapping[str, Json]) -> str:
    source = str(parameters.get("source") or "")
    shown = (
        source.removeprefix("sample:") if source.startswith("sample:") else PurePath(source).name
    )
    size = parameters.get("size")
    return f"{shown}, up to {_number(size)} px" if size else shown


def _noise(parameters: Mapping[str, Json]) -> str:
    return f"σ = {_number(parameters.get('sigma'))}"


_IMAGE_IN = Port("image", "image", PortType.IMAGE, help="The image to work on.")
_IMAGE_OUT = Port("image", "image", PortType.IMAGE)
_KERNEL_OUT = Port("kernel", "kernel", PortType.KERNEL)
_SEED = Parameter(
    "seed",
    "seed",
    "int",
    0,
    minimum=0,
    help="The same seed gives the same random numbers, on every machine and device.",
)

SPECS = (
    NodeSpec(
        type="load_image",
        title="Load image",
        category="data",
        function="load_image",
        stem="photo",
        icon="mdi6.image-outline",
        outputs=(_IMAGE_OUT,),
        parameters=(
            Parameter(
                "source",
                "file",
                "path",
                "sample:coffee",
                help="An image file, or sample:NAME for a photograph that comes with the studio.",
            ),
            Parameter(
                "size",
                "longest side",
                "int",
                None,
                minimum=1,
                maximum=100_000,
                unit="px",
                scale="log",
                soft=(64, 2048),
                optional=True,
                quiet=True,
                help="A larger image is scaled down to this; automatic keeps every pixel.",
            ),
            Parameter(
                "colour",
                "colour",
                "choice",
                "auto",
                choices=("auto", "grey", "colour"),
                quiet=True,
                help="Keep the file's channels, or convert to grey or to colour.",
            ),
        ),
        formula="b",
        notation=constant(),
        summary=_source,
        keywords=("photo", "picture", "file", "open", "png", "sample"),
    ),
    NodeSpec(
        type="gaussian_psf",
        title="Gaussian kernel",
        category="data",
        function="gaussian_psf",
        stem="kernel",
        icon="mdi6.blur-radial",
        outputs=(_KERNEL_OUT,),
        parameters=(
            Parameter(
                "size",
                "size",
                "int",
                15,
                minimum=1,
                maximum=999,
                unit="px",
                odd=True,
                soft=(3, 61),
                help="Pixels a side, odd.",
            ),
            Parameter(
                "sigma",
                "σ",
                "float",
                3.0,
                minimum=0.01,
                unit="px",
                scale="log",
                soft=(0.3, 20),
                decimals=2,
                help="Standard deviation of the blur.",
            ),
        ),
        formula="k(i, j) ∝ exp(−(i² + j²) / 2σ²)",
        notation=constant(),
        summary=lambda p: f"{_number(p.get('size'))} px, σ = {_number(p.get('sigma'))} px",
        keywords=("psf", "blur", "point spread function"),
    ),
    NodeSpec(
        type="motion_psf",
        title="Motion kernel",
        category="data",
        function="motion_psf",
        stem="kernel",
        icon="mdi6.blur-linear",
        outputs=(_KERNEL_OUT,),
        parameters=(
            Parameter(
                "length",
                "length",
                "float",
                15.0,
                minimum=1,
                maximum=999,
                unit="px",
                soft=(1, 61),
                decimals=1,
                help="How far the camera moved.",
            ),
            Parameter(
                "angle",
                "angle",
                "float",
                30.0,
                minimum=-360,
                maximum=360,
                unit="°",
                decimals=1,
                help="Direction, counter-clockwise from the horizontal.",
            ),
        ),
        formula="k uniform on a line",
        notation=constant(),
        summary=lambda p: f"{_number(p.get('length'))} px at {_number(p.get('angle'))}°",
        keywords=("psf", "blur", "shake", "point spread function"),
    ),
    NodeSpec(
        type="disk_psf",
        title="Disk kernel",
        category="data",
        function="disk_psf",
        stem="kernel",
        icon="mdi6.circle-outline",
        outputs=(_KERNEL_OUT,),
        parameters=(
            Parameter(
                "radius",
                "radius",
                "float",
                5.0,
                minimum=0.01,
                maximum=499,
                unit="px",
                soft=(0.5, 30),
                decimals=2,
                help="Radius of the defocus spot.",
            ),
        ),
        formula="k uniform on a disk",
        notation=constant(),
        summary=lambda p: f"radius {_number(p.get('radius'))} px",
        keywords=("psf", "blur", "defocus", "point spread function"),
    ),
    NodeSpec(
        type="blur",
        title="Blur",
        category="data",
        function="blur",
        stem="blurred",
        icon="mdi6.blur",
        inputs=(
            _IMAGE_IN,
            Port("kernel", "kernel", PortType.KERNEL, help="The point spread function."),
        ),
        outputs=(_IMAGE_OUT,),
        inline=True,
        formula="k ∗ x",
        notation=constant(),
        keywords=("convolve", "simulate", "psf"),
    ),
    NodeSpec(
        type="add_noise",
        title="Add noise",
        category="data",
        function="add_noise",
        stem="noisy",
        icon="mdi6.grain",
        inputs=(_IMAGE_IN,),
        outputs=(_IMAGE_OUT,),
        parameters=(
            Parameter(
                "sigma",
                "σ",
                "float",
                0.01,
                minimum=0,
                scale="log",
                soft=(0.001, 0.5),
                decimals=4,
                help="Standard deviation, where the image's values go from 0 to 1.",
            ),
            _SEED,
        ),
        formula="x + σ n, n ~ N(0, 1)",
        notation=constant(),
        summary=_noise,
        keywords=("gaussian", "simulate"),
    ),
    NodeSpec(
        type="random_mask",
        title="Random mask",
        category="data",
        function="random_mask",
        stem="mask",
        icon="mdi6.dots-grid",
        inputs=(
            Port(
                "like",
                "size of",
                PortType.IMAGE,
                attribute="shape",
                help="The image whose height and width the mask has.",
            ),
        ),
        outputs=(Port("mask", "mask", PortType.MASK),),
        parameters=(
            Parameter(
                "keep",
                "share kept",
                "float",
                0.5,
                minimum=0,
                maximum=1,
                decimals=3,
                help="The share of pixels that is measured.",
            ),
            _SEED,
        ),
        formula="m ∈ {0, 1}",
        notation=constant(),
        summary=lambda p: f"keeps {_number(p.get('keep'))}",
        keywords=("inpainting", "missing", "sampling"),
    ),
)
