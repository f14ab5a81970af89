"""Several functions of the same argument, whose proxes are taken one after the other."""

from __future__ import annotations

import torch

from dprox_core.linops.space import Space
from dprox_core.proxfns.base import ProxFn, Step

__all__ = ["Chain"]


class Chain(ProxFn):
    """f(v) = Σ_i w_i f_i(v) with prox_f = … ∘ prox_{w₂ f₂} ∘ prox_{w₁ f₁}.

    Made by the compiler where each function ``follows`` all before it: Y.-L. Yu, On Decomposing the
    Proximal Map, 2013.

    Args:
        space: the space of the argument.
        links: the pairs (w_i, f_i), in the order in which their proxes are taken.
    """

    name = "chain"

    def __init__(self, space: Space, links: tuple[tuple[Step, ProxFn], ...]) -> None:
        super().__init__(space)
        self.links = links
        functions = [function for _, function in links]
        self.separable = all(f.separable for f in functions)
        self.sums_samples = all(f.samplewise for f in functions)
        self.convex = all(f.convex for f in functions)
        self.modulus = sum(
            f.modulus * float(torch.as_tensor(w).detach()) for w, f in links if not f.is_indicator
        )
        self.meets_bounds = any(f.meets_bounds for f in functions)
        self.is_indicator = all(f.is_indicator for f in functions)
        slopes = [
            None if f.slope is None else f.slope * float(torch.as_tensor(w).detach())
            for w, f in links
        ]
        known = [slope for slope in slopes if slope is not None]
        self.slope = sum(known) if len(known) == len(slopes) else None

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """Σ_i w_i f_i(v)."""
        return self.value_within(v, 0.0)

    def value_within(self, v: torch.Tensor, size: float) -> torch.Tensor:
        """Σ_i w_i f_i(v), with the rounding of numbers up to ``size``."""
        total = torch.zeros((), dtype=torch.float64, device=v.device)
        for weight, function in self.links:
            value = function.value_within(v, size)
            total = total + (value if function.is_indicator else weight * value)
        return total

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """One prox after the other."""
        for weight, function in self.links:
            v = function.prox(v, step if function.is_indicator else step * weight)
        return v

    @property
    def bounds(self) -> tuple[float | torch.Tensor, float | torch.Tensor] | None:
        """Those of the first of the functions that has any."""
        known = (function.bounds for _, function in self.links)
        return next((bounds for bounds in known if bounds is not None), None)

    def bounded(self, v: torch.Tensor) -> torch.Tensor:
        """Moved into the bounds among the functions."""
        for _, function in self.links:
            v = function.bounded(v)
        return v
