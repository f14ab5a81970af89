"""Residuals of all samples together and of each alone, and what duals prove."""

from __future__ import annotations

from dataclasses import replace

import torch

from dprox_core.algorithms.base import Residuals, Tolerances, joint_norm, sample_norms
from dprox_core.algorithms.per_sample import is_per_sample, representative
from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.linsolve.base import Gram, QuadraticPart
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = ["Measure", "dual_bound", "hypot"]

Vectors = tuple[torch.Tensor, ...]


class Measure:
    """Norms as vectors: the joint one first, then that of each sample where there are several.

    Args:
        batch: how many samples lie along the first axis of everything that is measured.
    """

    def __init__(self, batch: int) -> None:
        self._batch = batch

    def norm(self, vectors: Vectors | list[torch.Tensor]) -> torch.Tensor:
        """‖(v₁, v₂, …)‖₂, joint and by sample."""
        joint = torch.tensor([joint_norm(vectors)], dtype=torch.float64)
        if self._batch == 1:
            return joint
        return torch.cat([joint, sample_norms(vectors).cpu()])

    def residuals(
        self,
        tolerances: Tolerances,
        primal: torch.Tensor,
        dual: torch.Tensor,
        size: torch.Tensor,
        pushed: torch.Tensor,
        rows: int,
        columns: int,
        weight: Step,
        balance: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> Residuals:
        """Residuals with tolerances as in Boyd et al. 2011, section 3.3.1.

        Args:
            tolerances: absolute and relative.
            primal: ‖K x − z‖.
            dual: the dual residual.
            size: what the primal residual is relative to.
            pushed: what the dual one is relative to, over ρ.
            rows: how many numbers the copies hold, all samples together.
            columns: how many are sought.
            weight: ρ, or one for each sample.
            balance: ‖u‖ and ‖z‖ of the terms whose duals are bounded, None where none are.
        """
        weights = self._weights(weight, len(primal))
        found = []
        for index in range(len(primal)):
            share = 1 if index == 0 else self._batch
            found.append(
                Residuals(
                    float(primal[index]),
                    float(dual[index]),
                    tolerances.bound(rows // share, float(size[index])),
                    weights[index] * tolerances.bound(columns // share, float(pushed[index])),
                    balance=None if balance is None else tuple(float(b[index]) for b in balance),  # type: ignore[arg-type]
                )
            )
        return replace(found[0], samples=tuple(found[1:]))

    def weighted(self, weight: Step, norms: torch.Tensor) -> torch.Tensor:
        """ρ times norms, the joint one put together from the samples' where each has its ρ."""
        if not is_per_sample(weight):
            return reductions.number(weight) * norms
        samples = norms[1:] * torch.as_tensor(weight).cpu()
        return torch.cat([samples.square().sum().sqrt()[None], samples])

    @staticmethod
    def _weights(weight: Step, count: int) -> list[float]:
        if not is_per_sample(weight):
            return [reductions.number(weight)] * count
        return [representative(weight), *torch.as_tensor(weight).tolist()]


def hypot(parts: list[torch.Tensor]) -> torch.Tensor:
    """The root of the sum of squares."""
    return torch.stack(parts).square().sum(dim=0).sqrt()


@torch.no_grad()
def dual_bound(
    model: Model,
    quadratic: QuadraticPart,
    blocks: tuple[BoundTerm, ...],
    x: Vectors,
    z: Vectors,
    y: list[torch.Tensor],
) -> float | None:
    """A lower bound of the least value of q(x) + Σ_j h_j(K_j x).

    By Fenchel's duality that is at least min over x of q(x) + Σ_j Re⟨y_j, K_j x⟩, less the sum of
    h_j*(y_j). Proxes give y_j in the subdifferential of h_j at z_j, where h_j*(y_j) is
    Re⟨y_j, z_j⟩ − h_j(z_j); and for a q with modulus m of strong convexity the minimum is at least
    the value at x less ‖∇q(x) + Σ_j K_jᴴ y_j‖² / (2 m) (S. Boyd, L. Vandenberghe, Convex
    Optimization, 2004, sections 5.1 and 9.1.2).

    Returns:
        The bound; None where q is not strongly convex or a term is not convex.
    """
    if not blocks or not all(term.function.convex for term in (*quadratic.terms, *blocks)):
        return None
    modulus = _modulus(quadratic)
    if modulus <= 0.0:
        return None
    total = reductions.number(model.constant)
    sums = [torch.zeros_like(v) for v in x]
    for term in quadratic.terms:
        inside = term.penalty.inside(term.row.forward(x))
        weight = reductions.number(term.penalty.weight)
        total += weight * reductions.number(term.function.value(inside))
        term.row.adjoint_add(weight * term.function.grad(inside), sums, in_place=True)
    for block, copy, dual in zip(blocks, z, y, strict=True):
        block.row.adjoint_add(dual, sums, in_place=True)
        total += float(reductions.inner(dual, block.row.forward(x) - copy))
        # A projection may miss its set by rounding, where the indicator would be infinite.
        if not block.function.is_indicator:
            total += reductions.number(block.penalty.value(copy))
    return total - joint_norm(sums) ** 2 / (2.0 * modulus)


def _modulus(part: QuadraticPart) -> float:
    """A lower bound of the least eigenvalue of q's Hessian, 0 where none is known."""
    least = []
    for index in range(len(part.spaces)):
        grams = [
            (Gram(term.row.entries[0][1], metric), 2.0 * reductions.number(term.penalty.weight))
            for term, metric in part.curved
            if len(term.row.entries) == 1 and term.row.entries[0][0] == index
        ]
        bounds = [0.0]
        for forms in (
            [(gram.diagonal(), weight) for gram, weight in grams],
            [(gram.spectrum(), weight) for gram, weight in grams],
        ):
            known = [form.detach() * weight for form, weight in forms if form is not None]
            if known:
                bounds.append(float(sum(known[1:], known[0]).min()))
        least.append(max(bounds))
    return min(least, default=0.0)
