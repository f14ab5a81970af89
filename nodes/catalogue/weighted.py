"""Penalties and constraints with numbers beside their expression: weights, classes, matrices."""

from __future__ import annotations

from nodes.catalogue.functions import constraint, penalty
from nodes.parameter import Parameter
from nodes.spec import Port, PortType

__all__ = ["SPECS"]

_CLASSES = Port(
    "y",
    "classes",
    PortType.ARRAY,
    optional=True,
    holds="classes",
    unwired="1",
    help="1 or −1 for each score, in its shape; 1 for all where nothing is wired.",
)
_WEIGHTS = Port(
    "weights", "weights", PortType.ARRAY, holds="weights", help="One for each value, 0 or more."
)

SPECS = (
    penalty(
        "hinge",
        "Hinge loss",
        "Σ max(0, 1 − {y} …)",
        r"\sum \max\left( 0, 1 - {y} \, … \right)",
        1.0,
        formula="λ Σ max(0, 1 − y e)",
        operand=2,
        ports=(_CLASSES,),
        stem="margins",
        icon="mdi6.arrow-collapse-down",
        keywords=("support vector machine", "svm", "classification", "margin", "labels"),
    ),
    penalty(
        "logistic",
        "Logistic loss",
        "Σ log(1 + exp(−{y} …))",
        r"\sum \log\left( 1 + e^{ -{y} \, … } \right)",
        1.0,
        formula="λ Σ log(1 + exp(−y e))",
        operand=2,
        ports=(_CLASSES,),
        stem="likelihood",
        icon="mdi6.chart-bell-curve-cumulative",
        keywords=("classification", "cross entropy", "sigmoid", "labels", "regression"),
    ),
    penalty(
        "linear",
        "Linear cost",
        "⟨{c}, …⟩",
        r"\left\langle {c}, … \right\rangle",
        1.0,
        formula="λ Σ c e",
        ports=(
            Port(
                "c",
                "costs",
                PortType.ARRAY,
                optional=True,
                unwired="1",
                help="The cost of each value; 1 for all where nothing is wired.",
            ),
        ),
        stem="cost",
        icon="mdi6.slope-uphill",
        keywords=("cost", "inner product", "sum", "linear program"),
    ),
    penalty(
        "quad_form",
        "Quadratic form",
        "…<sup>T</sup> {P} …",
        r"…^\top {P} \, … ",
        1.0,
        formula="λ e<sup>T</sup> P e",
        operand=2,
        ports=(
            Port(
                "P",
                "matrix",
                PortType.ARRAY,
                holds="covariance",
                help="Symmetric, without negative eigenvalues, as large as the last axis.",
            ),
        ),
        stem="energy",
        icon="mdi6.chart-timeline-variant-shimmer",
        keywords=("covariance", "mahalanobis", "tikhonov", "smooth", "quadratic"),
    ),
    penalty(
        "weighted_sum_squares",
        "Weighted squares",
        "Σ {weights} |…{target}|<sup>2</sup>",
        r"\sum {weights} \left| …{target} \right|^2",
        1.0,
        formula="λ Σ w |e − b|²",
        ports=(
            _WEIGHTS,
            Port(
                "target",
                "minus",
                PortType.IMAGE,
                optional=True,
                help="The data that the expression should come close to.",
            ),
        ),
        stem="weighted_fidelity",
        icon="mdi6.weight",
        keywords=("fidelity", "confidence", "variance", "heteroscedastic", "least squares"),
    ),
    penalty(
        "weighted_norm1",
        "Weighted L1 norm",
        "Σ {weights} |…|",
        r"\sum {weights} \left| … \right|",
        formula="λ Σ w |e|",
        ports=(_WEIGHTS,),
        stem="weighted_sparsity",
        icon="mdi6.scale-unbalanced",
        keywords=("reweighted", "sparse", "l1", "adaptive lasso"),
    ),
    constraint(
        "affine_set",
        "Linear equations",
        "{A} … = {b}",
        "{A} … = {b}",
        formula="A e = b",
        operand=1,
        ports=(
            Port(
                "A",
                "matrix",
                PortType.ARRAY,
                holds="equations",
                help="One row an equation, one column for each value of the last axis.",
            ),
            Port("b", "right side", PortType.ARRAY, holds="equations", help="One value a row."),
        ),
        stem="equations",
        icon="mdi6.equal-box",
        keywords=("affine", "equality", "system", "projection", "exact"),
    ),
    constraint(
        "equal",
        "Equal to",
        "… = {b}",
        "… = {b}",
        formula="e = b",
        ports=(
            Port(
                "b",
                "values",
                PortType.ARRAY,
                optional=True,
                unwired="0",
                help="What each value must be; 0 for all where nothing is wired.",
            ),
        ),
        stem="equality",
        icon="mdi6.equal",
        keywords=("equality", "fixed", "exact data", "constraint"),
    ),
    constraint(
        "limits",
        "Limits",
        "{lower} ≤ … ≤ {upper}",
        r"{lower} \le … \le {upper}",
        formula="l ≤ e ≤ u",
        ports=(
            Port(
                "lower",
                "at least",
                PortType.ARRAY,
                optional=True,
                keyword="lower",
                unwired="−∞",
                help="The smallest value each element may take; none where nothing is wired.",
            ),
            Port(
                "upper",
                "at most",
                PortType.ARRAY,
                optional=True,
                keyword="upper",
                unwired="∞",
                help="The largest value each element may take; none where nothing is wired.",
            ),
        ),
        stem="rows",
        icon="mdi6.arrow-collapse-vertical",
        keywords=(
            "inequality",
            "at most",
            "at least",
            "a x ≤ b",
            "bounds",
            "rows",
            "linear program",
        ),
    ),
    constraint(
        "halfspace",
        "Half-space",
        "⟨{a}, …⟩ ≤ {b}",
        r"\left\langle {a}, … \right\rangle \le {b}",
        formula="⟨a, e⟩ ≤ b",
        ports=(
            Port(
                "a",
                "normal",
                PortType.ARRAY,
                optional=True,
                holds="normal",
                unwired="1",
                help="How much each value counts, not all 0; 1 for all where nothing is wired.",
            ),
        ),
        stem="budget",
        icon="mdi6.vector-line",
        parameters=(
            Parameter(
                "b", "at most", "float", 0.0, soft=(-10, 10), help="The largest weighted sum."
            ),
        ),
        summary=lambda p: f"≤ {p.get('b')}",
        keywords=("budget", "inequality", "sum", "linear constraint"),
    ),
    constraint(
        "psd_cone",
        "Semi-definite",
        "… ⪰ 0",
        r"… \succeq 0",
        formula="e ⪰ 0",
        stem="semidefinite",
        icon="mdi6.cone",
        keywords=("psd", "positive semi-definite", "covariance", "matrix", "eigenvalues"),
    ),
)
