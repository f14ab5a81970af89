"""Linear operators under the names of the published reference."""

from dprox_core.compat.linop.algebra import copy, scale, split, sum, vstack
from dprox_core.compat.linop.base import LinOp
from dprox_core.compat.linop.conv import conv, conv_doe
from dprox_core.compat.linop.custom import BlackBox, LearnedLinOp, LinOpFactory
from dprox_core.compat.linop.graph import (
    CompGraph,
    adjoint,
    est_CompGraph_norm,
    eval,
    gram,
    validate,
)
from dprox_core.compat.linop.leaves import Constant, Placeholder, Variable
from dprox_core.compat.linop.operators import (
    grad,
    mosaic,
    mul_color,
    mul_elementwise,
)

__all__ = [
    "BlackBox",
    "CompGraph",
    "Constant",
    "LearnedLinOp",
    "LinOp",
    "LinOpFactory",
    "Placeholder",
    "Variable",
    "adjoint",
    "conv",
    "conv_doe",
    "copy",
    "est_CompGraph_norm",
    "eval",
    "grad",
    "gram",
    "mosaic",
    "mul_color",
    "mul_elementwise",
    "scale",
    "split",
    "sum",
    "validate",
    "vstack",
]
