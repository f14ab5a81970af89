"""The gradient of quadratic terms, in as few transforms as its operators allow."""

from __future__ import annotations

import torch

from dprox_core.linsolve.base import QuadraticPart, Vectors
from dprox_core.linsolve.direct import direct_kind, gram_of
from dprox_core.numerics import fourier

__all__ = ["QuadraticGradient"]


class QuadraticGradient:
    """x ↦ ∇ Σ_q w_q f_q(A_q x + b_q) = Σ_q w_q A_qᴴ (2 W_q (A_q x + b_q) + g_q).

    Where a variable's grams are all diagonal in space, or all in frequency, they are added up
    once and the gradient takes one product, or one FFT and its inverse.

    Args:
        part: the quadratic terms; couplings are not looked at.
    """

    def __init__(self, part: QuadraticPart) -> None:
        self._part = part
        constants = part.constant()
        self._shifts = constants
        self._kinds = [
            direct_kind(part.grams_of(index)) if part.is_separable else None
            for index in range(len(part.spaces))
        ]
        # Beside what they multiply: pairs of numbers in frequency.
        self._factors: list[torch.Tensor | None] = []
        for index, (space, kind) in enumerate(zip(part.spaces, self._kinds, strict=True)):
            gram = None if kind is None else gram_of(part, index, kind)[0]
            if gram is not None:
                gram = gram.to(device=space.device, dtype=space.precision)
                gram = fourier.paired(gram) if kind == "fourier" else gram
            self._factors.append(gram)

    def __call__(self, x: Vectors) -> Vectors:
        """The gradient at x, in new memory."""
        gradients: list[torch.Tensor | None] = [None] * len(x)
        for index, (kind, v) in enumerate(zip(self._kinds, x, strict=True)):
            factors = self._factors[index]
            if factors is not None:
                product = self._fourier(v, factors, index) if kind == "fourier" else v * factors
            elif kind is not None:
                product = torch.zeros_like(v)
            else:
                continue
            shift = self._shifts[index]
            if shift is not None:
                product = product - shift if torch.is_grad_enabled() else product.sub_(shift)
            gradients[index] = product
        if None in self._kinds:
            for index, value in enumerate(self._explicit(x)):
                if gradients[index] is None:
                    gradients[index] = value
        return tuple(g for g in gradients if g is not None)

    def _fourier(self, x: torch.Tensor, factors: torch.Tensor, index: int) -> torch.Tensor:
        space = self._part.spaces[index]
        size = (space.shape[-2], space.shape[-1])
        pairs = fourier.real_pairs(fourier.forward(x, space.is_complex))
        pairs = pairs * factors if torch.is_grad_enabled() else pairs.mul_(factors)
        return fourier.inverse(torch.view_as_complex(pairs), size, space.is_complex)

    def _explicit(self, x: Vectors) -> list[torch.Tensor]:
        in_place = not torch.is_grad_enabled()
        sums = [torch.zeros_like(v) for v in x]
        for term in self._part.terms:
            slope = term.function.grad(term.penalty.inside(term.row.forward(x)))
            slope = slope * term.penalty.weight
            term.row.adjoint_add(slope, sums, in_place)
        return sums
