"""Roots of increasing functions, element by element, with gradients of the root."""

from __future__ import annotations

from collections.abc import Callable

import torch

__all__ = ["increasing_root"]

Function = Callable[[torch.Tensor], torch.Tensor]


def increasing_root(
    function: Function,
    slope: Function,
    low: torch.Tensor,
    high: torch.Tensor,
    iterations: int = 60,
) -> torch.Tensor:
    """u with function(u) = 0 for a function that increases, between two bounds.

    Newton's method, replaced by a bisection wherever it leaves the bracket; the last step is taken
    with gradients, which by the implicit function theorem are then those of the root.

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
        tiny = 4.0 * torch.finfo(u.dtype).eps
        for _ in range(iterations):
            value = function(u)
            low = torch.where(value < 0, u, low)
            high = torch.where(value > 0, u, high)
            step = u - value / slope(u)
            # At most half of the bracket, so that it shrinks at every step that Newton does badly.
            fine = (step > low) & (step < high)
            new = torch.where(value == 0, u, torch.where(fine, step, 0.5 * (low + high)))
            moved = (new - u).abs()
            u = new
            if bool((moved <= tiny * u.abs()).all()):
                break
    return u - function(u) / slope(u).detach()
