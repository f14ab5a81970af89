"""Terms that hold a measurement: photon counts, coarse images."""

from __future__ import annotations

from nodes.catalogue.penalties import EXPRESSION, TERM, strength, weight_of
from nodes.parameter import Parameter
from nodes.spec import Form, NodeSpec, Notation, Port, PortType

__all__ = ["SPECS"]

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
            Parameter(
                "factor",
                "factor",
                "int",
                2,
                minimum=1,
                maximum=64,
                soft=(1, 8),
                help="One coarse pixel for so many, both ways.",
            ),
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
)
