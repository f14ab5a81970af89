"""Proximal functions under the names of the published reference."""

from dprox_core.compat.proxfn.base import ProxFn, ProxFnSum
from dprox_core.compat.proxfn.deep import deep_prior, patch_nlm, unrolled_prior
from dprox_core.compat.proxfn.functions import (
    csmri,
    ext_sum_squares,
    nonneg,
    norm1,
    norm2,
    sisr,
    sum_squares,
    weighted_sum_squares,
)
from dprox_core.compat.proxfn.least_squares import least_squares

__all__ = [
    "ProxFn",
    "ProxFnSum",
    "csmri",
    "deep_prior",
    "ext_sum_squares",
    "least_squares",
    "nonneg",
    "norm1",
    "norm2",
    "patch_nlm",
    "sisr",
    "sum_squares",
    "unrolled_prior",
    "weighted_sum_squares",
]
