"""Scales moved into functions, term by term, under the published names."""

from __future__ import annotations

from collections.abc import Sequence

from dprox_core.compat.linop.algebra import scale
from dprox_core.compat.proxfn.base import ProxFn, _shallow

__all__ = ["absorb_all_linops", "absorb_linop"]


def absorb_linop(prox_fn: ProxFn) -> list[ProxFn]:
    """f(s A x) as a function of A x, whose ``beta`` is s times what it was.

    Args:
        prox_fn: a function; one of an expression that is no multiple stays as it is.

    Returns:
        A list of one.

    Example:
        >>> import dprox_core.compat as dp
        >>> from dprox_core.compat.algo.opt.absorb import absorb_linop
        >>> (found,) = absorb_linop(dp.norm1(2 * dp.Variable(name="x")))
        >>> found, found.beta
        (norm1(x), 2)
    """
    other = prox_fn
    while isinstance(other.linop, scale) and isinstance(other.linop.scalar, (int, float)):
        inner = _shallow(other)
        inner.beta = other.beta * other.linop.scalar
        inner.linop = other.linop.arguments[0]
        inner._origin = prox_fn
        if inner.beta == 0:
            return [other]
        other = inner
    return [other]


def absorb_all_linops(prox_funcs: Sequence[ProxFn]) -> list[ProxFn]:
    """``absorb_linop`` of each function."""
    return [found for function in prox_funcs for found in absorb_linop(function)]
