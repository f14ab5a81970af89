"""Linear operators: maps with an adjoint, in families."""

from dprox_core.linops.algebra import Composition, Identity, Scale, Sum
from dprox_core.linops.base import LINOPS, LinOp, Transfer
from dprox_core.linops.conv import Conv, conv
from dprox_core.linops.gradient import Grad, grad
from dprox_core.linops.sampling import Mask, Mosaic, MulElementwise, mask, mosaic, mul_elementwise

__all__ = [
    "LINOPS",
    "Composition",
    "Conv",
    "Grad",
    "Identity",
    "LinOp",
    "Mask",
    "Mosaic",
    "MulElementwise",
    "Scale",
    "Sum",
    "Transfer",
    "conv",
    "grad",
    "mask",
    "mosaic",
    "mul_elementwise",
]
