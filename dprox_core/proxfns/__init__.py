"""Penalty functions: value and proximal operator, in families."""

from dprox_core.proxfns.base import PROXFNS, Objective, ProxFn, Term
from dprox_core.proxfns.deep import DeepPrior, UnrolledPrior, deep_prior, unrolled_prior
from dprox_core.proxfns.indicators import Box, Nonneg, box, nonneg
from dprox_core.proxfns.losses import SumSquares, sum_squares
from dprox_core.proxfns.norms import GroupNorm1, Norm1, group_norm1, norm1

__all__ = [
    "PROXFNS",
    "Box",
    "DeepPrior",
    "GroupNorm1",
    "Nonneg",
    "Norm1",
    "Objective",
    "ProxFn",
    "SumSquares",
    "Term",
    "UnrolledPrior",
    "box",
    "deep_prior",
    "group_norm1",
    "nonneg",
    "norm1",
    "sum_squares",
    "unrolled_prior",
]
