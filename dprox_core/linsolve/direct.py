"""Systems that are diagonal in space or in frequency: solved exactly, all at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch

from dprox_core.linops.space import Space
from dprox_core.linsolve.base import Gram, QuadraticPart
from dprox_core.numerics import fourier
from dprox_core.proxfns.base import Step

__all__ = [
    "DiagonalSolver",
    "DirectSolver",
    "FourierSolver",
    "beside",
    "direct_kind",
    "gram_of",
    "same",
]


def direct_kind(grams: list[Gram]) -> str | None:
    """Which direct solver serves the sum of these.

    Returns:
        "diagonal", "fourier", or None where neither does.
    """
    if all(gram.diagonal() is not None for gram in grams):
        return "diagonal"
    if all(gram.spectrum() is not None for gram in grams):
        return "fourier"
    return None


@dataclass(frozen=True)
class _Factors:
    """x = gain ⊙ p + shift in the basis where the system is diagonal, for one ρ."""

    rho: Step
    gain: torch.Tensor
    shift: torch.Tensor | None
    null: torch.Tensor | None


class DirectSolver(ABC):
    """(Q + ρ G) x = ρ p + c for one variable, diagonal in some basis.

    Args:
        space: the space of the variable.
        quadratic: the diagonal of Q, None for zero.
        coupling: the diagonal of G, None for zero.
        constant: c in the image, None for zero.
    """

    kind: str

    def __init__(
        self,
        space: Space,
        quadratic: torch.Tensor | None,
        coupling: torch.Tensor | None,
        constant: torch.Tensor | None,
    ) -> None:
        zero = torch.zeros((), dtype=torch.float64)
        self._space = space
        self._quadratic = zero if quadratic is None else quadratic
        self._coupling = zero if coupling is None else coupling
        self._constant = None if constant is None else self._to_basis(constant)
        self._factors: _Factors | None = None
        self._ranges: tuple[tuple[float, float], ...] | None = None

    @abstractmethod
    def solve(
        self, pulled: torch.Tensor, rho: Step, previous: torch.Tensor, out: torch.Tensor | None
    ) -> torch.Tensor:
        """The solution; ``previous`` where the system is singular."""

    @abstractmethod
    def _to_basis(self, image: torch.Tensor) -> torch.Tensor:
        """The coefficients of an image."""

    def forget(self) -> None:
        """Drop the factors."""
        self._factors = None
        self._ranges = None

    def _laid_out(self, gain: torch.Tensor) -> torch.Tensor:
        """The gain as it lies beside what it multiplies."""
        return gain

    def _scaled(
        self, constant: torch.Tensor, gain: torch.Tensor, out: torch.Tensor | None
    ) -> torch.Tensor:
        """constant ⊙ gain, the gain laid out."""
        return torch.mul(constant, gain, out=out)

    def _null(self, whole: torch.Tensor, rho: Step) -> torch.Tensor | None:
        """Where Q + ρ G vanishes, None where nowhere.

        A singular system has zeros there in exact arithmetic; rounding leaves a little.
        """
        rounding = self._rounding(4.0 * torch.finfo(self._space.precision).eps)
        if not isinstance(rho, torch.Tensor):
            if self._ranges is None:
                diagonals = (self._quadratic.detach(), self._coupling.detach())
                self._ranges = tuple((float(d.min()), float(d.max())) for d in diagonals)
            (low, high), (least, most) = self._ranges
            # Far from singular in any case: no pass over the numbers is needed.
            if low + rho * least > 2.0 * rounding * (high + rho * most):
                return None
        bound = rounding * float(whole.max())
        return whole <= bound if float(whole.min()) <= bound else None

    def _rounding(self, share: float) -> float:
        """What share of the largest is nothing, where coefficients round as the largest does."""
        return share

    def _prepared(self, rho: Step) -> _Factors:
        held = self._factors
        if held is not None and same(held.rho, rho):
            return held
        given, rho = rho, beside(rho, len(self._space.shape), self._coupling.device)
        plain = not (isinstance(rho, torch.Tensor) or torch.is_grad_enabled())
        # Courses change ρ at every step, and fresh memory costs more than what is done with it.
        fits = held is not None and not isinstance(held.rho, torch.Tensor)
        spare = held if plain and fits else None
        if isinstance(rho, torch.Tensor):
            whole = self._quadratic + rho * self._coupling
        else:
            whole = torch.add(self._quadratic, self._coupling, alpha=rho)
        null = self._null(whole.detach(), rho)
        if null is not None:
            inverse = torch.where(null, 0.0, 1.0 / torch.where(null, 1.0, whole))
            null = null.to(self._space.device)
        else:
            inverse = whole.reciprocal_() if plain else whole.reciprocal()
        laid = self._laid_out(inverse.to(self._space.device, self._space.precision))
        shift = None
        if self._constant is not None:
            target = _reusable(spare.shift) if spare is not None else None
            shift = self._scaled(self._constant, laid, target)
        if isinstance(rho, torch.Tensor):
            inverse = inverse.to(device=self._space.device)
            gain = self._laid_out((rho * inverse).to(self._space.precision))
        else:
            gain = torch.mul(laid, rho, out=_reusable(spare.gain) if spare is not None else None)
        self._factors = _Factors(given, gain, shift, null)
        return self._factors


class DiagonalSolver(DirectSolver):
    """Every element on its own."""

    kind = "diagonal"

    def solve(
        self, pulled: torch.Tensor, rho: Step, previous: torch.Tensor, out: torch.Tensor | None
    ) -> torch.Tensor:
        """shift + gain ⊙ pulled."""
        f = self._prepared(rho)
        if f.null is not None:
            solved = pulled * f.gain if f.shift is None else f.shift + pulled * f.gain
            return torch.where(f.null, previous, solved)
        if f.shift is None:
            return torch.mul(pulled, f.gain, out=out)
        return torch.addcmul(f.shift, pulled, f.gain, out=out)

    def _to_basis(self, image: torch.Tensor) -> torch.Tensor:
        return image

    def _rounding(self, share: float) -> float:
        """No element sees another: only the factors round, and this is made of their squares."""
        return share * share


class FourierSolver(DirectSolver):
    """Every frequency on its own: one forward and one inverse FFT."""

    kind = "fourier"

    def __init__(
        self,
        space: Space,
        quadratic: torch.Tensor | None,
        coupling: torch.Tensor | None,
        constant: torch.Tensor | None,
    ) -> None:
        learned = any(t is not None and t.requires_grad for t in (quadratic, coupling, constant))
        self._in_columns = not learned and fourier.worth_columns(
            space.dtype, space.shape, space.device
        )
        if self._in_columns:
            quadratic, coupling = _in_columns(quadratic), _in_columns(coupling)
        super().__init__(space, quadratic, coupling, constant)

    def solve(
        self, pulled: torch.Tensor, rho: Step, previous: torch.Tensor, out: torch.Tensor | None
    ) -> torch.Tensor:
        """The inverse FFT of shift + gain ⊙ FFT(pulled)."""
        f = self._prepared(rho)
        full, size = self._space.is_complex, (self._space.shape[-2], self._space.shape[-1])
        # Factors are real, so both parts of a coefficient are scaled alike: no complex product.
        pairs = fourier.real_pairs(self._to_basis(pulled))
        target = None if torch.is_grad_enabled() else pairs
        if f.shift is None:
            pairs = torch.mul(pairs, f.gain, out=target)
        else:
            pairs = torch.addcmul(fourier.real_pairs(f.shift), pairs, f.gain, out=target)
        if f.null is not None:
            kept = fourier.real_pairs(self._to_basis(previous))
            pairs = torch.where(f.null.unsqueeze(-1), kept, pairs)
        return fourier.inverse(torch.view_as_complex(pairs), size, full, out=out)

    def _to_basis(self, image: torch.Tensor) -> torch.Tensor:
        if self._in_columns and not torch.compiler.is_compiling():
            return fourier.forward_in_columns(image)
        return fourier.forward(image, self._space.is_complex)

    def _laid_out(self, gain: torch.Tensor) -> torch.Tensor:
        """One factor for each real number."""
        return fourier.paired(gain)

    def _scaled(
        self, constant: torch.Tensor, gain: torch.Tensor, out: torch.Tensor | None
    ) -> torch.Tensor:
        target = None if out is None else fourier.real_pairs(out)
        pairs = torch.mul(fourier.real_pairs(constant), gain, out=target)
        return torch.view_as_complex(pairs)


def gram_of(
    part: QuadraticPart, index: int, kind: str
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """The diagonals of Σ_q 2 w_q A_qᴴ W_q A_q and Σ_j K_jᴴ K_j for one variable, None for zero."""
    quadratic: torch.Tensor | None = None
    coupling: torch.Tensor | None = None
    for term, metric in part.curved:
        for i, operator in term.row.entries:
            if i == index:
                found = _diagonal(Gram(operator, metric), kind) * (2.0 * term.penalty.weight)
                quadratic = found if quadratic is None else quadratic + found
    for row in part.couplings:
        for i, operator in row.entries:
            if i == index:
                found = _diagonal(Gram(operator), kind)
                coupling = found if coupling is None else coupling + found
    return quadratic, coupling


def _diagonal(gram: Gram, kind: str) -> torch.Tensor:
    found = gram.diagonal() if kind == "diagonal" else gram.spectrum()
    assert found is not None, "the kind was chosen because all have it"
    return found


def _in_columns(diagonal: torch.Tensor | None) -> torch.Tensor | None:
    return diagonal if diagonal is None or diagonal.ndim < 2 else fourier.in_columns(diagonal)


def _reusable(held: torch.Tensor | None) -> torch.Tensor | None:
    """Memory to write into, None where gradients pass through it."""
    return None if held is None or held.requires_grad else held


def beside(rho: Step, axes: int, device: torch.device) -> Step:
    """ρ beside numbers of so many axes; one for each sample lies along the first of them."""
    if not isinstance(rho, torch.Tensor) or rho.ndim != 1 or rho.numel() == 1:
        return rho
    return rho.to(device).reshape(-1, *(1,) * (axes - 1))


def same(a: Step, b: Step) -> bool:
    """Whether factors for one ρ serve another."""
    if a is b:
        return True
    if not isinstance(a, torch.Tensor) or not isinstance(b, torch.Tensor):
        return not isinstance(a, torch.Tensor) and not isinstance(b, torch.Tensor) and a == b
    learned = a.requires_grad or b.requires_grad
    return a.ndim == b.ndim == 1 and not learned and torch.equal(a, b)
