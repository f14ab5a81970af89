"""Preconditioners for conjugate gradients: the diagonal, or the mean over the image by FFT.

H = D + S + rest, with D what is diagonal in space and S what is diagonal in frequency. Divided by
D + mean(S) or by mean(D) + S (T. Chan, An Optimal Circulant Preconditioner for Toeplitz Systems,
1988), the eigenvalues of D + S lie within a factor of

    (min D + max S) / (min D + min S)   or   (max D + min S) / (min D + min S),

without either within (max D + max S) / (min D + min S). The least of the three is chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from dprox_core.algorithms.per_sample import representative
from dprox_core.linops.space import Space
from dprox_core.linsolve.base import Gram, QuadraticPart
from dprox_core.linsolve.direct import beside
from dprox_core.numerics import fourier, reductions
from dprox_core.proxfns.base import Step

__all__ = ["Preconditioner"]

Vectors = tuple[torch.Tensor, ...]

# Worth its price only where it brings the condition number down by more than this.
_WORTHWHILE = 0.5


@dataclass(frozen=True)
class _Sums:
    """Diagonals in space and in frequency of the fixed part and of the part that ρ multiplies."""

    space: tuple[torch.Tensor, torch.Tensor]
    frequency: tuple[torch.Tensor, torch.Tensor]
    # What is left has a mean only: it helps the solution, not the bound.
    rest: tuple[torch.Tensor, torch.Tensor]


class Preconditioner:
    """An approximate inverse of a quadratic part's system, variable by variable.

    Args:
        part: the quadratic.
    """

    def __init__(self, part: QuadraticPart) -> None:
        self._spaces = part.spaces
        self._sums = [_sums(part, index) for index in range(len(part.spaces))]

    def kinds(self, rho: Step) -> tuple[str | None, ...]:
        """For each variable "diagonal", "fourier", or None where neither is worth its price."""
        value = representative(rho)
        return tuple(_kind(sums, value) for sums in self._sums)

    def at(self, rho: Step) -> Callable[[Vectors], Vectors] | None:
        """The map r ↦ P⁻¹ r for one ρ, None where none is worth its price."""
        kinds = self.kinds(rho)
        if all(kind is None for kind in kinds):
            return None
        inverses = [
            None if kind is None else _inverse(sums, kind, rho, space)
            for kind, sums, space in zip(kinds, self._sums, self._spaces, strict=True)
        ]

        def apply(residual: Vectors) -> Vectors:
            return tuple(
                r if inverse is None else _applied(r, inverse, kind, space)
                for r, inverse, kind, space in zip(
                    residual, inverses, kinds, self._spaces, strict=True
                )
            )

        return apply


@torch.no_grad()
def _sums(part: QuadraticPart, index: int) -> _Sums:
    zero = torch.zeros((), dtype=torch.float64)
    space, frequency, rest = [zero, zero], [zero, zero], [zero, zero]
    weighted = [
        (Gram(operator, metric), 2.0 * reductions.number(term.penalty.weight), 0)
        for term, metric in part.curved
        for i, operator in term.row.entries
        if i == index
    ]
    weighted += [
        (Gram(op), 1.0, 1) for row in part.couplings for i, op in row.entries if i == index
    ]
    for gram, weight, place in weighted:
        spectrum, diagonal = gram.spectrum(), gram.diagonal()
        # A constant is diagonal in both; it counts once.
        if spectrum is not None:
            frequency[place] = frequency[place] + spectrum.detach() * weight
        elif diagonal is not None:
            space[place] = space[place] + diagonal.detach() * weight
        else:
            rest[place] = rest[place] + _mean_diagonal(gram, part.spaces[index]) * weight
    return _Sums((space[0], space[1]), (frequency[0], frequency[1]), (rest[0], rest[1]))


def _mean_diagonal(gram: Gram, space: Space) -> torch.Tensor:
    """The diagonal where it is known, else the mean of it, seen on one random vector.

    M. F. Hutchinson, A Stochastic Estimator of the Trace of the Influence Matrix, 1990.
    """
    if gram.metric is None:
        known = gram.operator.mean_gram_diagonal()
        if known is not None:
            return known.detach()
    probe = space.random(7)
    image = gram.operator.forward(probe)
    pulled = image if gram.metric is None else gram.metric.forward(image)
    energy = float(reductions.inner(image, pulled))
    size = float(reductions.squared_norm(probe))
    return torch.tensor(energy / size, dtype=torch.float64)


def _at(pair: tuple[torch.Tensor, torch.Tensor], rho: Step) -> torch.Tensor:
    return pair[0] + rho * pair[1]


def _kind(sums: _Sums, rho: float) -> str | None:
    # What has no bound below is left out of the estimate; its diagonal counts as one in space.
    space, frequency = _at(sums.space, rho), _at(sums.frequency, rho)
    rest = _at(sums.rest, rho)
    least = float(space.min()) + float(frequency.min())
    most = float((space + rest).max()) + float(frequency.max())
    if not least > 1e-7 * most:
        return None
    flat = float(space.min() + rest.min()) + float(frequency.max())
    even = float((space + rest).max()) + float(frequency.min())
    if min(flat, even) > _WORTHWHILE * most:
        return None
    return "fourier" if even <= flat else "diagonal"


def _inverse(sums: _Sums, kind: str, rho: Step, space: Space) -> torch.Tensor:
    pairs = (sums.space, sums.rest, sums.frequency)
    places = [t.device for pair in pairs for t in pair if t.ndim]
    rho = beside(rho, len(space.shape), places[0] if places else torch.device("cpu"))
    if not isinstance(rho, torch.Tensor) or rho.numel() == 1:
        rho = reductions.number(rho)
    within, rest, frequency = (_at(pair, rho) for pair in pairs)
    spatial = within + rest
    whole = _mean(spatial) + frequency if kind == "fourier" else spatial + _mean(frequency)
    return (1.0 / whole).to(device=space.device, dtype=space.precision)


def _mean(values: torch.Tensor) -> torch.Tensor:
    """Over the last two axes, where there are as many; over all of them otherwise."""
    return values.mean(dim=(-2, -1), keepdim=True) if values.ndim >= 2 else values.mean()


def _applied(
    residual: torch.Tensor, inverse: torch.Tensor, kind: str | None, space: Space
) -> torch.Tensor:
    if kind == "diagonal":
        return residual * inverse
    size = (space.shape[-2], space.shape[-1])
    pairs = fourier.real_pairs(fourier.forward(residual, space.is_complex)) * inverse.unsqueeze(-1)
    return fourier.inverse(torch.view_as_complex(pairs), size, space.is_complex)
