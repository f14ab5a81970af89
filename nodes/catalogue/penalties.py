"""Penalties and constraints: the terms of a problem."""

from __future__ import annotations

from collections.abc import Mapping

from nodes.parameter import Json, Parameter, number_text
from nodes.spec import Form, NodeSpec, Notation, Port, PortType

__all__ = ["EXPRESSION", "SPECS", "TERM", "strength", "weight_of"]


def weight_of(default: float) -> Parameter:
    """The weight of a term."""
    return Parameter(
        "weight",
        "weight λ",
        "float",
        default,
        minimum=0,
        scale="log",
        soft=(1e-4, 10),
        decimals=5,
        help="How much this term counts against the others.",
    )


def strength(parameters: Mapping[str, Json]) -> str:
    """The weight, as a node shows it."""
    weight = parameters.get("weight")
    return f"λ = {number_text(weight)}" if isinstance(weight, int | float) else "λ = ?"


def _bounds(parameters: Mapping[str, Json]) -> str:
    low, high = parameters.get("lower"), parameters.get("upper")
    shown = [number_text(v) if isinstance(v, int | float) else "?" for v in (low, high)]
    return " … ".join(shown)


EXPRESSION = Port(
    "input", "expression", PortType.EXPRESSION, help="A variable, or an operator on a variable."
)
TERM = Port("term", "term", PortType.TERM)

SPECS = (
    NodeSpec(
        type="sum_squares",
        title="Sum of squares",
        category="penalties",
        function="sum_squares",
        stem="fidelity",
        icon="mdi6.square-rounded-outline",
        inputs=(
            EXPRESSION,
            Port(
                "target",
                "minus",
                PortType.IMAGE,
                optional=True,
                help="The data that the expression should come close to.",
            ),
        ),
        outputs=(TERM,),
        parameters=(weight_of(1.0),),
        form=Form.PENALTY,
        formula="λ ‖e − b‖²",
        notation=Notation(
            tex=r"{weight}\left\| {input}{target} \right\|_2^2",
            html="{weight}‖{input}{target}‖<sup>2</sup>",
        ),
        summary=strength,
        keywords=("fidelity", "data term", "least squares", "l2", "ridge"),
    ),
    NodeSpec(
        type="norm1",
        title="L1 norm",
        category="penalties",
        function="norm1",
        stem="sparsity",
        icon="mdi6.numeric-1-box-outline",
        inputs=(EXPRESSION,),
        outputs=(TERM,),
        parameters=(weight_of(0.01),),
        form=Form.PENALTY,
        formula="λ Σ|e|",
        notation=Notation(
            tex=r"{weight}\left\| {input} \right\|_1", html="{weight}‖{input}‖<sub>1</sub>"
        ),
        summary=strength,
        keywords=("l1", "lasso", "sparse", "total variation", "tv", "anisotropic"),
    ),
    NodeSpec(
        type="group_norm1",
        title="Group L1 norm",
        category="penalties",
        function="group_norm1",
        stem="group_sparsity",
        icon="mdi6.group",
        inputs=(EXPRESSION,),
        outputs=(TERM,),
        parameters=(
            weight_of(0.01),
            Parameter(
                "axis",
                "axis of a group",
                "choice",
                "-1",
                choices=("-1", "-3", "-1, -4"),
                literals={"-1": "-1", "-3": "-3", "-1, -4": "(-1, -4)"},
                quiet=True,
                help="What belongs together. Of a gradient: -1 its two directions, -1, -4 those "
                "of all colours. Of an image: -3 its colours.",
            ),
        ),
        form=Form.PENALTY,
        formula="λ Σ ‖e<sub>g</sub>‖",
        notation=Notation(
            tex=r"{weight}\left\| {input} \right\|_{2,1}",
            html="{weight}‖{input}‖<sub>2,1</sub>",
        ),
        summary=strength,
        keywords=("l21", "isotropic", "total variation", "tv"),
    ),
    NodeSpec(
        type="nonneg",
        title="Not negative",
        category="constraints",
        function="nonneg",
        stem="positivity",
        icon="mdi6.greater-than-or-equal",
        inputs=(EXPRESSION,),
        outputs=(TERM,),
        form=Form.PENALTY,
        formula="e ≥ 0",
        notation=Notation(tex=r"{input} \ge 0", html="{input} ≥ 0"),
        keywords=("positivity", "nonnegative", "constraint"),
    ),
    NodeSpec(
        type="box",
        title="Box",
        category="constraints",
        function="box",
        stem="bounds",
        icon="mdi6.arrow-collapse-horizontal",
        inputs=(EXPRESSION,),
        outputs=(TERM,),
        parameters=(
            Parameter("lower", "lowest", "float", 0.0, soft=(-1, 1), help="The least value."),
            Parameter("upper", "highest", "float", 1.0, soft=(0, 2), help="The largest value."),
        ),
        form=Form.PENALTY,
        formula="l ≤ e ≤ u",
        notation=Notation(
            tex=r"{lower} \le {input} \le {upper}", html="{lower} ≤ {input} ≤ {upper}"
        ),
        summary=_bounds,
        keywords=("bounds", "range", "clip", "constraint"),
    ),
)
