"""Denoisers: in the place of a penalty, and on an image itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from nodes.parameter import Json, Parameter, number_text
from nodes.spec import Form, NodeSpec, Notation, Port, PortType

__all__ = ["NETWORKS", "SPECS"]

NETWORKS = (
    "dncnn",
    "dncnn_color",
    "drunet",
    "drunet_color",
    "drunet_small",
    "drunet_small_color",
    "fdncnn",
    "fdncnn_color",
    "ffdnet",
    "ffdnet_color",
    "ircnn",
    "ircnn_color",
    "unet",
)
_FILTERS = ("nlm", "wavelet", "tv", "bilateral")
_WEIGHTS = Parameter(
    "weights",
    "weights",
    "path",
    None,
    files=(".pth", ".pt", ".ckpt", ".safetensors", ".mat"),
    optional=True,
    quiet=True,
    help="A file of weights (.pth, .safetensors, .mat); automatic takes those that come along.",
)
_SIGMA = Parameter(
    "sigma",
    "noise σ",
    "float",
    None,
    minimum=0,
    maximum=1,
    optional=True,
    quiet=True,
    scale="log",
    soft=(0.001, 0.2),
    decimals=4,
    help="Noise of the data, where values go from 0 to 1; automatic measures it.",
)
_CLAMP = Parameter(
    "clamp", "cut to 0…1", "bool", False, quiet=True, help="Cut what comes out to 0…1."
)
_AVERAGED = Parameter(
    "averaged",
    "share θ",
    "float",
    1.0,
    above=0,
    maximum=1,
    quiet=True,
    decimals=2,
    help="θ in (1 − θ) v + θ D(v): below 1 it tames a denoiser that stretches distances.",
)
_PRECISION = Parameter(
    "precision",
    "precision",
    "choice",
    "float32",
    choices=("float32", "bfloat16", "float16"),
    quiet=True,
    help="In which the network computes.",
)
_TILE = Parameter(
    "tile",
    "piece",
    "int",
    None,
    minimum=0,
    maximum=100_000,
    optional=True,
    quiet=True,
    unit="px",
    soft=(128, 2048),
    help="Side of the pieces of a large image; automatic cuts above 4 megapixels, 0 never.",
)


def _denoiser(name: str, title: str, choices: tuple[str, ...]) -> Parameter:
    return Parameter(
        name,
        title,
        "choice",
        "drunet_small_color",
        choices=choices,
        help="A network by name (without _color for grey images); nlm, wavelet, tv and bilateral "
        "need no training.",
    )


def _x8(*ways: str) -> Parameter:
    literals = {"no": "False", "average": "True", "in turn": '"cycle"'}
    return Parameter(
        "x8",
        "eight symmetries",
        "choice",
        "no",
        choices=ways,
        literals={way: literals[way] for way in ways},
        quiet=True,
        help="Average over turned and mirrored images, eight times the work, or take them in turn.",
    )


def _weight() -> Parameter:
    return Parameter(
        "weight",
        "weight λ",
        "float",
        1.0,
        minimum=0,
        scale="log",
        soft=(0.01, 100),
        decimals=3,
        help="How much the prior counts; 1 balances it with the data whatever the noise.",
    )


def _chosen(parameters: Mapping[str, Json]) -> str:
    name = parameters.get("denoiser", parameters.get("network"))
    weights = parameters.get("weights")
    shown = PurePath(weights).name if isinstance(weights, str) and weights else str(name)
    weight = parameters.get("weight", 1.0)
    if isinstance(weight, int | float) and weight != 1:
        return f"{shown}, λ = {number_text(weight)}"
    return shown


_INPUT = Port(
    "input", "expression", PortType.EXPRESSION, help="A variable, or an operator on a variable."
)
_TERM = Port("term", "term", PortType.TERM)

SPECS = (
    NodeSpec(
        type="deep_prior",
        title="Deep prior",
        category="penalties",
        function="deep_prior",
        stem="prior",
        icon="mdi6.brain",
        inputs=(_INPUT,),
        outputs=(_TERM,),
        parameters=(
            _denoiser("denoiser", "denoiser", (*NETWORKS, *_FILTERS)),
            _WEIGHTS,
            _weight(),
            _SIGMA,
            _x8("no", "average", "in turn"),
            _CLAMP,
            _AVERAGED,
            _PRECISION,
            _TILE,
        ),
        form=Form.PENALTY,
        formula="λ R(e), prox<sub>R</sub> = D(·, σ)",
        notation=Notation(tex=r"{weight}R\left( {input} \right)", html="{weight}<i>R</i>({input})"),
        summary=_chosen,
        keywords=("plug and play", "pnp", "denoiser", "network", "ffdnet", "drunet", "dpir", "cnn"),
    ),
    NodeSpec(
        type="unrolled_prior",
        title="Unrolled prior",
        category="penalties",
        function="unrolled_prior",
        stem="unrolled",
        icon="mdi6.layers-triple-outline",
        inputs=(_INPUT,),
        outputs=(_TERM,),
        parameters=(
            _denoiser("network", "network", NETWORKS),
            _WEIGHTS,
            _weight(),
            Parameter(
                "steps",
                "steps",
                "int",
                8,
                minimum=1,
                maximum=1000,
                soft=(1, 32),
                help="How many iterations, each with a network of its own.",
            ),
            _SIGMA,
        ),
        form=Form.PENALTY,
        formula="λ R<sub>k</sub>(e), prox = N<sub>k</sub>(·, σ<sub>k</sub>)",
        notation=Notation(
            tex=r"{weight}R_k\left( {input} \right)",
            html="{weight}<i>R</i><sub>k</sub>({input})",
        ),
        summary=_chosen,
        keywords=("plug and play", "unrolling", "learned", "network", "trainable"),
    ),
    NodeSpec(
        type="denoise",
        title="Denoise",
        category="data",
        function="denoise",
        stem="denoised",
        icon="mdi6.auto-fix",
        inputs=(Port("image", "image", PortType.IMAGE, help="The image to work on."),),
        outputs=(Port("image", "image", PortType.IMAGE),),
        parameters=(
            _denoiser("denoiser", "denoiser", (*NETWORKS, *_FILTERS)),
            _WEIGHTS,
            _SIGMA,
            _x8("no", "average"),
            _CLAMP,
            _PRECISION,
            _TILE,
        ),
        formula="D(y, σ)",
        notation=Notation(tex="{name}", html="{name}"),
        summary=_chosen,
        keywords=("denoiser", "network", "filter", "non-local means", "wavelet", "clean"),
    ),
)
