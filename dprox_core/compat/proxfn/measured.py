"""Data terms of whole cameras and scanners, in the unknown image itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

import dprox_core
from dprox_core.compat.arrays import kernel_tensor
from dprox_core.compat.linop.leaves import Constant
from dprox_core.compat.linop.nodes import as_node
from dprox_core.compat.proxfn.base import ProxFn
from dprox_core.compat.proxfn.least_squares import least_squares
from dprox_core.errors import ParameterError
from dprox_core.proxfns.base import Objective

__all__ = [
    "compress_sensing",
    "csmri",
    "ext_sum_squares",
    "misr",
    "phase_ret",
    "sisr",
    "spi",
]

Shape = tuple[int, ...]


class _Measured(ProxFn):
    """A data term with data of its own, tensors or placeholders.

    Args:
        linop: the image.
        data: its data.
    """

    def __init__(self, linop: Any, *data: Any, **scales: float) -> None:
        super().__init__(linop, **scales)
        self._data = [_constant(type(self).__name__, value) for value in data]

    def measurements(self) -> list[torch.Tensor]:
        """The data as they are now."""
        return [node.required() for node in self._data]

    def inside(self) -> Shape | None:
        """The shape of the image that the data belong to."""
        held = self._data[0].shape
        return held if held else None


class ext_sum_squares(_Measured):
    """A least-squares data term: the base of csmri, sisr, misr and compress_sensing."""

    is_square = True

    def solve(self, b: Sequence[torch.Tensor], rho: Any, eps: float = 1e-6) -> torch.Tensor:
        """The x-update: argmin over x of f(x) + ρ Σ_j ‖x − b_j‖².

        Args:
            b: tensors.
            rho: ρ, above 0.
            eps: kept for old scripts; no use is made of it.
        """
        return least_squares([self], [ProxFn(self.linop)] * len(b)).solve(b, rho)


class csmri(ext_sum_squares):
    """Compressive magnetic resonance imaging, ‖m ⊙ F x − y‖², F the transform of ``utils.fft2``.

    That is unitary and has the frequency 0 in the middle of k-space.

    Args:
        linop: the image.
        mask: m, one where k-space was sampled; left out, it is one where y is not zero.
        y: the samples, zero where there are none.
    """

    def __init__(self, linop: Any, mask: Any, y: Any = None, **scales: float) -> None:
        super().__init__(linop, *([mask] if y is None else [y, mask]), **scales)

    def _parts(self) -> tuple[torch.Tensor, torch.Tensor]:
        """m and y for the transform of ``torch.fft``, whose origins are the first elements.

        Moving the origin of the image multiplies its spectrum with phases of modulus one, which
        are taken out of y.
        """
        y, *rest = self.measurements()
        mask = rest[0] if rest else y != 0
        mask = mask.to(y.real.dtype) if not mask.is_complex() else mask
        like: Any = {"dtype": y.real.dtype, "device": y.device}
        rows, columns = ((n // 2) * torch.fft.fftfreq(n, **like) for n in y.shape[-2:])
        turns = -2.0 * torch.pi * (rows[:, None] + columns)
        phases = torch.polar(torch.ones_like(turns), turns)
        axes = (-2, -1)
        shifted = torch.fft.ifftshift(y, dim=axes)
        return torch.fft.ifftshift(mask, dim=axes), phases * shifted

    def _function(self, expression: Any) -> Objective:
        mask, y = self._parts()
        objective = dprox_core.csmri(expression, mask, y)
        assert isinstance(objective, Objective)
        return objective

    def _eval(self, v: torch.Tensor) -> torch.Tensor:
        mask, y = self._parts()
        return (mask * torch.fft.fft2(v, norm="ortho") - y).abs().square().sum()

    def _grad(self, v: torch.Tensor) -> torch.Tensor:
        mask, y = self._parts()
        misfit = mask * torch.fft.fft2(v, norm="ortho") - y
        return 2.0 * _like(v, torch.fft.ifft2(mask.conj() * misfit, norm="ortho"))

    def _prox(self, v: torch.Tensor, lam: Any) -> torch.Tensor:
        """Every frequency on its own: (F v + 2 lam m̄ y) / (1 + 2 lam |m|²)."""
        mask, y = self._parts()
        gram = mask.abs().square()
        if not v.is_complex():
            # A real image sees a frequency together with its mirror image.
            gram = 0.5 * (gram + gram.flip((-2, -1)).roll((1, 1), (-2, -1)))
        data = _like(v, torch.fft.ifft2(mask.conj() * y, norm="ortho"))
        spectrum = torch.fft.fft2(v + 2.0 * lam * data, norm="ortho") / (1.0 + 2.0 * lam * gram)
        return _like(v, torch.fft.ifft2(spectrum, norm="ortho"))


class sisr(ext_sum_squares):
    """Single image super-resolution, ‖(k ∗ x)↓sf − y‖².

    Args:
        linop: the large image.
        y: the small image.
        kernel: k.
        sf: the factor, from 1.
    """

    def __init__(self, linop: Any, y: Any, kernel: Any, sf: int, **scales: float) -> None:
        if not isinstance(kernel, Constant):
            kernel = kernel_tensor(kernel)
        super().__init__(linop, y, kernel, **scales)
        self.sf = sf

    def inside(self) -> Shape | None:
        """The small image's shape, sf times as large."""
        small = self._data[0].shape
        return (*small[:-2], small[-2] * self.sf, small[-1] * self.sf) if small else None

    def _function(self, expression: Any) -> Objective:
        y, kernel = self.measurements()
        kernel = kernel_tensor(kernel).to(y.dtype)
        objective = dprox_core.sisr(expression, y, kernel, self.sf)
        assert isinstance(objective, Objective)
        return objective


