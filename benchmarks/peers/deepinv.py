"""deepinv: Chambolle and Pock's primal-dual iteration, the data term's prox in closed form.

K x = (∂ᵥ x, ∂ₕ x, x), with the ℓ₁ norm on the differences and the constraint on the copy.
"""

from __future__ import annotations

from typing import Any

import deepinv
import torch
from deepinv.optim.optim_iterators import CPIteration

from benchmarks.peers.base import Array, Data
from benchmarks.peers.base import Peer as Base

__all__ = ["Peer"]


class _Split(deepinv.optim.Prior):
    """λ‖(u₁, u₂)‖₁ and u₃ ≥ 0, on three channels."""

    def fn(self, u: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        return u[:, :2].abs().sum()

    def prox(self, u: torch.Tensor, *_: Any, gamma: float = 1.0, **__: Any) -> torch.Tensor:
        out = torch.empty_like(u)
        out[:, :2] = torch.nn.functional.softshrink(u[:, :2], float(gamma))
        out[:, 2:] = u[:, 2:].clamp(min=0.0)
        return out


def _push(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x.roll(-1, -2) - x, x.roll(-1, -1) - x, x], dim=1)


def _pull(u: torch.Tensor) -> torch.Tensor:
    down, right, same = u[:, :1], u[:, 1:2], u[:, 2:]
    return down.roll(1, -2) - down + right.roll(1, -1) - right + same


class Peer(Base):
    """``CPIteration`` with ``BlurFFT`` and ``L2``, whose prox is solved by FFT."""

    method = "PDCP"
    packages = ("deepinv", "torch")

    def __init__(self, data: Data, step: float = 1.0) -> None:
        observed = torch.from_numpy(data.observed)[None, None]
        kernel = torch.from_numpy(data.kernel)[None, None]
        self._physics = deepinv.physics.BlurFFT(tuple(observed.shape[1:]), filter=kernel)
        # Half of ‖A x − b‖² / σ².
        self._fidelity = deepinv.optim.L2(sigma=0.5**0.5)
        self._prior = _Split()
        # ‖K‖² ≤ 8 + 1.
        self._params = {
            "lambda": data.weight,
            "stepsize": step,
            "stepsize_dual": 1.0 / (9.0 * step),
            "g_param": None,
            "beta": 1.0,
            "K": _push,
            "K_adjoint": _pull,
        }
        self._iteration = CPIteration(g_first=True, has_cost=False)
        self._observed = observed
        zero = torch.zeros_like(observed)
        self._state: dict[str, Any] = {"est": (zero, zero, _push(zero)), "cost": None}

    def advance(self, iterations: int) -> None:
        """Some iterations on."""
        with torch.no_grad():
            for _ in range(iterations):
                self._state = self._iteration(
                    self._state,
                    self._fidelity,
                    self._prior,
                    self._params,
                    self._observed,
                    self._physics,
                )

    def iterate(self) -> Array:
        """What it has."""
        return self._state["est"][0][0, 0].numpy()
