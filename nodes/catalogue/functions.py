"""More penalties and constraints: norms of a whole, losses, sparsity without convexity, sets."""

from __future__ import annotations

from typing import Any

from nodes.catalogue.penalties import EXPRESSION, TERM, strength, weight_of
from nodes.parameter import Parameter
from nodes.spec import Form, NodeSpec, Notation, Port, PortType

__all__ = ["SPECS", "constraint", "penalty"]


def penalty(
    type: str, title: str, html: str, tex: str, weight: float = 0.01, **more: Any
) -> NodeSpec:
    """A node type of a penalty, named like its function; ``…`` stands for its argument."""
    parameters = more.pop("parameters", ())
    ports = more.pop("ports", ())
    return NodeSpec(
        type=type,
        title=title,
        category="penalties",
        function=type,
        inputs=(EXPRESSION, *ports),
        outputs=(TERM,),
        parameters=(weight_of(weight), *parameters),
        form=Form.PENALTY,
        formula=more.pop("formula", "λ " + html.replace("…", "e")),
        notation=Notation(
            tex="{weight}" + tex.replace("…", "{input}"),
            html="{weight}" + html.replace("…", "{input}"),
            operand=more.pop("operand", 0),
        ),
        summary=strength,
        **more,
    )


def constraint(type: str, title: str, html: str, tex: str, **more: Any) -> NodeSpec:
    """A node type of a constraint, named like its function; ``…`` stands for its argument."""
    ports = more.pop("ports", ())
    shown = more.pop("formula", html.replace("…", "e"))
    return NodeSpec(
        type=type,
        title=title,
        category="constraints",
        function=type,
        inputs=(EXPRESSION, *ports),
        outputs=(TERM,),
        form=Form.PENALTY,
        formula=shown,
        notation=Notation(
            tex=tex.replace("…", "{input}"),
            html=html.replace("…", "{input}"),
            operand=more.pop("operand", 0),
        ),
        **more,
    )


def _above_zero(name: str, title: str, default: float, help: str) -> Parameter:
    return Parameter(
        name, title, "float", default, above=0, scale="log", soft=(1e-3, 10), help=help
    )


def _radius(help: str) -> Parameter:
    return Parameter(
        "radius", "radius r", "float", 1.0, minimum=0, scale="log", soft=(1e-2, 1e3), help=help
    )


_PENALTIES = (
    penalty(
        "norm2",
        "L2 norm",
        "‖…‖<sub>2</sub>",
        r"\left\| … \right\|_2",
        stem="length",
        icon="mdi6.numeric-2-box-outline",
        keywords=("euclidean", "l2", "length", "norm"),
    ),
    penalty(
        "norm_inf",
        "Largest magnitude",
        "‖…‖<sub>∞</sub>",
        r"\left\| … \right\|_\infty",
        stem="peak",
        icon="mdi6.infinity",
        keywords=("l-infinity", "maximum norm", "chebyshev", "uniform"),
    ),
    penalty(
        "elastic_net",
        "Elastic net",
        "(‖…‖<sub>1</sub> + {gamma}/2 ‖…‖<sup>2</sup>)",
        r"\left( \left\| … \right\|_1 + \tfrac{{gamma}}2 \left\| … \right\|_2^2 \right)",
        stem="elastic",
        icon="mdi6.resistor",
        parameters=(
            Parameter(
                "gamma",
                "squares γ",
                "float",
                1.0,
                minimum=0,
                scale="log",
                soft=(1e-3, 10),
                help="How much the squares count beside the magnitudes.",
            ),
        ),
        keywords=("lasso", "ridge", "sparse", "l1", "l2"),
    ),
    penalty(
        "huber",
        "Huber loss",
        "Σ h(…)",
        r"\sum h\left( … \right)",
        1.0,
        stem="robust",
        icon="mdi6.chart-bell-curve",
        parameters=(_above_zero("delta", "end of squares δ", 1.0, "Larger ones count linearly."),),
        keywords=("robust", "outliers", "smooth", "loss"),
    ),
    penalty(
        "nuclear_norm",
        "Nuclear norm",
        "‖…‖<sub>∗</sub>",
        r"\left\| … \right\|_*",
        stem="low_rank",
        icon="mdi6.matrix",
        keywords=("low rank", "singular values", "trace", "robust pca"),
    ),
    penalty(
        "maximum",
        "Maximum",
        "max …",
        r"\max … ",
        stem="largest",
        icon="mdi6.arrow-up-bold-box-outline",
        keywords=("largest", "minimax", "max"),
    ),
    penalty(
        "quantile",
        "Quantile loss",
        "Σ ρ(…)",
        r"\sum \rho\left( … \right)",
        1.0,
        stem="tilted",
        icon="mdi6.chart-timeline-variant",
        parameters=(
            Parameter(
                "q", "quantile", "float", 0.5, minimum=0, maximum=1, help="0.5 is the median."
            ),
        ),
        keywords=("median", "pinball", "robust", "tilted"),
    ),
    penalty(
        "entropy",
        "Negative entropy",
        "Σ … log …",
        r"\sum … \log … ",
        stem="disorder",
        icon="mdi6.dice-multiple-outline",
        keywords=("maximum entropy", "log", "probability", "divergence"),
    ),
    penalty(
        "l0",
        "Count (L0)",
        "‖…‖<sub>0</sub>",
        r"\left\| … \right\|_0",
        stem="count",
        icon="mdi6.numeric-0-box-outline",
        keywords=("sparse", "hard threshold", "number of nonzeros", "non-convex"),
    ),
    penalty(
        "log_sum",
        "Log sum",
        "Σ log(1 + |…|/{epsilon})",
        r"\sum \log\left( 1 + \tfrac{\left| … \right|}{{epsilon}} \right)",
        stem="log_sparsity",
        icon="mdi6.math-log",
        parameters=(_above_zero("epsilon", "small size ε", 0.1, "What counts as small."),),
        keywords=("sparse", "reweighted", "non-convex"),
    ),
    penalty(
        "scad",
        "SCAD",
        "Σ p(|…|)",
        r"\sum p\left( \left| … \right| \right)",
        stem="clipped",
        icon="mdi6.chart-bell-curve-cumulative",
        parameters=(
            _above_zero("threshold", "threshold t", 1.0, "Below it magnitudes count as they are."),
            Parameter(
                "a",
                "end of growth a",
                "float",
                3.7,
                above=2,
                soft=(2.1, 10),
                help="Beyond a times the threshold a value costs no more.",
            ),
        ),
        keywords=("sparse", "unbiased", "non-convex", "clipped"),
    ),
)