class misr(ext_sum_squares):
    """Super-resolution from several images, Σ_j ‖(k ∗ warp(x, flow_j))↓sf − y_j‖².

    Args:
        linop: the large image.
        ys: the small images.
        flows: the displacement of each, (H, W, 2); None for none.
        kernel: k, None for none.
        sf: the factor, from 1.
    """

    def __init__(
        self,
        linop: Any,
        ys: Sequence[Any],
        flows: Sequence[Any] | None = None,
        kernel: Any = None,
        sf: int = 2,
        **scales: float,
    ) -> None:
        super().__init__(linop, *ys, **scales)
        self.flows = [None] * len(ys) if flows is None else list(flows)
        self.kernel = None if kernel is None else kernel_tensor(kernel)
        self.sf = sf

    def inside(self) -> Shape | None:
        """The small images' shape, sf times as large."""
        small = self._data[0].shape
        return (*small[:-2], small[-2] * self.sf, small[-1] * self.sf) if small else None

    def _function(self, expression: Any) -> Objective:
        ys = self.measurements()
        objective = dprox_core.misr(expression, ys, self.flows, self.kernel, self.sf)
        assert isinstance(objective, Objective)
        return objective


class compress_sensing(ext_sum_squares):
    """A snapshot of many channels, ‖Σ_c m_c ⊙ x_c − y‖².

    Args:
        linop: the channels (..., C, H, W).
        mask: the code of each channel, (C, H, W).
        y: the snapshot (..., H, W).
    """

    def __init__(self, linop: Any, mask: Any, y: Any, **scales: float) -> None:
        super().__init__(linop, y, mask, **scales)

    def inside(self) -> Shape | None:
        """The snapshot's shape with the channels in between."""
        snapshot, codes = self._data[0].shape, self._data[1].shape
        if not snapshot or not codes:
            return None
        return (*snapshot[:-2], codes[-3], *snapshot[-2:])

    def _function(self, expression: Any) -> Objective:
        y, masks = self.measurements()
        objective = dprox_core.compress_sensing(expression, y, masks)
        assert isinstance(objective, Objective)
        return objective


class spi(_Measured):
    """Single-photon imaging: pixels of K jots that say only "some" or "none".

    Args:
        linop: the brightness.
        K: how many jots a pixel has.
        y: how many jots of each pixel saw a photon.
        gain: photons per pixel at brightness one.
    """

    def __init__(self, linop: Any, K: int, y: Any, gain: float = 1.0, **scales: float) -> None:
        super().__init__(linop, y, **scales)
        self.K, self.gain = K, gain

    def _function(self, expression: Any) -> Objective:
        (y,) = self.measurements()
        objective = dprox_core.spi(expression, y, jots=int(self.K), gain=self.gain)
        assert isinstance(objective, Objective)
        return objective


class phase_ret(_Measured):
    """Phase retrieval, Σ (|x_i| − y_i)² for magnitudes y of an expression. Not convex.

    Args:
        linop: a complex expression.
        y: the measured magnitudes.
    """

    def _function(self, expression: Any) -> Objective:
        (y,) = self.measurements()
        objective = dprox_core.phase_ret(expression, y)
        assert isinstance(objective, Objective)
        return objective


def _like(v: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    return image if v.is_complex() else image.real


def _constant(name: str, value: Any) -> Constant:
    node = as_node(value)
    if not isinstance(node, Constant):
        raise ParameterError(
            f"{name} takes data: a tensor, an array or a placeholder, not an expression.",
            expected="data",
            got=type(value).__name__,
            where=name,
        )
    return node
