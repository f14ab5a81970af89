"""dprox, the published reference: its ADMM.

It takes ½‖·‖² for ``sum_squares`` in the linear solve, so that λ is halved here, and ``lams`` for
the steps of the proxes. On import it loads pictures that SciPy no longer has; any array serves.
"""

from __future__ import annotations

import sys
import threading
import types
from typing import Any

import numpy as np
import scipy
import torch

from benchmarks.peers.base import Array, Data
from benchmarks.peers.base import Peer as Base

_pictures = types.ModuleType("scipy.misc")
_pictures.face = lambda *_, **__: np.zeros((8, 8, 3), np.uint8)  # type: ignore[attr-defined]
_pictures.ascent = lambda: np.zeros((8, 8), np.uint8)  # type: ignore[attr-defined]
sys.modules["scipy.misc"] = scipy.misc = _pictures

import dprox as ref  # noqa: E402 - its pictures must be there first

__all__ = ["Peer"]


class Peer(Base):
    """``dprox.compile(…, "admm")`` at a fixed ρ.

    Its ``solve`` cannot be gone on with, so it runs in a thread of its own that its callback holds
    until more iterations are asked for.
    """

    method = "ADMM"
    packages = ("dprox", "torch")

    def __init__(self, data: Data, rho: float = 0.05) -> None:
        x = ref.Variable()
        observed = torch.from_numpy(data.observed)[None, None]
        fidelity = ref.sum_squares(ref.conv(x, data.kernel[:, :, None]), observed)
        others = [ref.norm1(ref.grad(x, dim=0)), ref.norm1(ref.grad(x, dim=1)), ref.nonneg(x)]
        self._solver: Any = ref.compile([fidelity, *others], method="admm", device="cpu")
        self._steps = {term: 0.5 * data.weight / rho for term in others}
        self._rho = rho
        self._start = torch.zeros_like(observed)
        self._left = 0
        self._go, self._rest = threading.Semaphore(0), threading.Semaphore(0)
        self._x = data.observed
        threading.Thread(target=self._run, daemon=True).start()

    @torch.no_grad()
    def _run(self) -> None:
        self._go.acquire()
        self._solver.solve(
            x0=self._start,
            rhos=self._rho,
            lams=self._steps,
            max_iter=10**5,
            callback=self._seen,
        )

    def _seen(self, state: Any, **_: Any) -> None:
        self._left -= 1
        if self._left == 0:
            # x may miss the bounds a little; whoever judges it moves it into them.
            self._x = state[0][0, 0].numpy()
            self._rest.release()
            self._go.acquire()

    def advance(self, iterations: int) -> None:
        """Some iterations on."""
        self._left = iterations
        self._go.release()
        self._rest.acquire()

    def iterate(self) -> Array:
        """What it has."""
        return self._x
