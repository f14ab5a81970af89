"""Proofs that a program has no solution: directions in which its limits let nothing stop."""

from __future__ import annotations

import numpy as np
import torch

from dprox_core.lp.across import ALONE, Across
from dprox_core.lp.certificate import Limits, dual_feasible

__all__ = ["RAYS_EVERY", "RAY_TOLERANCE", "proves_infeasible", "proves_unbounded", "recession"]

# A ray is believed when what it leaves unexplained is this small in scaled units.
RAY_TOLERANCE = 1e-7
# Rays take two products more: they are looked at in every fifth check.
RAYS_EVERY = 5


def proves_infeasible(
    limits: Limits,
    y: torch.Tensor,
    adjoint: torch.Tensor,
    size: torch.Tensor,
    tol: float,
    across: Across = ALONE,
) -> bool:
    """Whether y proves that no point with |x| ≤ size / tol meets all rows and bounds.

    Every feasible x satisfies 0 ≥ [yᵀ row limits + zᵀ bounds] − Σ |z miss|·|x| with z = −Aᵀy, by
    Farkas' lemma; a positive bracket contradicts that unless x is huge.

    Args:
        limits: of the minimization.
        y: a direction of the duals, ``(m,)``.
        adjoint: Aᵀ times y with the parts that no finite limit supports taken out.
        size: the size of each variable to expect, ``(n,)``.
        tol: how small the unsupported part must be, relative to what it disproves.
        across: completes what is summed over rows.
    """
    y = dual_feasible(limits, y)
    y_up, y_down = y.clamp(min=0), y.clamp(max=0)
    z = -adjoint
    z_up, z_down = z.clamp(min=0), z.clamp(max=0)
    miss = z_up * limits.no_lower - z_down * limits.no_upper
    # The value is a difference of large numbers: what rounding leaves of it proves nothing.
    numbers = torch.stack(
        [
            y_up @ limits.finite_row_lower + y_down @ limits.finite_row_upper,
            y_up @ limits.finite_row_lower.abs() - y_down @ limits.finite_row_upper.abs(),
            z_up.masked_fill(limits.no_lower, 0.0) @ limits.finite_lower
            + z_down.masked_fill(limits.no_upper, 0.0) @ limits.finite_upper,
            z_up @ limits.finite_lower.abs() - z_down @ limits.finite_upper.abs(),
            miss @ size,
        ]
    ).tolist()
    value, scale = across.total(np.array(numbers[:2])).tolist()
    value, scale, missed = value + numbers[2], scale + numbers[3], numbers[4]
    return value > 0 and value > 1e-9 * scale and missed <= tol * value


def proves_unbounded(
    limits: Limits,
    x: torch.Tensor,
    activity: torch.Tensor,
    size: torch.Tensor,
    tol: float,
    across: Across = ALONE,
) -> bool:
    """Whether x is a direction of descent that rows and bounds allow for ever.

    Args:
        limits: of the minimization.
        x: a direction of the variables, already within the bounds' recession cone, ``(n,)``.
        activity: A x.
        size: the size of each row's dual to expect, ``(m,)``.
        tol: how small the violation of the rows must be, relative to the descent.
        across: completes what is summed over rows.
    """
    fall = -(limits.c @ x)
    up, down = activity.clamp(min=0), activity.clamp(max=0)
    miss = up * ~limits.no_row_upper - down * ~limits.no_row_lower
    fall, missed, scale = torch.stack([fall, miss @ size, limits.c.abs() @ x.abs()]).tolist()
    missed = float(across.total(np.array([missed]))[0])
    return fall > 0 and fall > 1e-9 * scale and missed <= tol * fall


def recession(limits: Limits, x: torch.Tensor) -> torch.Tensor:
    """The part of a direction along which no finite bound is met."""
    x = torch.where(limits.no_upper, x, x.clamp(max=0))
    return torch.where(limits.no_lower, x, x.clamp(min=0))
