"""Roots of increasing functions, element by element, with gradients of the root."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

__all__ = ["increasing_root"]

Function = Callable[[torch.Tensor], torch.Tensor]


def increasing_root(
    function: Function,
    slope: Function,
    low: torch.Tensor,
    high: torch.Tensor,
    iterations: int = 100,
) -> torch.Tensor:
    """u with function(u) = 0 for a function that increases, between two bounds.

    Newton's method, replaced by a bisection wherever it leaves the bracket or its steps do not at
    least halve, as when it goes to and fro; the last step is taken with gradients, which by the
    implicit function theorem are then those of the root (W. H. Press et al., Numerical Recipes,
    section 9.4).

    Args:
        function: increasing in each element, and differentiable in what it is made from.
        slope: its derivative.
        low: where the function is not positive.
        high: where it is not negative.
        iterations: at most so many steps.
    """
    with torch.no_grad():
        low, high = low.detach().clone(), high.detach().clone()
        u = 0.5 * (low + high)
        moved = high - low
        # One more step of Newton's doubles the digits; after these, rounding would only move u.
        enough = 0.1 * math.sqrt(torch.finfo(u.dtype).eps)
        done = torch.zeros_like(u, dtype=torch.bool)
        for _ in range(iterations):
            value = function(u)
            low = torch.where(value < 0, u, low)
            high = torch.where(value > 0, u, high)
            step = u - value / slope(u)
            fine = (step > low) & (step < high) & ((step - u).abs() <= 0.5 * moved)
            new = torch.where(fine, step, 0.5 * (low + high))
            new = torch.where(done | (value == 0), u, new)
            moved = (new - u).abs()
            u = new
            done = moved <= enough * u.abs()
            if bool(done.all()):
                break
    return u - function(u) / slope(u).detach()
