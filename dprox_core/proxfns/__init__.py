"""Penalty functions: value and proximal operator, in families."""

from dprox_core.proxfns.balls import l1_ball, l2_ball, linf_ball, noise_ball
from dprox_core.proxfns.base import PROXFNS, Objective, ProxFn, Term
from dprox_core.proxfns.data_terms import compress_sensing, csmri, misr, sisr
from dprox_core.proxfns.deep import DeepPrior, UnrolledPrior, deep_prior, unrolled_prior
from dprox_core.proxfns.detectors import phase_ret, spi
from dprox_core.proxfns.indicators import Box, Nonneg, box, limits, nonneg
from dprox_core.proxfns.likelihoods import entropy, hinge, logistic, poisson, quantile
from dprox_core.proxfns.linear import linear, maximum, quad_form, weighted_sum_squares
from dprox_core.proxfns.losses import SumSquares, sum_squares
from dprox_core.proxfns.nonconvex import l0, log_sum, scad
from dprox_core.proxfns.norms import GroupNorm1, Norm1, group_norm1, norm1
from dprox_core.proxfns.norms_other import (
    elastic_net,
    huber,
    norm2,
    norm_inf,
    nuclear_norm,
    weighted_norm1,
)
from dprox_core.proxfns.patch import patch_nlm
from dprox_core.proxfns.sets import affine_set, equal, halfspace, psd_cone, simplex

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
    "affine_set",
    "box",
    "compress_sensing",
    "csmri",
    "deep_prior",
    "elastic_net",
    "entropy",
    "equal",
    "group_norm1",
    "halfspace",
    "hinge",
    "huber",
    "l0",
    "l1_ball",
    "l2_ball",
    "limits",
    "linear",
    "linf_ball",
    "log_sum",
    "logistic",
    "maximum",
    "misr",
    "noise_ball",
    "nonneg",
    "norm1",
    "norm2",
    "norm_inf",
    "nuclear_norm",
    "patch_nlm",
    "phase_ret",
    "poisson",
    "psd_cone",
    "quad_form",
    "quantile",
    "scad",
    "simplex",
    "sisr",
    "spi",
    "sum_squares",
    "unrolled_prior",
    "weighted_norm1",
    "weighted_sum_squares",
]
