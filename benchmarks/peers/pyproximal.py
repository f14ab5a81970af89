"""pyproximal: its primal-dual algorithm, blur and differences as dual blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pylops
import pyproximal
import scipy.fft

from benchmarks.peers.base import Array, Data
from benchmarks.peers.base import Peer as Base

__all__ = ["Peer"]


class _Blur(pylops.LinearOperator):
    """Circular convolution by scipy's FFT."""

    def __init__(self, shape: tuple[int, int], spectrum: Any) -> None:
        super().__init__(dtype=np.dtype("float32"), dims=shape, dimsd=shape)
        self._spectrum = spectrum

    def _through(self, x: Any, spectrum: Any) -> Any:
        image = scipy.fft.rfft2(x.reshape(self.dims))
        image *= spectrum
        return scipy.fft.irfft2(image, s=self.dims).ravel()

    def _matvec(self, x: Any) -> Any:
        return self._through(x, self._spectrum)

    def _rmatvec(self, x: Any) -> Any:
        return self._through(x, self._spectrum.conj())


class _Difference(pylops.LinearOperator):
    """Circular forward differences along one axis; pylops' own end at the edge."""

    def __init__(self, shape: tuple[int, int], axis: int) -> None:
        super().__init__(dtype=np.dtype("float32"), dims=shape, dimsd=shape)
        self._axis = axis

    def _matvec(self, x: Any) -> Any:
        image = x.reshape(self.dims)
        return (np.roll(image, -1, self._axis) - image).ravel()

    def _rmatvec(self, x: Any) -> Any:
        image = x.reshape(self.dims)
        return (np.roll(image, 1, self._axis) - image).ravel()


class Peer(Base):
    """``pyproximal.optimization.primaldual.PrimalDual``, gone on with from its last x and y."""

    method = "PrimalDual"
    packages = ("pyproximal", "pylops", "numpy", "scipy")

    def __init__(self, data: Data, step: float = 1.0) -> None:
        shape = data.observed.shape
        count = data.observed.size
        blocks = [_Blur(shape, data.spectrum), _Difference(shape, 0), _Difference(shape, 1)]
        self._operator = pylops.VStack(blocks)
        # Half of σ‖z − b‖².
        distance = pyproximal.L2(b=data.observed.ravel(), sigma=2.0)
        variation = [pyproximal.L1(sigma=data.weight) for _ in range(2)]
        self._split = pyproximal.VStack([distance, *variation], nn=[count] * 3)
        self._bounds = pyproximal.Box(lower=0.0)
        # ‖(A, ∇)‖² ≤ 1 + 8.
        self._tau, self._sigma = step, 1.0 / (9.0 * step)
        self._shape = shape
        self._x = np.zeros(count, dtype=np.float32)
        self._y = np.zeros(3 * count, dtype=np.float32)

    def advance(self, iterations: int) -> None:
        """Some iterations on."""
        self._x, self._y = pyproximal.optimization.primaldual.PrimalDual(
            self._bounds,
            self._split,
            self._operator,
            x0=self._x,
            y0=self._y,
            tau=self._tau,
            mu=self._sigma,
            niter=iterations,
            returny=True,
        )

    def iterate(self) -> Array:
        """What it has."""
        return np.asarray(self._x.reshape(self._shape), dtype=np.float32)
