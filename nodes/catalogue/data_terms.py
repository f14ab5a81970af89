"""Terms that hold a measurement: photon counts, coarse images, frequencies, magnitudes."""

from __future__ import annotations

from typing import Any

from nodes.catalogue.penalties import EXPRESSION, TERM, strength, weight_of
from nodes.catalogue.spectra import COILS
from nodes.parameter import Parameter
from nodes.spec import Form, NodeSpec, Notation, Port, PortType

__all__ = ["SPECS"]

_FACTOR = Parameter(
    "factor",
    "factor",
    "int",
    2,
    minimum=1,
    maximum=64,
    soft=(1, 8),
    help="One coarse pixel for so many, both ways.",
)


def _measured(type: str, title: str, tex: str, html: str, *ports: Port, **more: Any) -> NodeSpec:
    """A node type named like its function; ``…`` stands for its expression."""
    return NodeSpec(
        type=type,
        title=title,
        category="penalties",
        function=type,
        inputs=(EXPRESSION, *ports),
        outputs=(TERM,),
        parameters=(weight_of(1.0), *more.pop("parameters", ())),
        form=Form.PENALTY,
        notation=Notation(
            tex="{weight}" + tex.replace("…", "{input}"),
            html="{weight}" + html.replace("…", "{input}"),
            operand=more.pop("operand", 0),
        ),
        summary=strength,
        **more,
    )


SPECS = (
    NodeSpec(
        type="poisson",
        title="Photon counts",
        category="penalties",
        function="poisson",
        inputs=(
            EXPRESSION,
            Port("y", "counts", PortType.IMAGE, help="How many photons were seen, 0 or more."),
        ),
        outputs=(TERM,),
        parameters=(weight_of(1.0),),
        form=Form.PENALTY,
        formula="λ KL(b, e)",
        notation=Notation(
            tex=r"{weight}\operatorname KL\left( {y}, {input} \right)",
            html="{weight}KL({y}, {input})",
        ),
        summary=strength,
        stem="photons",
        icon="mdi6.flare",
        keywords=("poisson", "photon noise", "kullback-leibler", "microscopy", "astronomy"),
    ),
    NodeSpec(
        type="sisr",
        title="Super-resolution",
        category="penalties",
        function="sisr",
        inputs=(
            EXPRESSION,
            Port("y", "coarse image", PortType.IMAGE, help="What the coarse camera saw."),
            Port("kernel", "blur", PortType.KERNEL, help="The blur before pixels are left out."),
        ),
        outputs=(TERM,),
        parameters=(
            weight_of(1.0),
            _FACTOR,
        ),
        form=Form.PENALTY,
        formula="λ ‖(k ∗ e)↓ − b‖²",
        notation=Notation(
            tex=r"{weight}\left\| ({kernel} \ast {input})\downarrow - {y} \right\|_2^2",
            html="{weight}‖({kernel} ∗ {input})↓ − {y}‖<sup>2</sup>",
        ),
        summary=strength,
        stem="coarse_fidelity",
        icon="mdi6.magnify-plus-outline",
        keywords=("super-resolution", "upscale", "data term", "zoom"),
    ),
    _measured(
        "misr",
        "Several coarse images",
        r"\sum_j \left\| (W_j \, …)\downarrow - {ys}_j \right\|_2^2",
        "Σ<sub>j</sub> ‖(W<sub>j</sub> …)↓ − {ys}<sub>j</sub>‖<sup>2</sup>",
        Port(
            "ys",
            "coarse images",
            PortType.IMAGE,
            multiple=True,
            help="What the coarse camera saw, one picture after the other.",
        ),
        Port(
            "flows",
            "flows",
            PortType.ARRAY,
            optional=True,
            multiple=True,
            help="For each picture how the scene has moved, height × width × 2, in the same "
            "order; none where nothing moved.",
        ),
        Port(
            "kernel",
            "blur",
            PortType.KERNEL,
            optional=True,
            keyword="kernel",
            help="The blur before pixels are left out; without one, an average over the pixels.",
        ),
        operand=2,
        formula="λ Σ<sub>j</sub> ‖(k ∗ W<sub>j</sub> e)↓ − b<sub>j</sub>‖²",
        parameters=(_FACTOR,),
        stem="frames",
        icon="mdi6.camera-burst",
        keywords=("super-resolution", "multi-frame", "burst", "video", "optical flow"),
    ),
    _measured(
        "csmri",
        "MRI data",
        r"\left\| {mask} \odot \mathcal F … - {y} \right\|_2^2",
        "‖{mask} ⊙ F … − {y}‖<sup>2</sup>",
        Port(
            "mask",
            "mask",
            PortType.MASK,
            help="1 where a frequency is measured, the frequency zero in the corner.",
        ),
        Port("y", "frequencies", PortType.ARRAY, help="What was measured, 0 elsewhere."),
        COILS,
        operand=2,
        formula="λ ‖m ⊙ F e − b‖²",
        stem="scan",
        icon="mdi6.magnet-on",
        keywords=("mri", "k-space", "compressed sensing", "scanner", "sense", "data term"),
    ),
    _measured(
        "phase_ret",
        "Magnitudes only",
        r"\left\| \left| … \right| - {y} \right\|_2^2",
        "‖|…| − {y}‖<sup>2</sup>",
        Port(
            "y",
            "magnitudes",
            PortType.IMAGE,
            holds="magnitudes",
            help="The magnitudes that were measured, 0 or more.",
        ),
        formula="λ ‖|e| − b‖²",
        stem="magnitude_fidelity",
        icon="mdi6.wave",
        keywords=("phase retrieval", "diffraction", "holography", "non-convex", "data term"),
    ),
    _measured(
        "spi",
        "Single photons",
        r"\operatorname{ SPI }\left( {ones}, … \right)",
        "SPI({ones}, …)",
        Port(
            "ones",
            "jots hit",
            PortType.IMAGE,
            holds="magnitudes",
            help="How many jots of each pixel saw a photon, from 0 to all of them.",
        ),
        formula="λ Σ (K − n) s − n log(1 − exp(−s)), s = α e / K",
        parameters=(
            Parameter(
                "jots",
                "jots K",
                "int",
                1,
                minimum=1,
                maximum=100_000,
                soft=(1, 64),
                help="How many jots and exposures each pixel sums over.",
            ),
            Parameter(
                "gain",
                "gain α",
                "float",
                1.0,
                above=0,
                scale="log",
                soft=(0.1, 100),
                help="Photons a pixel at brightness one.",
            ),
        ),
        stem="jots",
        icon="mdi6.chip",
        keywords=("single photon", "spad", "quanta", "binary", "low light", "data term"),
    ),
    _measured(
        "compress_sensing",
        "Snapshot",
        r"\left\| \sum_c {masks}_c \odot …_c - {y} \right\|_2^2",
        "‖Σ<sub>c</sub> {masks}<sub>c</sub> ⊙ …<sub>c</sub> − {y}‖<sup>2</sup>",
        Port("y", "snapshot", PortType.IMAGE, help="What the sensor saw, without the channels."),
        Port("masks", "codes", PortType.ARRAY, help="The mask in front of each channel."),
        operand=2,
        formula="λ ‖Σ<sub>c</sub> m<sub>c</sub> ⊙ e<sub>c</sub> − b‖²",
        stem="snapshot",
        icon="mdi6.barcode-scan",
        keywords=("cassi", "snapshot", "compressive", "coded aperture", "video", "hyperspectral"),
    ),
)
