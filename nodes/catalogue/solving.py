"""The problem, its solvers, and the views of what comes out."""

from __future__ import annotations

from collections.abc import Mapping

from nodes.parameter import Json, Parameter
from nodes.spec import Form, NodeSpec, Port, PortType

__all__ = ["SPECS"]

_ITERATIONS = Parameter(
    "max_iter",
    "iterations at most",
    "int",
    200,
    minimum=1,
    maximum=1_000_000,
    scale="log",
    soft=(10, 2000),
    help="The solver stops here if it has not converged before.",
)
_RHO = Parameter(
    "rho",
    "penalty ρ",
    "float",
    None,
    above=0,
    optional=True,
    quiet=True,
    scale="log",
    soft=(0.001, 100),
    decimals=4,
    help="The weight of the splitting; automatic adapts it while solving.",
)


def _tolerance(name: str, title: str, default: float, help: str) -> Parameter:
    return Parameter(
        name,
        title,
        "float",
        default,
        minimum=0,
        maximum=1,
        quiet=True,
        scale="log",
        soft=(1e-8, 1e-1),
        decimals=8,
        help=help,
    )


_TOLERANCES = (
    _tolerance("abs_tol", "absolute tolerance", 3e-4, "Stop when residuals fall below this."),
    _tolerance("rel_tol", "relative tolerance", 1e-3, "The same, relative to the iterates."),
)


def _iterations(parameters: Mapping[str, Json]) -> str:
    return f"at most {parameters.get('max_iter')} iterations"


def _solver(
    method: str,
    title: str,
    icon: str,
    extra: tuple[Parameter, ...],
    about: str,
    formula: str,
    keywords: tuple[str, ...],
) -> NodeSpec:
    return NodeSpec(
        type=method,
        title=title,
        category="solvers",
        function="Problem.solve",
        stem="result",
        icon=icon,
        inputs=(
            Port("problem", "problem", PortType.PROBLEM, help="What to minimize."),
            Port(
                "x0",
                "start",
                PortType.IMAGE,
                optional=True,
                keyword="x0",
                help="Where to start; without it the solver starts at zero.",
            ),
            Port(
                "truth",
                "ground truth",
                PortType.IMAGE,
                optional=True,
                keyword="truth",
                help="The image to compare with: PSNR is reported in every iteration.",
            ),
        ),
        outputs=(Port("solution", "solution", PortType.SOLUTION),),
        parameters=(_ITERATIONS, *extra, *_TOLERANCES),
        form=Form.SOLVE,
        constants={"method": method},
        formula=formula,
        about=about,
        summary=_iterations,
        keywords=("solve", "minimize", "optimizer", "algorithm", *keywords),
    )


SPECS = (
    NodeSpec(
        type="problem",
        title="Problem",
        category="problem",
        function="Problem",
        stem="problem",
        icon="mdi6.sigma",
        inputs=(
            Port("terms", "terms", PortType.TERM, multiple=True, help="Penalties and constraints."),
        ),
        outputs=(Port("problem", "problem", PortType.PROBLEM),),
        form=Form.PROBLEM,
        formula="minimize the sum of the terms",
        keywords=("objective", "minimize", "sum"),
    ),
    _solver(
        "admm",
        "ADMM",
        "mdi6.call-split",
        (_RHO,),
        "Solves any sum of penalties and constraints by splitting it into simple parts.\n\n"
        "The alternating direction method of multipliers keeps a copy of every term's argument "
        "and goes round three steps: a linear system for the unknown, the proximal operator of "
        "each term for its copy, and a correction that brings the copies together. It converges "
        "for every convex problem.\n\n"
        "S. Boyd et al., Distributed Optimization and Statistical Learning via the Alternating "
        "Direction Method of Multipliers, 2011.",
        "x ← argmin f(x) + ρ/2 Σ‖K x − z + u‖², z ← prox(K x + u), u ← u + K x − z",
        ("splitting", "alternating direction method of multipliers"),
    ),
    _solver(
        "hqs",
        "HQS",
        "mdi6.stairs-down",
        (_RHO,),
        "Solves problems with a deep prior by half-quadratic splitting.\n\n"
        "Each iteration solves a linear system that keeps the unknown true to the data, then "
        "denoises it. The noise level falls from coarse to that of the data in as many steps as "
        "the course has, 24 unless fewer iterations are allowed, and the penalty rises along with "
        "it.\n\n"
        "K. Zhang et al., Plug-and-Play Image Restoration with Deep Denoiser Prior, 2021.",
        "x ← argmin f(x) + ρ/2 ‖x − z‖², z ← D(x, σ)",
        ("plug and play", "pnp", "dpir", "half-quadratic splitting", "denoiser"),
    ),
    _solver(
        "fista",
        "FISTA",
        "mdi6.fast-forward-outline",
        (),
        "Solves sums of squares plus one simple penalty by accelerated gradient steps.\n\n"
        "Each iteration takes one gradient step on the sums of squares, the proximal operator of "
        "the penalty, and a step of momentum. It needs no linear system, and takes one penalty "
        "or constraint on the variable itself; for anything else use ADMM.\n\n"
        "A. Beck, M. Teboulle, A Fast Iterative Shrinkage-Thresholding Algorithm for Linear "
        "Inverse Problems, 2009.",
        "x ← prox(y − τ ∇f(y)), y ← x + momentum",
        ("gradient", "accelerated"),
    ),
    NodeSpec(
        type="view_image",
        title="View",
        category="views",
        function="save_image",
        stem="view",
        icon="mdi6.eye-outline",
        inputs=(
            Port("image", "image", PortType.IMAGE, help="An image, kernel, mask or solution."),
        ),
        parameters=(
            Parameter(
                "label",
                "name",
                "text",
                None,
                optional=True,
                quiet=True,
                help="The name of the picture's file; automatic takes the name that was given to "
                "the node, else that of what it shows.",
            ),
            Parameter(
                "levels",
                "levels",
                "choice",
                "0…1",
                choices=("0…1", "auto"),
                literals={"0…1": "(0.0, 1.0)", "auto": '"auto"'},
                quiet=True,
                help="Black and white at 0 and 1, or at the smallest and largest value.",
            ),
        ),
        form=Form.VIEW,
        summary=lambda p: str(p.get("label") or ""),
        keywords=("show", "display", "save", "output", "png"),
    ),
)
