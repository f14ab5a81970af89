"""ODL: its primal-dual hybrid gradient, blur and differences as dual blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import odl
import scipy.fft

from benchmarks.peers.base import Array, Data
from benchmarks.peers.base import Peer as Base

__all__ = ["Peer"]


class _Blur(odl.Operator):
    """Circular convolution by scipy's FFT; ODL's own transform is slower."""

    def __init__(self, space: Any, spectrum: Any) -> None:
        super().__init__(domain=space, range=space, linear=True)
        self._spectrum = spectrum

    def _call(self, x: Any) -> Any:
        image = scipy.fft.rfft2(x.asarray())
        image *= self._spectrum
        return scipy.fft.irfft2(image, s=x.shape)

    @property
    def adjoint(self) -> _Blur:
        return _Blur(self.domain, self._spectrum.conj())


class Peer(Base):
    """``odl.solvers.pdhg``."""

    method = "PDHG"
    packages = ("odl", "numpy", "scipy")

    def __init__(self, data: Data, step: float = 1.0) -> None:
        height, width = data.observed.shape
        # Cells of side one, so that inner products are sums.
        space = odl.uniform_discr([0, 0], [height, width], (height, width), dtype="float32")
        blur = _Blur(space, data.spectrum)
        gradient = odl.Gradient(space, method="forward", pad_mode="periodic")
        self._operator = odl.BroadcastOperator(blur, gradient)
        distance = odl.functionals.L2NormSquared(space).translated(space.element(data.observed))
        variation = data.weight * odl.functionals.GroupL1Norm(gradient.range, exponent=1)
        self._split = odl.functionals.SeparableSum(distance, variation)
        self._bounds = odl.functionals.IndicatorNonnegativity(space)
        # ‖(A, ∇)‖² ≤ 1 + 8.
        self._tau, self._sigma = step, 1.0 / (9.0 * step)
        self._x = space.zero()
        self._ahead, self._y = self._x.copy(), self._operator.range.zero()

    def advance(self, iterations: int) -> None:
        """Some iterations on."""
        odl.solvers.pdhg(
            self._x,
            self._bounds,
            self._split,
            self._operator,
            niter=iterations,
            tau=self._tau,
            sigma=self._sigma,
            x_relax=self._ahead,
            y=self._y,
        )

    def iterate(self) -> Array:
        """What it has."""
        return np.asarray(self._x.asarray(), dtype=np.float32)
