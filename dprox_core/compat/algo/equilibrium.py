"""Fixed points and what is known of their Jacobians, under the names of the published reference."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from dprox_core.errors import ParameterError
from dprox_core.numerics.anderson import Anderson

__all__ = ["anderson", "jac_loss_estimate", "power_method"]


def anderson(
    f: Callable[[torch.Tensor], torch.Tensor],
    x0: torch.Tensor,
    m: int = 6,
    lam: float = 1e-4,
    threshold: int = 50,
    eps: float = 1e-3,
    stop_mode: str = "rel",
    beta: float = 1.0,
    **options: Any,
) -> dict[str, Any]:
    """A fixed point x = f(x) by Anderson acceleration; what was nearest to one is returned.

    Args:
        f: the map.
        x0: where to start, of any shape.
        m: how many points are kept.
        lam: how much the extrapolation is regularized, relative to the residuals.
        threshold: the most evaluations of f.
        eps: ends where ‖f(x) − x‖ is below this.
        stop_mode: "rel" divides it by ‖f(x)‖, "abs" does not.
        beta: 1 takes images, less mixes points in.
        options: kept for old scripts.

    Returns:
        "result", its residual "lowest", "nstep" evaluations, "abs_trace" and "rel_trace" of all of
        them, "prot_break" (whether a residual was not finite), "eps" and "threshold".

    Raises:
        ParameterError: there is no such ``stop_mode``.

    References:
        H. F. Walker, P. Ni, Anderson Acceleration for Fixed-Point Iterations, 2011.
    """
    if stop_mode not in ("rel", "abs"):
        raise ParameterError(
            f'stop_mode is "rel" or "abs", not {stop_mode!r}.',
            expected='"rel" or "abs"',
            got=stop_mode,
            where="stop_mode",
        )
    mixing, point = Anderson(max(1, m - 1), lam), x0
    traces: dict[str, list[float]] = {"abs": [], "rel": []}
    best, lowest, broken = x0, math.inf, False
    while len(traces["abs"]) < threshold and lowest >= eps and not broken:
        image = f(point)
        missed = float((image - point).detach().norm())
        traces["abs"].append(missed)
        traces["rel"].append(missed / (float(image.detach().norm()) + 1e-300))
        broken = not math.isfinite(missed)
        if traces[stop_mode][-1] < lowest:
            best, lowest = image, traces[stop_mode][-1]
        mixed = image if beta == 1.0 else point + beta * (image - point)
        point = mixing.next(point.flatten(), mixed.flatten()).reshape(x0.shape)
    return {
        "result": best,
        "lowest": lowest,
        "nstep": len(traces["abs"]),
        "prot_break": broken,
        "abs_trace": traces["abs"],
        "rel_trace": traces["rel"],
        "eps": eps,
        "threshold": threshold,
    }


def jac_loss_estimate(
    f0: torch.Tensor, z0: torch.Tensor, vecs: int = 2, create_graph: bool = True
) -> torch.Tensor:
    """‖∂f/∂z‖_F² / n, estimated by ‖Jᵀ ε‖² for random ε (M. Hutchinson, 1990).

    Args:
        f0: f(z₀), made from z₀ with gradients.
        z0: z₀, of n values.
        vecs: how many random vectors.
        create_graph: whether the estimate can be differentiated.
    """
    total = torch.zeros((), dtype=z0.dtype, device=z0.device)
    for _ in range(vecs):
        noise = torch.randn_like(f0)
        (pulled,) = torch.autograd.grad(f0, z0, noise, retain_graph=True, create_graph=create_graph)
        total = total + pulled.square().sum()
    return total / (vecs * z0.numel())


def power_method(
    f0: torch.Tensor, z0: torch.Tensor, n_iters: int = 200
) -> tuple[torch.Tensor, torch.Tensor]:
    """The eigenvalue of largest size of Jᵀ, J = ∂f/∂z, for each sample, by the power method.

    Args:
        f0: f(z₀), made from z₀ with gradients; samples along the first axis never meet.
        z0: z₀, (B, …), of the same shape.
        n_iters: how many products with Jᵀ.

    Returns:
        The eigenvectors, shaped like z₀, and the eigenvalues' Rayleigh quotients (B, 1).
    """

    def unit(v: torch.Tensor) -> torch.Tensor:
        lengths = v.flatten(1).norm(dim=1).clamp_min(torch.finfo(v.dtype).tiny)
        return v / lengths.reshape(-1, *[1] * (v.ndim - 1))

    vector = unit(torch.randn_like(z0))
    found = torch.zeros(z0.shape[0], 1, dtype=z0.dtype, device=z0.device)
    for _ in range(n_iters):
        (pulled,) = torch.autograd.grad(f0, z0, vector, retain_graph=True)
        found = (vector * pulled).flatten(1).sum(dim=1, keepdim=True)
        vector = unit(pulled)
    return vector, found
