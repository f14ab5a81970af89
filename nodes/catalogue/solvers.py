"""The methods that solve a problem."""

from __future__ import annotations

from collections.abc import Mapping

from nodes.catalogue.solver_options import (
    ADAPTIVE,
    ANDERSON,
    BACKTRACKING,
    DUAL_STEP,
    LINEAR_SOLVER,
    PRECONDITIONED,
    RATIO,
    RESTART,
    RHO,
    STEP,
    STEPS,
    VARIANT,
    relaxation,
)
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


_OVER = relaxation(1.6, "How far beyond its own result a step goes; 1 for the plain method.")
_UNDER = relaxation(1.0, "How far beyond its own result a step goes; up to 2 is often faster.")


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
        parameters=(_ITERATIONS, *extra, ANDERSON, *_TOLERANCES),
        form=Form.SOLVE,
        constants={"method": method},
        formula=formula,
        about=about,
        summary=_iterations,
        keywords=("solve", "minimize", "optimizer", "algorithm", *keywords),
    )


SPECS = (
    _solver(
        "admm",
        "ADMM",
        "mdi6.call-split",
        (RHO, _OVER, LINEAR_SOLVER, STEPS),
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
        (RHO, DUAL_STEP, LINEAR_SOLVER, STEPS),
        "Solves by half-quadratic splitting: made for deep priors.\n\n"
        "Each iteration solves a linear system that keeps the unknown true to the data, then "
        "denoises it. The noise level falls from coarse to that of the data in as many steps as "
        "the course has, 24 unless fewer iterations are allowed, and the penalty rises along with "
        "it. Without a deep prior the proximal operators take the denoiser's place, and short "
        "dual steps lead to the optimum of a convex problem. With a dual step of 0 it is the "
        "penalty method: ρ grows with the iterations, and the result is off by about 1/ρ.\n\n"
        "K. Zhang et al., Plug-and-Play Image Restoration with Deep Denoiser Prior, 2021; "
        "R. Glowinski, Numerical Methods for Nonlinear Variational Problems, 1984.",
        "x ← argmin f(x) + ρ/2 ‖x − z‖², z ← D(x, σ)",
        ("plug and play", "pnp", "dpir", "half-quadratic splitting", "denoiser"),
    ),
    _solver(
        "fista",
        "FISTA",
        "mdi6.fast-forward-outline",
        (STEP, RESTART, STEPS),
        "Solves sums of squares plus one simple penalty by accelerated gradient steps.\n\n"
        "Each iteration takes one gradient step on the sums of squares, the proximal operator of "
        "the penalty, and a step of momentum. It needs no linear system, and takes one penalty "
        "or constraint on the variable itself; for anything else use ADMM. With a deep prior the "
        "sums of squares are solved for in one linear system, from coarse noise levels to fine "
        "ones, as with HQS; a step size asks for plain gradient steps.\n\n"
        "A. Beck, M. Teboulle, A Fast Iterative Shrinkage-Thresholding Algorithm for Linear "
        "Inverse Problems, 2009.",
        "x ← prox(y − τ ∇f(y)), y ← x + momentum",
        ("gradient", "accelerated"),
    ),
    _solver(
        "admm_vxu",
        "ADMM, proxes first",
        "mdi6.swap-vertical",
        (RHO, LINEAR_SOLVER, STEPS),
        "ADMM in the order copies, unknown, corrections.\n\n"
        "The same method as ADMM with its two blocks exchanged: the unknown that it returns solves "
        "the linear system of the newest copies.\n\n"
        "S. Boyd et al., Distributed Optimization and Statistical Learning via the Alternating "
        "Direction Method of Multipliers, 2011.",
        "z ← prox(K x + u), x ← argmin f(x) + ρ/2 Σ‖K x − z + u‖², u ← u + K x − z",
        ("splitting", "vxu"),
    ),
    _solver(
        "ladmm",
        "Linearized ADMM",
        "mdi6.call-merge",
        (RHO, STEPS),
        "ADMM without a linear system: a gradient step takes its place.\n\n"
        "Each iteration is cheap and needs only the operators and their adjoints, but more "
        "iterations are needed. Worth it where the linear system has no fast solution. "
        "With a deep prior sums of squares go through one linear system after all.\n\n"
        "N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 4.4.2.",
        "x ← prox(x − μ (∇f(x) + ρ Kᵀ(K x − z + u))), z ← prox(K x + u), u ← u + K x − z",
        ("splitting", "linearised", "matrix free"),
    ),
    _solver(
        "pdhg",
        "PDHG",
        "mdi6.swap-horizontal",
        (STEP, RATIO, _UNDER, ADAPTIVE, PRECONDITIONED, STEPS),
        "Solves any sum of penalties by primal-dual steps, without a linear system.\n\n"
        "The primal-dual hybrid gradient method of Chambolle and Pock goes a step down in the "
        "unknown and a step up in a dual variable for every term behind an operator. Step sizes "
        "follow from the operators' norms and are balanced while solving. With a deep prior, whose "
        "denoiser answers for a dual step, sums of squares go through one linear system.\n\n"
        "A. Chambolle, T. Pock, A First-Order Primal-Dual Algorithm for Convex Problems with "
        "Applications to Imaging, 2011.",
        "x⁺ ← prox(x − τ Kᵀy), y ← prox*(y + σ K(2 x⁺ − x))",
        ("primal-dual", "chambolle", "pock", "pc"),
    ),
    _solver(
        "pd3o",
        "PD3O",
        "mdi6.numeric-3-circle-outline",
        (VARIANT, STEP, RATIO, ADAPTIVE, PRECONDITIONED, STEPS),
        "Primal-dual steps with gradients for everything smooth.\n\n"
        "Smooth terms, such as sums of squares, enter through their gradients, one simple penalty "
        "through its proximal operator, and everything behind an operator through dual "
        "variables. With a deep prior sums of squares go through one linear system, other smooth "
        "terms through their gradients.\n\n"
        "M. Yan, A New Primal-Dual Algorithm for Minimizing the Sum of Three Functions with a "
        "Linear Operator, 2018.",
        "x⁺ ← prox(x − τ ∇f(x) − τ Kᵀy), y ← prox*(y + σ K(2 x⁺ − x + τ (∇f(x) − ∇f(x⁺))))",
        ("primal-dual", "condat", "vu", "three operators"),
    ),
    _solver(
        "dr",
        "Douglas-Rachford",
        "mdi6.mirror",
        (RHO, _OVER, LINEAR_SOLVER, STEPS),
        "Solves any sum of penalties by reflections.\n\n"
        "A linear system for the unknown and the proximal operators of the split terms, each "
        "applied to the mirror image of the other's result. It accepts what ADMM accepts.\n\n"
        "P.-L. Lions, B. Mercier, Splitting Algorithms for the Sum of Two Nonlinear Operators, "
        "1979.",
        "x ← argmin f(x) + ρ/2 ‖K x − w‖², z ← prox(2 K x − w), w ← w + z − K x",
        ("splitting", "reflection"),
    ),
    _solver(
        "pgd",
        "Proximal gradient",
        "mdi6.arrow-down-bold-outline",
        (STEP, BACKTRACKING, STEPS),
        "Solves smooth terms plus one simple penalty by gradient steps.\n\n"
        "Each iteration takes one gradient step on the smooth terms and the proximal operator of "
        "the penalty. FISTA is the same with momentum, and usually faster; without momentum the "
        "objective never rises. With a deep prior the sums of squares are solved for in one linear "
        "system, from coarse noise levels to fine ones, as with HQS; a step size asks for plain "
        "gradient steps.\n\n"
        "P. L. Combettes, V. R. Wajs, Signal Recovery by Proximal Forward-Backward Splitting, "
        "2005.",
        "x ← prox(x − τ ∇f(x))",
        ("gradient", "forward-backward", "ista"),
    ),
)
