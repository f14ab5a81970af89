"""Super-resolution: (Λ + 2 w Tᴴ Sᴴ S T) x = r with S keeping every s-th pixel of every s-th row.

Λ and T multiply each frequency. The matrix inversion lemma (M. A. Woodbury, 1950) leaves an
inverse on the small image,

    x = Λ⁻¹ r − Λ⁻¹ Tᴴ Sᴴ (I / (2 w) + S T Λ⁻¹ Tᴴ Sᴴ)⁻¹ S T Λ⁻¹ r,

and there S D Sᴴ multiplies each frequency by the mean of D over the s² frequencies that alias to
it: N. Zhao et al., Fast Single Image Super-Resolution Using a New Analytical Solution for l2-l2
Problems, 2016, theorem 1.
"""

from __future__ import annotations

import torch

from dprox_core.linops.base import LinOp, magnitude_squared
from dprox_core.linops.conv import whole_spectrum
from dprox_core.linops.space import Space
from dprox_core.linsolve.base import Gram, QuadraticPart
from dprox_core.linsolve.direct import beside, same
from dprox_core.numerics import fourier
from dprox_core.proxfns.base import Step

__all__ = ["DecimatedSolver", "accepts_decimation"]


def accepts_decimation(part: QuadraticPart, index: int) -> bool:
    """Whether one square of a variable is decimated and all else is diagonal in frequency."""
    coarse, fine = _sorted(part, index)
    if len(coarse) != 1 or not fine:
        return False
    operator, _ = coarse[0]
    found = operator.decimated()
    assert found is not None, "sorted by this"
    if any(extent % found[0] for extent in part.spaces[index].shape[-2:]):
        return False
    spectra = [gram.spectrum() for gram, _ in fine]
    known = [spectrum.detach() for spectrum in spectra if spectrum is not None]
    if len(known) < len(fine):
        return False
    summed = sum(known[1:], known[0])
    return float(summed.min()) > 1e-5 * float(summed.max())


def _sorted(
    part: QuadraticPart, index: int
) -> tuple[list[tuple[LinOp, Step]], list[tuple[Gram, Step | None]]]:
    """The decimated squares with 2 w, and the others; None in the place of 2 w stands for ρ."""
    coarse: list[tuple[LinOp, Step]] = []
    fine: list[tuple[Gram, Step | None]] = []
    for term, metric in part.curved:
        weight = 2.0 * term.penalty.weight
        for i, operator in term.row.entries:
            if i == index:
                gram = Gram(operator, metric)
                coarsened = metric is None and operator.decimated() is not None
                if coarsened and gram.spectrum() is None:
                    coarse.append((operator, weight))
                else:
                    fine.append((gram, weight))
    for row in part.couplings:
        fine += [(Gram(operator), None) for i, operator in row.entries if i == index]
    return coarse, fine


class DecimatedSolver:
    """One FFT of the image and its inverse, whatever s is.

    Args:
        part: the quadratic to minimize.
        index: the variable.
        constant: what is added to ρ times the pulled image, None for zero.
    """

    kind = "woodbury"

    def __init__(self, part: QuadraticPart, index: int, constant: torch.Tensor | None) -> None:
        self._space = part.spaces[index]
        self._constant = constant
        coarse, self._fine = _sorted(part, index)
        operator, self._weight = coarse[0]
        found = operator.decimated()
        assert found is not None, "chosen only where there is one"
        self._step, transfer = found
        self._transfer = _whole(transfer.values, self._space)
        self._held: tuple[Step, torch.Tensor, torch.Tensor] | None = None

    def forget(self) -> None:
        """Drop the factors."""
        self._held = None

    def solve(
        self, pulled: torch.Tensor, rho: Step, previous: torch.Tensor, out: torch.Tensor | None
    ) -> torch.Tensor:
        """The solution; the system is never singular."""
        inverse, small = self._prepared(rho)
        factor = beside(rho, pulled.ndim, pulled.device)
        if isinstance(factor, torch.Tensor):
            factor = factor.to(pulled.real.dtype)
        right = pulled * factor
        if self._constant is not None:
            right = right + self._constant
        spectrum = torch.fft.fft2(right)
        spectrum = fourier.multiply(spectrum, inverse)
        aliased = self._folded(fourier.multiply(spectrum, self._transfer))
        spread = self._unfolded(fourier.multiply(aliased, small))
        back = fourier.multiply(spread, self._transfer, conjugate_b=True)
        solved = torch.fft.ifft2(spectrum - fourier.multiply(back, inverse))
        return solved if self._space.is_complex else solved.real.contiguous()

    def _prepared(self, rho: Step) -> tuple[torch.Tensor, torch.Tensor]:
        """Λ⁻¹ and the inverse on the small image."""
        held = self._held
        if held is not None and same(held[0], rho):
            return held[1], held[2]
        summed = torch.zeros((), dtype=torch.float64, device=self._space.device)
        factor = beside(rho, len(self._space.shape), self._space.device)
        for gram, weight in self._fine:
            spectrum = gram.spectrum()
            assert spectrum is not None, "chosen only where all have one"
            summed = summed + spectrum * (factor if weight is None else weight)
        inverse = 1.0 / _whole(summed, self._space)
        folded = self._folded(magnitude_squared(self._transfer) * inverse)
        small = 1.0 / (1.0 / self._weight + folded)
        self._held = (rho, inverse, small)
        return inverse, small

    def _folded(self, spectrum: torch.Tensor) -> torch.Tensor:
        """The mean over frequencies that alias to the same one."""
        s = self._step
        *leading, height, width = spectrum.shape
        parts = spectrum.reshape(*leading, s, height // s, s, width // s)
        return parts.mean(dim=(-4, -2))

    def _unfolded(self, spectrum: torch.Tensor) -> torch.Tensor:
        """The small spectrum, repeated."""
        return spectrum.tile((*([1] * (spectrum.ndim - 2)), self._step, self._step))


def _whole(factors: torch.Tensor, space: Space) -> torch.Tensor:
    """Factors at all frequencies, in the working precision."""
    size = (space.shape[-2], space.shape[-1])
    kept = fourier.spectrum_shape(size, space.is_complex)
    dtype = space.precision.to_complex() if factors.is_complex() else space.precision
    factors = factors.to(device=space.device, dtype=dtype)
    factors = factors.expand(*factors.shape[:-2], *kept)
    return factors if space.is_complex else whole_spectrum(factors, size).resolve_conj()