_CONSTRAINTS = (
    constraint(
        "simplex",
        "Probabilities",
        "… ≥ 0, Σ … = {total}",
        r"… \ge 0, \; \textstyle\sum … = {total}",
        formula="e ≥ 0, Σ e = s",
        stem="probabilities",
        icon="mdi6.triangle",
        parameters=(_above_zero("total", "sum", 1.0, "What all values add up to."),),
        keywords=("simplex", "kernel", "sum to one", "nonnegative"),
    ),
    constraint(
        "l1_ball",
        "L1 ball",
        "‖…‖<sub>1</sub> ≤ {radius}",
        r"\left\| … \right\|_1 \le {radius}",
        formula="‖e‖<sub>1</sub> ≤ r",
        stem="sparse_set",
        icon="mdi6.rhombus-outline",
        parameters=(_radius("The largest sum of magnitudes."),),
        keywords=("sparse", "lasso", "ball"),
    ),
    constraint(
        "l2_ball",
        "L2 ball",
        "‖…‖<sub>2</sub> ≤ {radius}",
        r"\left\| … \right\|_2 \le {radius}",
        formula="‖e‖<sub>2</sub> ≤ r",
        stem="ball",
        icon="mdi6.circle-outline",
        parameters=(_radius("The largest length."),),
        keywords=("euclidean", "energy", "ball"),
    ),
    constraint(
        "linf_ball",
        "Bounded magnitude",
        "|…| ≤ {radius}",
        r"\left| … \right| \le {radius}",
        formula="|e| ≤ r",
        stem="bounded",
        icon="mdi6.square-outline",
        parameters=(_radius("The largest magnitude of any value."),),
        keywords=("l-infinity", "clip", "ball", "range"),
    ),
    constraint(
        "noise_ball",
        "Within the noise",
        "‖… − {b}‖<sub>2</sub> ≤ {sigma} √n",
        r"\left\| … - {b} \right\|_2 \le {sigma} \sqrt n",
        formula="‖e − b‖<sub>2</sub> ≤ σ √n",
        stem="explained",
        icon="mdi6.target",
        ports=(Port("b", "data", PortType.IMAGE, help="The data that are to be explained."),),
        parameters=(
            Parameter(
                "sigma",
                "noise σ",
                "float",
                0.01,
                minimum=0,
                scale="log",
                soft=(1e-4, 1),
                decimals=4,
                help="The standard deviation of the noise in the data.",
            ),
        ),
        keywords=("constrained", "discrepancy", "morozov", "fidelity", "data"),
    ),
)

SPECS = (*_PENALTIES, *_CONSTRAINTS)
