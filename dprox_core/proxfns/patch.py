"""Penalties on patches of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dprox_core.proxfns.deep import deep_prior

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression
    from dprox_core.proxfns.base import Objective

__all__ = ["patch_nlm"]


def patch_nlm(e: Expression, sigma: float | None = None, clamp: bool = False) -> Objective:
    """A prior that asks patches of an image to resemble each other, by non-local means.

    Wherever its prox is asked for, non-local means answers: deep_prior with the denoiser "nlm",
    which needs no training, and the same course of noise levels.

    Args:
        e: a real expression shaped (..., C, H, W); values are expected between 0 and 1.
        sigma: noise level of the data, from 0; None measures it in the data.
        clamp: cut results to 0…1.

    Returns:
        An objective without a known value, for the methods "admm", "hqs", "fista" and "pgd".

    Raises:
        ParameterError: an option is out of range.
        ShapeError: e has fewer than two axes.

    Example:
        >>> import dprox_core as dp
        >>> dp.patch_nlm(dp.Variable("x", (1, 3, 32, 32))).describe()
        'deep_prior(x, "nlm")'

    References:
        A. Buades, B. Coll, J.-M. Morel, A non-local algorithm for image denoising, 2005.
    """
    return deep_prior(e, "nlm", sigma=sigma, clamp=clamp)
