"""Plug-and-play by the relatives of ADMM: proxes first, reflections, primal-dual steps.

With p_j the point at which a denoiser answers for the prox of h_j / ρ_k, at the noise level σ_k:

admm_vxu:
    z_j ← D(K_j x + u_j, σ_k)
    x   ← argmin q(x) + (ρ_k/2) Σ_j ‖K_j x − z_j + u_j‖²
    u_j ← u_j + K_j x − z_j

dr, of u_j = z_j − w_j:
    x   ← argmin q(x) + (ρ_k/2) Σ_j ‖K_j x − w_j‖²
    z_j ← D(2 K_j x − w_j, σ_k)
    w_j ← w_j + α (z_j − K_j x)

pdhg, pd3o and ladmm, with the squares q through their common prox, which solves a linear system: it
costs little beside a denoiser, and gradient steps on q would need as many denoisings as q has
condition. f holds smooth terms other than squares, for pd3o and ladmm; y_j = ρ_k s_j u_j, with
s_j = 1 for denoisers and at most 1 / (2 ‖K_j‖²) for other terms:
    x⁺  ← prox of τ q at x − τ (∇f(x) + ρ_k Σ_j s_j K_jᴴ u_j)            (pdhg, pd3o)
          prox of τ q at x − τ (∇f(x) + ρ_k Σ_j s_j K_jᴴ (K_j x − z_j + u_j))         (ladmm)
    x̄   ← 2 x⁺ − x (pdhg, Condat-Vũ), 2 x⁺ − x + τ (∇f(x) − ∇f(x⁺)) (pd3o), x⁺ (ladmm)
    z_j ← D(K_j x̄ + u_j, σ_k),  u_j ← u_j + K_j x̄ − z_j

where Moreau's identity makes y_j⁺ the prox of the conjugate h_j*. For one denoiser on the
variable itself and nothing but squares all of them are ADMM in another order. S. Ono, Primal-Dual
Plug-and-Play Image Restoration, 2017; E. Ryu et al., Plug-and-Play Methods Provably Converge with
Properly Trained Denoisers, 2019 (Douglas-Rachford).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from dprox_core.algorithms.parts import along
from dprox_core.algorithms.plug_and_play import PlugAndPlay, PlugAndPlayState, sums
from dprox_core.linsolve.smooth import SmoothPart
from dprox_core.proxfns.base import Step

__all__ = ["Length", "PlugAndPlayLinearized", "PlugAndPlayReflected", "PlugAndPlayVxu"]

Vectors = tuple[torch.Tensor, ...]
Moved = tuple[Vectors, Vectors, Vectors, Vectors]


class PlugAndPlayVxu(PlugAndPlay):
    """ADMM with the denoisers before the linear solve."""

    def _advance(self, state: PlugAndPlayState, u: Vectors, level: Step | None, rho: Step) -> Moved:
        z = self._proxes(sums(self._push(state.x), u), level, rho, state.iteration)
        x = self.solver.solve(self._pull(sums(z, u, -1.0)), rho, state.x)
        images = self._push(x)
        return x, images, z, self._duals_after(sums(images, u), z, u)


class PlugAndPlayReflected(PlugAndPlay):
    """Douglas-Rachford splitting.

    Args:
        relaxation: α, between 0 and 2.
    """

    def __init__(self, *given: Any, relaxation: float) -> None:
        super().__init__(*given)
        self._relaxation = relaxation

    def _advance(self, state: PlugAndPlayState, u: Vectors, level: Step | None, rho: Step) -> Moved:
        w = sums(state.z, u, -1.0)
        x = self.solver.solve(self._pull(_copies(w)), rho, state.x)
        images = self._push(x)
        points = tuple(torch.lerp(a, b, 2.0) for a, b in zip(w, images, strict=True))
        z = self._proxes(points, level, rho, state.iteration)
        if self._relaxation == 1.0:
            return x, images, z, sums(images, w, -1.0, out=u if self._in_place else None)
        w = sums(w, sums(z, images, -1.0), self._relaxation)
        return x, images, z, sums(z, w, -1.0)


def _copies(vectors: Vectors) -> Vectors:
    return tuple(v.clone() for v in vectors)


@dataclass(frozen=True)
class Length:
    """The longest τ that converges beside a dual step ρ.

    Attributes:
        method: "pdhg", "pd3o", "condat_vu" or "ladmm".
        coupling: c = ‖Σ_j s_j K_jᴴ K_j‖.
        lipschitz: L of f.
    """

    method: str
    coupling: float
    lipschitz: float

    def __call__(self, rho: Step) -> Step:
        """1 / (ρ c + L) for ladmm, 1 / (ρ c + L/2) for Condat-Vũ, min(1 / (ρ c), 1.9 / L) else."""
        pull = rho * self.coupling
        if self.method in ("ladmm", "condat_vu"):
            return 1.0 / (pull + self.lipschitz * (1.0 if self.method == "ladmm" else 0.5))
        least = self.lipschitz / 1.9
        if isinstance(pull, torch.Tensor):
            return 1.0 / pull.clamp(min=least)
        return 1.0 / max(pull, least)


class PlugAndPlayLinearized(PlugAndPlay):
    """PDHG, PD3O, Condat-Vũ or linearized ADMM.

    Args:
        smooth: f.
        shares: s_j: a block's dual step is s_j ρ.
        length: τ for a ρ.
        relaxation: how far (x, u) moves towards what an iteration finds, between 0 and 2.
    """

    def __init__(
        self,
        *given: Any,
        smooth: SmoothPart,
        shares: tuple[float, ...],
        length: Length,
        relaxation: float = 1.0,
    ) -> None:
        super().__init__(*given)
        self._smooth = smooth
        self._shares = shares
        self._length = length
        self._relaxation = relaxation

    def _advance(self, state: PlugAndPlayState, u: Vectors, level: Step | None, rho: Step) -> Moved:
        tau, method = self._length(rho), self._length.method
        pulled = self._pull(self._missed(state, u))
        points = [
            along(v, d, -(tau * rho), out=d if self._in_place else None)
            for v, d in zip(state.x, pulled, strict=True)
        ]
        slope: Vectors = self._smooth(state.x) if self._smooth.terms else ()
        if slope:
            points = [along(v, d, -tau) for v, d in zip(points, slope, strict=True)]
        x = self.solver.solve(points, 1.0 / tau, state.x)
        ahead = x
        if method != "ladmm":
            ahead = tuple(torch.lerp(a, b, 2.0) for a, b in zip(state.x, x, strict=True))
        if slope and method == "pd3o":
            bend = sums(slope, self._smooth(x), -1.0)
            ahead = tuple(along(v, d, tau) for v, d in zip(ahead, bend, strict=True))
        reached = sums(self._push(ahead), u)
        z = self._proxes(reached, level, rho, state.iteration)
        images = self._push(x)
        if self._relaxation == 1.0:
            return x, images, z, self._duals_after(reached, z, u)
        x, duals = (
            tuple(torch.lerp(a, b, self._relaxation) for a, b in zip(old, new, strict=True))
            for old, new in ((state.x, x), (u, sums(reached, z, -1.0)))
        )
        return x, images, z, duals

    def _missed(self, state: PlugAndPlayState, u: Vectors) -> Vectors:
        """s_j u_j, or s_j (K_j x − z_j + u_j) for ladmm, in memory of its own."""
        if self._length.method == "ladmm":
            found = sums(self._push(state.x), state.z, -1.0)
            found = sums(found, u, out=found if self._in_place else None)
        else:
            found = _copies(u)
        pairs = zip(found, self._shares, strict=True)
        return tuple(v if share == 1.0 else v * share for v, share in pairs)

    def _proxes(self, points: Vectors, level: Step | None, rho: Step, iteration: int) -> Vectors:
        return tuple(
            self._prox(block, point, level, rho * share, iteration)
            for block, point, share in zip(self.blocks, points, self._shares, strict=True)
        )
