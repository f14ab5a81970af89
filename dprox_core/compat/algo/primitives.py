"""The primitives, at their published place."""

from dprox_core.compat.algo.problem import compile, optimize, visualize
from dprox_core.compat.algo.published import SOLVERS
from dprox_core.compat.algo.specialized import specialize
from dprox_core.compat.algo.train import train
from dprox_core.compat.linop.graph import (
    CompGraph,
    adjoint,
    est_CompGraph_norm,
    eval,
    gram,
    validate,
)

__all__ = [
    "SOLVERS",
    "CompGraph",
    "adjoint",
    "compile",
    "est_CompGraph_norm",
    "eval",
    "gram",
    "optimize",
    "specialize",
    "train",
    "validate",
    "visualize",
]
