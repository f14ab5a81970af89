"""Fixed points and what is known of their Jacobians, under the names of the published reference."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from dprox_core.errors import ParameterError
from dprox_core.numerics.anderson import Anderson
from dprox_core.numerics.fourier import real_pairs

__all__ = ["Search", "anderson", "jac_loss_estimate", "power_method", "refuse_stop_mode"]


def refuse_stop_mode(stop_mode: str) -> None:
    """Tell that there are two ways to measure a residual."""
    if stop_mode not in ("rel", "abs"):
        raise ParameterError(
            f'stop_mode is "rel" or "abs", not {stop_mode!r}.',
            expected='"rel" or "abs"',
            got=stop_mode,
            where="stop_mode",
        )


class Search:
    """What a search of a fixed point has seen: its residuals, and what was nearest.

    Args:
        x0: where it starts.
        eps: the residual that ends it.
        threshold: the most residuals.
        stop_mode: "rel" or "abs".
    """

    def __init__(self, x0: torch.Tensor, eps: float, threshold: int, stop_mode: str) -> None:
        self._eps, self._threshold, self._mode = eps, threshold, stop_mode
        self._best, self._lowest, self._broken = x0, math.inf, False
        self._traces: dict[str, list[float]] = {"abs": [], "rel": []}

    def goes_on(self, found: torch.Tensor, missed: torch.Tensor, image: torch.Tensor) -> bool:
        """Note a point, its residual f(x) − x and f(x); whether there is to be one more."""
        size = float(missed.detach().norm())
        self._traces["abs"].append(size)
        self._traces["rel"].append(size / (float(image.detach().norm()) + 1e-300))
        self._broken = not math.isfinite(size)
        now = self._traces[self._mode][-1]
        if now < self._lowest:
            self._best, self._lowest = found, now
        more = len(self._traces["abs"]) < self._threshold
        return more and self._lowest >= self._eps and not self._broken

    def answer(self) -> dict[str, Any]:
        """The published form of what was found."""
        return {
            "result": self._best,
            "lowest": self._lowest,
            "nstep": len(self._traces["abs"]),
            "prot_break": self._broken,
            "abs_trace": self._traces["abs"],
            "rel_trace": self._traces["rel"],
            "eps": self._eps,
            "threshold": self._threshold,
        }


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
        x0: where to start, of any shape, complex where images are.
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
    refuse_stop_mode(stop_mode)
    search, point = Search(x0, eps, threshold, stop_mode), x0
    mixing = Anderson(max(1, m - 1), lam)
    image = f(point)
    while search.goes_on(image, image - point, image):
        mixed = image if beta == 1.0 else point + beta * (image - point)
        point = mixing.next(_reals(point), _reals(mixed))
        point = torch.view_as_complex(point.view(-1, 2)) if image.is_complex() else point
        point = point.reshape(x0.shape)
        image = f(point)
    return search.answer()


def _reals(values: torch.Tensor) -> torch.Tensor:
    """All numbers in a row, complex ones as two."""
    return (real_pairs(values) if values.is_complex() else values).flatten()


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
