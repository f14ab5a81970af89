"""One problem, four ways: total-variation deconvolution by us, by hand, and as little as can be.

minimize ‖k ∗ x − b‖² + λ ‖∇x‖₁ subject to x ≥ 0, circular, anisotropic, float32. Every contestant
is made once and then asked for a number of iterations from zero; ``objective`` judges what it has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch

import dprox_core as dp

__all__ = ["ByHand", "Contestant", "Floor", "Instance", "Ours", "instance"]

WEIGHT = 0.01


@dataclass(frozen=True)
class Instance:
    """The data of one problem.

    Attributes:
        photo: the truth.
        kernel: k.
        observed: b.
    """

    photo: torch.Tensor
    kernel: torch.Tensor
    observed: torch.Tensor

    @property
    def transfer(self) -> torch.Tensor:
        """k's spectrum in the size of the photograph."""
        placed = torch.zeros(self.photo.shape[-2:])
        rows, columns = self.kernel.shape
        placed[:rows, :columns] = self.kernel
        return torch.fft.rfft2(placed.roll((-(rows // 2), -(columns // 2)), (0, 1)))

    def objective(self, x: torch.Tensor) -> float:
        """The objective in double precision, without the constraint, which iterates here meet."""
        x = x.double().clamp_min(0.0)
        spectrum = torch.fft.rfft2(x) * self.transfer.to(torch.complex128)
        blurred = torch.fft.irfft2(spectrum, s=x.shape[-2:])
        variation = (x.roll(-1, -2) - x).abs().sum() + (x.roll(-1, -1) - x).abs().sum()
        return float((blurred - self.observed.double()).square().sum() + WEIGHT * variation)

    def problem(self) -> tuple[dp.Problem, dp.Variable]:
        """The same in our language."""
        x = dp.Variable("x", tuple(self.photo.shape))
        terms = (
            dp.sum_squares(dp.conv(x, self.kernel) - self.observed)
            + WEIGHT * dp.norm1(dp.grad(x))
            + dp.nonneg(x)
        )
        return dp.Problem(terms), x


def instance(size: int, channels: int) -> Instance:
    """A photograph, blurred by a Gaussian of width 2 and with noise of 0.01."""
    name = "sample:camera" if channels == 1 else "sample:coffee"
    photo = dp.load_image(name, size=min(size, 400)).cpu()
    photo = torch.nn.functional.interpolate(photo, (size, size), mode="bicubic").clamp(0, 1)
    kernel = dp.gaussian_psf(size=15, sigma=2.0).cpu()
    observed = dp.add_noise(dp.blur(photo, kernel), sigma=0.01, seed=0)
    return Instance(photo, kernel, observed)


class Contestant(ABC):
    """A way to iterate.

    Attributes:
        name: what the table calls it.
    """

    name: str

    @abstractmethod
    def restart(self) -> None:
        """Back to zero."""

    @abstractmethod
    def advance(self, iterations: int) -> None:
        """Some iterations on."""

    @abstractmethod
    def iterate(self) -> torch.Tensor:
        """What it has."""


class Ours(Contestant):
    """``Problem.compile("admm")``, ρ adapted at every tenth step as ``solve`` does."""

    name = "dprox_core"

    def __init__(self, data: Instance) -> None:
        problem, _ = data.problem()
        self._solver = problem.compile("admm")
        self.restart()

    def restart(self) -> None:
        """Back to zero."""
        self._state = self._solver.init()
        self._count = 0

    def advance(self, iterations: int) -> None:
        """Some iterations on."""
        for _ in range(iterations):
            self._count += 1
            measure = self._count % 10 == 0
            self._state = self._solver.step(self._state, measure)
            if measure:
                self._state = self._solver.algorithm.adapt(self._state)

    def iterate(self) -> torch.Tensor:
        """What it has."""
        return self._solver.values(self._state)["x"]


class ByHand(Contestant):
    """ADMM as one writes it in an afternoon: fixed ρ, ``roll``, a new tensor for every result.

    ρ = 0.1 took the fewest iterations to a gap of 1e-4 among 0.03, 0.1, 0.3 and 1, at 96².
    """

    name = "written by hand"

    def __init__(self, data: Instance, rho: float = 0.1) -> None:
        height, width = data.photo.shape[-2:]
        self._rho, self._size, self._shape = rho, (height, width), data.photo.shape
        down = torch.zeros(height, width)
        down[0, 0], down[-1, 0] = -1.0, 1.0
        right = torch.zeros(height, width)
        right[0, 0], right[0, -1] = -1.0, 1.0
        transfer = data.transfer
        laplacian = torch.fft.rfft2(down).abs() ** 2 + torch.fft.rfft2(right).abs() ** 2
        self._matrix = 2 * transfer.abs() ** 2 + rho * (laplacian + 1.0)
        self._constant = 2 * transfer.conj() * torch.fft.rfft2(data.observed)
        self.restart()

    def restart(self) -> None:
        """Back to zero."""
        zero = torch.zeros(self._shape)
        self._zd, self._zr, self._zp = zero, zero, zero
        self._ud, self._ur, self._up = zero, zero, zero

    def advance(self, iterations: int) -> None:
        """Some iterations on."""
        rho, threshold = self._rho, WEIGHT / self._rho
        for _ in range(iterations):
            d, r = self._zd - self._ud, self._zr - self._ur
            pulled = d.roll(1, -2) - d + r.roll(1, -1) - r + self._zp - self._up
            spectrum = (self._constant + rho * torch.fft.rfft2(pulled)) / self._matrix
            x = torch.fft.irfft2(spectrum, s=self._size)
            vd = x.roll(-1, -2) - x + self._ud
            vr = x.roll(-1, -1) - x + self._ur
            vp = x + self._up
            self._zd = torch.sign(vd) * torch.relu(vd.abs() - threshold)
            self._zr = torch.sign(vr) * torch.relu(vr.abs() - threshold)
            self._zp = torch.relu(vp)
            self._ud, self._ur, self._up = vd - self._zd, vr - self._zr, vp - self._zp

    def iterate(self) -> torch.Tensor:
        """What it has."""
        return self._zp


class Floor(Contestant):
    """The unavoidable: one FFT and its inverse, and each array touched as often as must be.

    The same iteration with every result written into memory that is there already, soft
    thresholding in its dual form (a clamp), slices instead of ``roll`` and no over-relaxation.
    """

    name = "floor"

    def __init__(self, data: Instance, rho: float = 0.1) -> None:
        by_hand = ByHand(data, rho)
        self._size, self._shape = by_hand._size, by_hand._shape
        # Repeated for both parts of a number: repeating it on the fly takes four times as long.
        gain = (rho / by_hand._matrix).unsqueeze(-1)
        self._gain = gain.expand(*gain.shape[:-1], 2).contiguous()
        self._shift = torch.view_as_real(by_hand._constant / by_hand._matrix).contiguous()
        self._threshold = WEIGHT / rho
        self._image = torch.empty(self._shape)
        self._pair = torch.empty((2, *self._shape))
        self.restart()

    def restart(self) -> None:
        """Back to zero."""
        self._v, self._u = torch.zeros((2, *self._shape)), torch.zeros((2, *self._shape))
        self._vp, self._up = torch.zeros(self._shape), torch.zeros(self._shape)

    def advance(self, iterations: int) -> None:
        """Some iterations on."""
        x, pair, threshold = self._image, self._pair, self._threshold
        down, right = pair[0], pair[1]
        for _ in range(iterations):
            torch.sub(self._vp, self._up, alpha=2.0, out=x)
            torch.sub(self._v, self._u, alpha=2.0, out=pair)
            x -= down
            x[..., 1:, :] += down[..., :-1, :]
            x[..., :1, :] += down[..., -1:, :]
            x -= right
            x[..., :, 1:] += right[..., :, :-1]
            x[..., :, :1] += right[..., :, -1:]
            spectrum = torch.view_as_real(torch.fft.rfft2(x))
            torch.addcmul(self._shift, spectrum, self._gain, out=spectrum)
            torch.fft.irfft2(torch.view_as_complex(spectrum), s=self._size, out=x)
            torch.sub(x[..., 1:, :], x[..., :-1, :], out=down[..., :-1, :])
            torch.sub(x[..., :1, :], x[..., -1:, :], out=down[..., -1:, :])
            torch.sub(x[..., :, 1:], x[..., :, :-1], out=right[..., :, :-1])
            torch.sub(x[..., :, :1], x[..., :, -1:], out=right[..., :, -1:])
            torch.add(pair, self._u, out=self._v)
            torch.clamp(self._v, -threshold, threshold, out=self._u)
            torch.add(x, self._up, out=self._vp)
            torch.clamp(self._vp, max=0.0, out=self._up)

    def iterate(self) -> torch.Tensor:
        """What it has."""
        return self._vp - self._up
