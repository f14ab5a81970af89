"""Small systems without a closed form: the whole matrix, factored."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from dprox_core.compiler.model import Row
from dprox_core.linops.base import LinOp
from dprox_core.linsolve.base import LinearSolver, QuadraticPart, Vectors
from dprox_core.linsolve.product import pack, size_of, unpack
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = ["LARGEST", "DenseSolver", "is_small"]

# Singular values of so many roundings beside the largest are none.
_ROUNDINGS = 1e3

LARGEST = 256
"""As many real unknowns as are solved for by a dense matrix.

Its products with as many unit vectors cost about what conjugate gradients need for as many steps,
which is twenty or so iterations; thereafter each takes one product with a small matrix.
"""


def is_small(part: QuadraticPart) -> bool:
    """Whether all unknowns together are few enough."""
    return size_of(part.spaces) <= LARGEST


class DenseSolver(LinearSolver):
    """(Q + ρ G) x = ρ p + c for all variables together, complex values as pairs.

    The matrix Σ_q 2 w_q A_qᴴ W_q A_q + ρ Σ_j K_jᴴ K_j is real and symmetric over pairs. From its
    eigenvalues comes its pseudo-inverse; in its null space x stays what it was. G. H. Golub,
    C. F. Van Loan, Matrix Computations, 2013, section 5.5.2. Gradients do not pass.

    Args:
        part: the quadratic to minimize.
    """

    kind = "dense"

    def __init__(self, part: QuadraticPart) -> None:
        self._part = part
        self._grams: tuple[torch.Tensor, torch.Tensor] | None = None
        self._constant = part.constant()
        self._prepared: tuple[float, torch.Tensor, torch.Tensor | None] | None = None

    def forget(self) -> None:
        """Drop the inverse."""
        self._prepared = None

    @torch.no_grad()
    def solve(
        self,
        pulled: list[torch.Tensor],
        rho: Step,
        previous: Vectors,
        out: Vectors | None = None,
    ) -> Vectors:
        """The minimizer; in the null space of the matrix that of ``previous``."""
        value = reductions.number(rho)
        inverse, null = self._at(value)
        right = tuple(
            p * value if constant is None else p * value + constant
            for p, constant in zip(pulled, self._constant, strict=True)
        )
        found = inverse @ pack(right).double()
        if null is not None:
            found = found + null @ (null.mT @ pack(previous).double())
        return unpack(found.to(self._part.spaces[0].precision), self._part.spaces)

    def _at(self, rho: float) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The pseudo-inverse, and a basis of the null space where there is one."""
        if self._prepared is not None and self._prepared[0] == rho:
            return self._prepared[1:]
        if self._grams is None:
            self._grams = (
                self._gram([(t.row, 2.0 * t.penalty.weight, m) for t, m in self._part.curved]),
                self._gram([(row, 1.0, None) for row in self._part.couplings]),
            )
        values, vectors = torch.linalg.eigh(self._grams[0] + rho * self._grams[1])
        epsilon = torch.finfo(self._part.spaces[0].precision).eps
        # The matrix holds the squares of singular values, which are exact but for rounding of the
        # operators. What rounds on the right is divided by σ², which the operators see times σ.
        least = (_ROUNDINGS * epsilon) ** 2
        double = 8.0 * torch.finfo(values.dtype).eps * math.sqrt(len(values))
        kept = values > max(least, double) * values[-1].clamp_min(0.0)
        used = vectors[:, kept]
        # Rounded, an inverse would be off by its largest entries' last digits in every direction,
        # and where the matrix is large that times the matrix.
        inverse = (used / values[kept]) @ used.mT
        null = None if bool(kept.all()) else vectors[:, ~kept]
        self._prepared = (rho, inverse, null)
        return inverse, null

    def _gram(self, parts: Sequence[tuple[Row, Step, LinOp | None]]) -> torch.Tensor:
        """Σ w Kᴴ W K in double precision, from what each K makes of unit vectors."""
        spaces = self._part.spaces
        size = size_of(spaces)
        units = torch.eye(size, dtype=spaces[0].precision, device=spaces[0].device)
        total = torch.zeros((size, size), dtype=torch.float64, device=units.device)
        for row, weight, metric in parts:
            images = [row.forward(unpack(unit, spaces)) for unit in units]
            columns = _stacked(images)
            seen = columns if metric is None else _stacked([metric.forward(v) for v in images])
            total += (columns @ seen.mT) * weight
        return 0.5 * (total + total.mT)


def _stacked(images: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack([pack((image,)).double() for image in images])
