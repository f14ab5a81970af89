"""Proximal functions under the names of the published reference."""

from dprox_core.compat.proxfn.base import ProxFn, ProxFnSum
from dprox_core.compat.proxfn.deep import deep_prior, patch_nlm, unrolled_prior
from dprox_core.compat.proxfn.functions import (
    nonneg,
    norm1,
    norm2,
    sum_squares,
    weighted_sum_squares,
)
from dprox_core.compat.proxfn.least_squares import least_squares
from dprox_core.compat.proxfn.measured import (
    compress_sensing,
    csmri,
    ext_sum_squares,
    misr,
    phase_ret,
    sisr,
    spi,
)

__all__ = [
    "ProxFn",
    "ProxFnSum",
    "compress_sensing",
    "csmri",
    "deep_prior",
    "ext_sum_squares",
    "least_squares",
    "misr",
    "nonneg",
    "norm1",
    "norm2",
    "patch_nlm",
    "phase_ret",
    "sisr",
    "spi",
    "sum_squares",
    "unrolled_prior",
    "weighted_sum_squares",
]
