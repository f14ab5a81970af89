"""The primitives, at their published place."""

from dprox_core.compat.algo.problem import compile, optimize, visualize
from dprox_core.compat.algo.specialize import specialize
from dprox_core.compat.algo.train import train
from dprox_core.compat.linop.graph import adjoint, eval, gram, validate

__all__ = [
    "adjoint",
    "compile",
    "eval",
    "gram",
    "optimize",
    "specialize",
    "train",
    "validate",
    "visualize",
]
