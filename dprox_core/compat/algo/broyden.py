"""Fixed points by Broyden's method, under the names of the published reference."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from dprox_core.compat.algo.equilibrium import (
    Search,
    anderson,
    jac_loss_estimate,
    refuse_stop_mode,
)

__all__ = [
    "anderson",
    "broyden",
    "jac_loss_estimate",
    "line_search",
    "scalar_search_armijo",
]

# A step whose secant tells less than this share of its length tells nothing.
_FLAT = 1e-12


def broyden(
    f: Callable[[torch.Tensor], torch.Tensor],
    x0: torch.Tensor,
    threshold: int = 50,
    eps: float = 1e-3,
    stop_mode: str = "rel",
    ls: bool = False,
    name: str = "unknown",
    **options: Any,
) -> dict[str, Any]:
    """A fixed point x = f(x) by Broyden's method; what was nearest to one is returned.

    A root of g(x) = f(x) − x: steps d = −H g(x), where H ≈ (∂g)⁻¹ begins at −I and after each step
    d, with y the change of g, becomes H + (d − H y) dᵀH / dᵀH y (Sherman and Morrison). Its updates
    are kept as two lists of vectors, so that memory grows by two points a step.

    Args:
        f: the map.
        x0: where to start, of any shape; a batch is one point.
        threshold: the most points.
        eps: ends where ‖f(x) − x‖ is below this.
        stop_mode: "rel" divides it by ‖f(x)‖, "abs" does not.
        ls: whether steps are shortened until ‖g‖² falls enough (``line_search``).
        name: kept for old scripts.
        options: kept for old scripts.

    Returns:
        "result", its residual "lowest", "nstep" points, "abs_trace" and "rel_trace" of all of them,
        "prot_break" (whether a residual was not finite), "eps" and "threshold".

    Raises:
        ParameterError: there is no such ``stop_mode``.

    Example:
        >>> import torch
        >>> from dprox_core.compat.algo.broyden import broyden
        >>> broyden(torch.cos, torch.ones(1, dtype=torch.float64), eps=1e-9)["result"]
        tensor([0.7391], dtype=torch.float64)

    References:
        C. G. Broyden, A Class of Methods for Solving Nonlinear Simultaneous Equations, 1965.
    """
    refuse_stop_mode(stop_mode)
    search = Search(x0, eps, threshold, stop_mode)
    left: list[torch.Tensor] = []
    right: list[torch.Tensor] = []

    def g(x: torch.Tensor) -> torch.Tensor:
        return f(x) - x

    def times(v: torch.Tensor, first: list[torch.Tensor], second: list[torch.Tensor]) -> Any:
        # (−I + Σ first secondᵀ) v.
        total = -v
        for a, b in zip(first, second, strict=True):
            total = total + a * _dot(b, v)
        return total

    point, value = x0, g(x0)
    while search.goes_on(point, value, point + value):
        direction = -times(value, left, right)
        step = line_search(direction, point, value, g)[0] if ls else 1.0
        moved = step * direction
        point = point + moved
        after = g(point)
        change, value = after - value, after
        # A row of H, before the update: dᵀH.
        row = times(moved, right, left)
        pushed = times(change, left, right)
        told = _dot(row, change)
        if float(told.detach().abs()) > _FLAT * float(_dot(moved, moved).detach().abs()):
            left.append((moved - pushed) / told)
            right.append(row)
    return search.answer()


def line_search(
    update: torch.Tensor,
    x0: torch.Tensor,
    g0: torch.Tensor,
    g: Callable[[torch.Tensor], torch.Tensor],
    nstep: int = 0,
    on: bool = True,
) -> tuple[float, torch.Tensor, torch.Tensor, torch.Tensor, int]:
    """How far to go along a direction towards a root of g, so that φ(s) = ‖g(x₀ + s d)‖² falls.

    Args:
        update: the direction d.
        x0: where it begins.
        g0: g(x₀).
        g: the function.
        nstep: kept for old scripts.
        on: whether to search at all; otherwise the whole step is taken.

    Returns:
        s, x₀ + s d, g there, the change of g, and how often g was evaluated.
    """
    tried: dict[float, torch.Tensor] = {}

    def phi(s: float) -> float:
        tried[s] = g(x0 + s * update)
        length = float(tried[s].detach().norm()) ** 2
        return length if math.isfinite(length) else math.inf

    step = 1.0
    if on:
        start = float(g0.detach().norm()) ** 2
        # Along a step of Newton's the slope of φ is −2 φ(0); half of it is asked of a quasi-Newton.
        found, _ = scalar_search_armijo(phi, start, -start)
        step = 1.0 if found is None else found
    else:
        phi(step)
    value = tried[step]
    return step, x0 + step * update, value, value - g0, len(tried)


def scalar_search_armijo(
    phi: Callable[[float], float],
    phi0: float,
    derphi0: float,
    c1: float = 1e-4,
    alpha0: float = 1.0,
    amin: float = 1e-2,
) -> tuple[float | None, float]:
    """A step s with φ(s) ≤ φ(0) + c₁ s φ'(0), from α₀ on by the least of parabolas.

    Args:
        phi: φ.
        phi0: φ(0).
        derphi0: φ'(0), below 0.
        c1: the share of the slope that is asked for.
        alpha0: the first step tried.
        amin: the least.

    Returns:
        The step, None where there is none, and φ at the last one tried.

    References:
        J. Nocedal, S. Wright, Numerical Optimization, section 3.5.
    """
    step, reached = alpha0, phi(alpha0)
    while reached > phi0 + c1 * step * derphi0:
        curve = reached - phi0 - derphi0 * step
        best = -derphi0 * step**2 / (2.0 * curve) if math.isfinite(curve) and curve > 0 else 0.0
        # Between a tenth and half of the last step, where parabolas are to be trusted.
        step = min(max(best, 0.1 * step), 0.5 * step)
        if step < amin:
            return None, reached
        reached = phi(step)
    return step, reached


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.vdot(a.flatten(), b.flatten())
