"""Small systems without a closed form: the whole matrix, factored."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from dprox_core.algorithms.per_sample import is_per_sample, shaped
from dprox_core.compiler.model import Row
from dprox_core.linops.base import LinOp
from dprox_core.linsolve.base import LinearSolver, QuadraticPart, Vectors
from dprox_core.linsolve.direct import beside, same
from dprox_core.linsolve.product import from_rows, rows_of, size_of
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = ["LARGEST", "DenseSolver", "is_small"]

# Singular values of so many roundings beside the largest are none.
_ROUNDINGS = 1e3

LARGEST = 256
"""As many real unknowns of a sample as are solved for by a dense matrix.

Its products with as many unit vectors cost about what conjugate gradients need for as many steps,
which is twenty or so iterations; thereafter each takes one product with a small matrix.
"""


def is_small(part: QuadraticPart) -> bool:
    """Whether all unknowns of a sample together are few enough, and all matrices few."""
    count = size_of(part.spaces) // part.samples
    return count <= LARGEST and count**2 * part.samples <= 16 * LARGEST**2


class DenseSolver(LinearSolver):
    """(Q + ρ G) x = ρ p + c for all variables together, complex values as pairs.

    The matrix Σ_q 2 w_q A_qᴴ W_q A_q + ρ Σ_j K_jᴴ K_j is real and symmetric over pairs. From its
    eigenvalues comes its pseudo-inverse; in its null space x stays what it was. G. H. Golub,
    C. F. Van Loan, Matrix Computations, 2013, section 5.5.2. Samples that never meet have a matrix
    each. Gradients do not pass.

    Args:
        part: the quadratic to minimize.
    """

    kind = "dense"

    def __init__(self, part: QuadraticPart) -> None:
        self._part = part
        self._grams: tuple[torch.Tensor, torch.Tensor] | None = None
        self._constant = part.constant()
        self._prepared: tuple[Step, torch.Tensor, torch.Tensor | None] | None = None

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
        if not (isinstance(rho, torch.Tensor) and is_per_sample(rho)):
            rho = reductions.number(rho)
        inverse, null = self._at(rho)
        right = tuple(
            p * shaped(rho, p) if constant is None else p * shaped(rho, p) + constant
            for p, constant in zip(pulled, self._constant, strict=True)
        )
        found = inverse @ self._column(right)
        if null is not None:
            found = found + null @ (null.mT @ self._column(previous))
        rows = found[..., 0].to(self._part.spaces[0].precision)
        return from_rows(rows, self._part.spaces)

    def _at(self, rho: Step) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The pseudo-inverses, and bases of the null spaces, filled up with zeros, if any."""
        if self._prepared is not None and same(self._prepared[0], rho):
            return self._prepared[1:]
        if self._grams is None:
            self._grams = (
                self._gram([(t.row, 2.0 * t.penalty.weight, m) for t, m in self._part.curved]),
                self._gram([(row, 1.0, None) for row in self._part.couplings]),
            )
        fixed, coupled = self._grams
        values, vectors = torch.linalg.eigh(fixed + beside(rho, 3, coupled.device) * coupled)
        epsilon = torch.finfo(self._part.spaces[0].precision).eps
        # The matrix holds the squares of singular values, which are exact but for rounding of the
        # operators. What rounds on the right is divided by σ², which the operators see times σ.
        least = (_ROUNDINGS * epsilon) ** 2
        double = 8.0 * torch.finfo(values.dtype).eps * math.sqrt(values.shape[-1])
        kept = values > max(least, double) * values[:, -1:].clamp_min(0.0)
        # Rounded, an inverse would be off by its largest entries' last digits in every direction,
        # and where the matrix is large that times the matrix.
        inverted = torch.where(kept, 1.0 / torch.where(kept, values, 1.0), 0.0)
        inverse = (vectors * inverted[:, None]) @ vectors.mT
        null = None if bool(kept.all()) else vectors * ~kept[:, None]
        self._prepared = (rho, inverse, null)
        return inverse, null

    def _column(self, x: Vectors) -> torch.Tensor:
        """The numbers of each sample, (B, n, 1), in double precision."""
        return rows_of(x, self._part.samples).double()[..., None]

    def _gram(self, parts: Sequence[tuple[Row, Step, LinOp | None]]) -> torch.Tensor:
        """Σ w Kᴴ W K of each sample in double precision, from what K makes of unit vectors."""
        spaces, samples = self._part.spaces, self._part.samples
        size = size_of(spaces) // samples
        units = torch.eye(size, dtype=spaces[0].precision, device=spaces[0].device)
        total = torch.zeros((samples, size, size), dtype=torch.float64, device=units.device)
        for row, weight, metric in parts:
            # All samples at once: none sees the others.
            images = [row.forward(from_rows(unit.expand(samples, -1), spaces)) for unit in units]
            columns = self._columns(images)
            seen = columns if metric is None else self._columns([metric.forward(v) for v in images])
            total += (columns.mT @ seen) * weight
        return 0.5 * (total + total.mT)

    def _columns(self, images: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat([self._column((image,)) for image in images], dim=-1)
