"""Functions of singular values and eigenvalues, differentiable where those coincide.

Derivatives of singular vectors are infinite at equal singular values, those of a spectral function
are not: with V = U diag(σ) Wᴴ, h applied to σ and A = Uᴴ H W, the derivative along H is

    U (Γ⁺ ∘ (A + Aᴴ)/2 + Γ⁻ ∘ (A − Aᴴ)/2) Wᴴ + outside the spans of U and W: h(σ)/σ times H,

    Γ±_ij = (h(σ_i) ∓ h(σ_j)) / (σ_i ∓ σ_j), h'(σ_i) where that is 0/0

(A. Lewis, H. Sendov, Twice Differentiable Spectral Functions, 2001; C. Ding, D. Sun, J. Sun,
K.-C. Toh, Spectral Operators of Matrices, 2018). These maps are their own adjoints.
"""

from __future__ import annotations

from typing import Any

import torch

from dprox_core.numerics.once import once

__all__ = ["low_rank", "positive_part"]


def low_rank(matrix: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
    """The matrices of the last two axes with singular values less the step, down to zero.

    Args:
        matrix: (..., M, N), real or complex.
        step: from 0; a number, or a tensor that broadcasts against matrices (..., 1, 1).
    """
    if not bool(torch.isfinite(matrix).all()):
        # As any other function of it; a decomposition would raise an error of its own.
        return matrix * torch.nan
    level = torch.as_tensor(step, dtype=matrix.real.dtype, device=matrix.device)
    found: torch.Tensor = _Shrunk.apply(matrix, level)
    return found


def positive_part(matrix: torch.Tensor) -> torch.Tensor:
    """Hermitian matrices (..., N, N) with negative eigenvalues put to zero."""
    if not bool(torch.isfinite(matrix).all()):
        return matrix * torch.nan
    found: torch.Tensor = _PositivePart.apply(matrix)
    return found


class _Shrunk(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        u, values, right = torch.linalg.svd(matrix, full_matrices=False)
        # One number for each matrix.
        each = level if level.ndim == 0 else level[..., 0]
        kept = (values - each).clamp_min(0.0)
        # A step of zero leaves all as it is, also what is zero.
        above = (kept > 0) | (each <= 0).expand_as(kept)
        ctx.save_for_backward(u, values, right, kept, above.to(values.dtype), matrix, level)
        ctx.level = level.shape
        return (u * kept[..., None, :]) @ right

    @staticmethod
    def backward(ctx: Any, cotangent: torch.Tensor) -> Any:
        # Recomputed tensors can be had only once.
        saved = ctx.saved_tensors
        with torch.no_grad():
            found = _Shrunk.found(ctx, saved[:5], cotangent)
        return once(found, "singular values", saved[5:], [cotangent])

    @staticmethod
    def found(
        ctx: Any, saved: tuple[torch.Tensor, ...], cotangent: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The gradients to the matrix and to the step."""
        u, values, right, kept, above = saved
        inner = u.mH @ cotangent @ right.mH
        straight = _quotients(values, kept, above, -1.0)
        turned = _quotients(values, kept, above, 1.0)
        both, apart = 0.5 * (inner + inner.mH), 0.5 * (inner - inner.mH)
        middle = straight * both + turned * apart
        share = torch.where(values > 0, kept / torch.where(values > 0, values, 1.0), above)
        left_rest = cotangent @ right.mH - u @ inner
        right_rest = u.mH @ cotangent - inner @ right
        found = (u @ middle + left_rest * share[..., None, :]) @ right
        found = found + u @ (share[..., :, None] * right_rest)
        slope = None
        if ctx.needs_input_grad[1]:
            diagonal = inner.diagonal(dim1=-2, dim2=-1).real
            slope = -(diagonal * above).sum(-1)[..., None, None].sum_to_size(ctx.level)
        return found, slope


class _PositivePart(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: torch.Tensor) -> torch.Tensor:
        values, vectors = torch.linalg.eigh(0.5 * (matrix + matrix.mH))
        kept = values.clamp_min(0.0)
        ctx.save_for_backward(values, vectors, kept, matrix)
        return (vectors * kept[..., None, :]) @ vectors.mH

    @staticmethod
    def backward(ctx: Any, cotangent: torch.Tensor) -> Any:
        values, vectors, kept, matrix = ctx.saved_tensors
        with torch.no_grad():
            inner = vectors.mH @ (0.5 * (cotangent + cotangent.mH)) @ vectors
            factors = _quotients(values, kept, (kept > 0).to(values.dtype), -1.0)
            found = vectors @ (factors * inner) @ vectors.mH
        return once([found], "eigenvalues", [matrix], [cotangent])[0]


def _quotients(
    values: torch.Tensor, image: torch.Tensor, slopes: torch.Tensor, sign: float
) -> torch.Tensor:
    """(h_i + s h_j) / (σ_i + s σ_j) for a sign s; the mean of both slopes where that is 0/0."""
    below = values[..., :, None] + sign * values[..., None, :]
    above = image[..., :, None] + sign * image[..., None, :]
    size = values.abs().amax(-1)[..., None, None]
    equal = below.abs() <= 4.0 * torch.finfo(values.dtype).eps * size
    mean = 0.5 * (slopes[..., :, None] + slopes[..., None, :]).to(values.dtype)
    return torch.where(equal, mean, above / torch.where(equal, 1.0, below))
