"""The options of methods: left out of the script while the method chooses."""

from __future__ import annotations

from nodes.parameter import Parameter

__all__ = [
    "ADAPTIVE",
    "ANDERSON",
    "BACKTRACKING",
    "DUAL_STEP",
    "LINEAR_SOLVER",
    "PRECONDITIONED",
    "RATIO",
    "RESTART",
    "RHO",
    "STEP",
    "STEPS",
    "VARIANT",
    "relaxation",
]


def _positive(name: str, title: str, soft: tuple[float, float], help: str) -> Parameter:
    return Parameter(
        name,
        title,
        "float",
        None,
        above=0,
        optional=True,
        quiet=True,
        scale="log",
        soft=soft,
        decimals=4,
        help=help,
    )


def relaxation(default: float, help: str) -> Parameter:
    """How far beyond its own result a step goes."""
    return Parameter(
        "relaxation",
        "relaxation",
        "float",
        default,
        above=0,
        maximum=1.999,
        quiet=True,
        soft=(0.5, 1.95),
        decimals=2,
        help=help,
    )


RHO = _positive(
    "rho",
    "penalty ρ",
    (0.001, 100),
    "The weight of the splitting; automatic adapts it while solving.",
)
STEP = _positive(
    "step",
    "step size",
    (1e-4, 10),
    "How far each step goes; automatic takes the longest that is sure to converge.",
)
RATIO = _positive(
    "weight",
    "dual to primal",
    (0.001, 1000),
    "The ratio of dual to primal steps; automatic balances it while solving.",
)
LINEAR_SOLVER = Parameter(
    "linear_solver",
    "linear system by",
    "choice",
    "automatic",
    choices=("automatic", "cg", "minres"),
    literals={"automatic": "None", "cg": '"cg"', "minres": '"minres"'},
    quiet=True,
    help="Automatic solves in closed form where it can; or conjugate gradients, or minimal "
    "residuals.",
)
DUAL_STEP = Parameter(
    "dual_step",
    "dual step",
    "float",
    None,
    minimum=0,
    maximum=1,
    optional=True,
    quiet=True,
    soft=(0, 1),
    decimals=2,
    help="How much of what copies miss their duals take up. Automatic is 0.5 where everything is "
    "convex, and 0 elsewhere: a penalty method with growing ρ.",
)
STEPS = Parameter(
    "steps",
    "noise levels",
    "int",
    None,
    minimum=1,
    maximum=1000,
    optional=True,
    quiet=True,
    soft=(4, 64),
    help="With a deep prior: in how many steps the noise level falls; automatic takes 24.",
)
ADAPTIVE = Parameter(
    "adaptive",
    "adapt",
    "bool",
    True,
    quiet=True,
    help="Balance primal and dual steps while solving.",
)
PRECONDITIONED = Parameter(
    "preconditioned",
    "precondition",
    "bool",
    True,
    quiet=True,
    help="A step of its own for each dual variable, after its operator's norm.",
)
VARIANT = Parameter(
    "variant",
    "variant",
    "choice",
    "pd3o",
    choices=("pd3o", "condat_vu"),
    quiet=True,
    help="Yan's three-operator method, or the older one of Condat and Vũ.",
)
BACKTRACKING = Parameter(
    "backtracking",
    "search the step",
    "bool",
    False,
    quiet=True,
    help="Try longer steps, and shorten one that does not decrease the objective enough.",
)
RESTART = Parameter(
    "restart",
    "restart",
    "bool",
    True,
    quiet=True,
    help="Drop the momentum where it leads the wrong way.",
)
ANDERSON = Parameter(
    "anderson",
    "extrapolate from",
    "int",
    None,
    minimum=0,
    maximum=50,
    optional=True,
    quiet=True,
    unit="points",
    soft=(0, 10),
    help="Anderson acceleration from so many past iterates, such as 5; automatic is none.",
)
