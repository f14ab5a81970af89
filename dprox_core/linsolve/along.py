"""Systems of matrices along one axis: factored for each ρ, then solved by two triangular solves.

H = Σ 2 w Mᴴ W M + D along an axis of N elements. Tall or square: H itself is factored (Cholesky).
One wide M of R < N rows beside a positive diagonal D: only the R × R matrix I / (2 w) + M D⁻¹ Mᴴ is
(M. A. Woodbury, 1950; G. H. Golub, C. F. Van Loan, Matrix Computations, section 2.1.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from dprox_core.algorithms.per_sample import is_per_sample
from dprox_core.linops.algebra import Composition
from dprox_core.linsolve.base import Gram, QuadraticPart
from dprox_core.linsolve.direct import same
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = ["MatrixSolver", "accepts_matrices", "each_has_factors"]

# A Cholesky factorization of this size takes about a second.
_LARGEST = 3000
# As many numbers in the factors of all samples are little in any case.
_FEW = 2**20
# Where terms of one sum differ by more, single precision leaves fewer than four digits.
_FEW_DIGITS = 1e3


@dataclass(frozen=True)
class _Piece:
    """One summand of H: weight · Mᴴ W M, or a diagonal.

    Attributes:
        weight: 2 w; None for ρ.
        rows: M, None for a diagonal.
        metric: W, a matrix or the diagonal of one; None for the identity.
        diagonal: the diagonal along the axis, or one number.
    """

    weight: Step | None
    rows: torch.Tensor | None = None
    metric: torch.Tensor | None = None
    diagonal: torch.Tensor | None = None


def accepts_matrices(part: QuadraticPart, index: int) -> bool:
    """Whether all operators of a variable are matrices along one axis, or multiples along it."""
    pieces = _pieces(part, index)
    if pieces is None:
        return False
    axis, found = pieces
    if all(piece.rows is None for piece in found):
        return False
    if any(piece.rows is not None and _opaque(piece.rows) for piece in found):
        return False
    size = part.spaces[index].shape[axis]
    wide = _wide(found, size)
    return (wide[0] if wide is not None else size) <= _LARGEST


def each_has_factors(part: QuadraticPart) -> bool:
    """Whether factors for each sample's ρ cost little: few numbers, or few beside the variable."""
    for index, space in enumerate(part.spaces):
        pieces = _pieces(part, index)
        if pieces is None or all(piece.rows is None for piece in pieces[1]):
            continue
        size = space.shape[pieces[0]]
        wide = _wide(pieces[1], size)
        numbers = part.samples * (size if wide is None else wide[0]) ** 2
        if numbers > max(_FEW, 4 * space.numel):
            return False
    return True


def _opaque(rows: torch.Tensor) -> bool:
    return rows.layout is not torch.strided and rows.requires_grad


def _wide(pieces: list[_Piece], size: int) -> tuple[int, _Piece] | None:
    """The rows of the only matrix, where they are few and a positive diagonal stands beside it."""
    matrices = [piece for piece in pieces if piece.rows is not None]
    diagonals = [piece.diagonal.detach() for piece in pieces if piece.diagonal is not None]
    if len(matrices) != 1 or not diagonals or matrices[0].metric is not None:
        return None
    rows = matrices[0].rows
    if rows is None or 2 * rows.shape[0] > size or matrices[0].weight is None:
        return None
    summed = sum(diagonals[1:], diagonals[0])
    positive = float(summed.min()) > 1e-5 * float(summed.max())
    return (rows.shape[0], matrices[0]) if positive else None


def _pieces(part: QuadraticPart, index: int) -> tuple[int, list[_Piece]] | None:
    """The axis and the summands, None where they do not share one."""
    grams: list[tuple[Gram, Step | None]] = [
        (_bare(Gram(operator, metric)), 2.0 * term.penalty.weight)
        for term, metric in part.curved
        for i, operator in term.row.entries
        if i == index
    ]
    grams += [
        (_bare(Gram(op)), None) for row in part.couplings for i, op in row.entries if i == index
    ]
    axes = {_axis_of(gram) for gram, _ in grams} - {None}
    if len(axes) != 1:
        return None
    axis = next(axis for axis in axes if axis is not None)
    found = [_piece(gram, weight, axis) for gram, weight in grams]
    known = [piece for piece in found if piece is not None]
    return (axis, known) if len(known) == len(found) else None


def _bare(gram: Gram) -> Gram:
    """The gram without orthogonal operators on the outside, which change nothing."""
    operator = gram.operator
    while (
        gram.metric is None and isinstance(operator, Composition) and operator.outer.is_orthogonal
    ):
        operator = operator.inner
    return Gram(operator, gram.metric)


def _axis_of(gram: Gram) -> int | None:
    """The axis along which a gram has a matrix, None where it has none."""
    if gram.metric is not None and gram.metric.diagonal() is None:
        found = gram.metric.along()
        return None if found is None else found[0]
    found = gram.operator.along()
    return None if found is None else found[0]


def _piece(gram: Gram, weight: Step | None, axis: int) -> _Piece | None:
    diagonal = gram.diagonal()
    if diagonal is not None:
        line = _line(diagonal, axis)
        return None if line is None else _Piece(weight, diagonal=line)
    operator = gram.operator
    metric: torch.Tensor | None = None
    if gram.metric is not None:
        if len(operator.range.shape) != len(operator.domain.shape):
            return None
        d, matrix = gram.metric.diagonal(), gram.metric.along()
        if d is not None:
            metric = _line(d, axis)
            if metric is not None:
                metric = metric.expand(operator.range.shape[axis])
        elif matrix is not None and matrix[0] == axis:
            metric = matrix[1]
        if metric is None:
            return None
        if operator.is_identity:
            return _Piece(weight, rows=metric.new_zeros(0), metric=metric)
    found = operator.along()
    if found is None or found[0] != axis:
        return None
    return _Piece(weight, rows=found[1], metric=metric)


def _line(values: torch.Tensor, axis: int) -> torch.Tensor | None:
    """A diagonal that varies along one axis only, as a vector or a number; None elsewhere."""
    if values.numel() == 1:
        return values.reshape(())
    if values.ndim < -axis or values.shape[axis] != values.numel():
        return None
    return values.reshape(-1)


class MatrixSolver:
    """One factorization for each ρ, two triangular solves for each right side.

    Args:
        part: the quadratic to minimize.
        index: the variable.
        constant: what is added to ρ times the pulled tensor, None for zero.
    """

    kind = "matrix"

    def __init__(self, part: QuadraticPart, index: int, constant: torch.Tensor | None) -> None:
        self._space = part.spaces[index]
        self._constant = constant
        pieces = _pieces(part, index)
        assert pieces is not None, "chosen only where there are some"
        self._axis, self._pieces = pieces
        self._size = self._space.shape[self._axis]
        wide = _wide(self._pieces, self._size)
        self._wide = None if wide is None else wide[1]
        self.rows = self._size if wide is None else wide[0]
        self._others = (part.samples - 1) * self.rows**2 if each_has_factors(part) else 0
        # What does not depend on ρ is multiplied out once, for each precision that is needed.
        self._fixed: dict[torch.dtype, torch.Tensor] = {}
        self._held: list[tuple[Step, tuple[torch.Tensor, ...]]] = []

    @property
    def nbytes(self) -> int:
        """What it takes while it makes its factors for a ρ, beside the matrices given."""
        numbers = 4.6 * self._size**2
        if self._wide is not None:
            numbers = (self._size + 3.5 * self.rows) * self.rows
        return round((numbers + self._others) * self._space.dtype.itemsize)

    def forget(self) -> None:
        """Drop the factors."""
        self._held = []
        self._fixed.clear()

    def solve(
        self, pulled: torch.Tensor, rho: Step, previous: torch.Tensor, out: torch.Tensor | None
    ) -> torch.Tensor:
        """The solution; ``previous`` where the system is singular."""
        if not (isinstance(rho, torch.Tensor) and is_per_sample(rho)):
            self._held = [entry for entry in self._held if same(entry[0], rho)]
            return self._solved(pulled, rho, previous, self._constant)
        # Samples of one ρ are solved for together.
        learned, groups = rho.requires_grad, dict[float, list[int]]()
        for index, value in enumerate(rho.tolist()):
            groups.setdefault(index if learned else value, []).append(index)
        held = [entry for entry in self._held if entry[0] in groups] if not learned else []
        self._held, found = held, []
        for value, places in groups.items():
            constant = None if self._constant is None else self._constant[places]
            own = rho[places[0]] if learned else value
            found.append(self._solved(pulled[places], own, previous[places], constant))
        order = [place for places in groups.values() for place in places]
        return torch.cat(found)[np.argsort(order).tolist()]

    def _solved(
        self,
        pulled: torch.Tensor,
        rho: Step,
        previous: torch.Tensor,
        constant: torch.Tensor | None,
    ) -> torch.Tensor:
        right = pulled * rho
        if constant is not None:
            right = right + constant
        columns = right.movedim(self._axis, 0)
        factors = self._prepared(rho)
        # Where single precision leaves too few digits, the factors are in double precision.
        working = torch.promote_types(right.dtype, factors[-1].dtype)
        flat = columns.reshape(self._size, -1).to(working)
        previous = previous.to(working)
        if self._wide is not None:
            inverse, rows, factor = factors
            scaled = flat * inverse
            inside = torch.cholesky_solve(rows @ scaled, factor)
            solved = scaled - (rows.mH @ inside) * inverse
        elif len(factors) == 1:
            solved = torch.cholesky_solve(flat, factors[0])
        elif len(factors) == 2:
            inverse, null = factors
            old = previous.movedim(self._axis, 0).reshape(self._size, -1)
            solved = inverse @ flat + null @ old
        else:
            inverse, vectors, null = factors
            old = previous.movedim(self._axis, 0).reshape(self._size, -1)
            turned = (vectors.mH @ flat) * inverse
            solved = vectors @ (turned + (vectors.mH @ old) * null)
        solved = solved.to(columns.dtype).reshape(columns.shape)
        return solved.movedim(0, self._axis).contiguous()

    def _prepared(self, rho: Step) -> tuple[torch.Tensor, ...]:
        for held, factors in self._held:
            if same(held, rho):
                return factors
        factors = self._factor(rho) if self._wide is None else self._small(rho)
        self._held.append((rho, factors))
        return factors

    def _small(self, rho: Step) -> tuple[torch.Tensor, ...]:
        """D⁻¹, M, and the factor of I / (2 w) + M D⁻¹ Mᴴ."""
        found = self._small_in(self._space.dtype, rho)
        inverse, rows, factor = found
        assert self._wide is not None, "asked only where there is one"
        weight = reductions.number(self._wide.weight or 0.0)
        # The identity is what M D⁻¹ Mᴴ must leave digits to, and D what the rest takes away from.
        if weight * float(factor.detach().abs().max()) ** 2 > _FEW_DIGITS:
            return self._small_in(_double(self._space.dtype), rho)
        return inverse, rows, factor

    def _small_in(self, dtype: torch.dtype, rho: Step) -> tuple[torch.Tensor, ...]:
        piece = self._wide
        assert piece is not None, "asked only where there is one"
        assert piece.weight is not None, "a square has a weight"
        summed = torch.zeros((), dtype=dtype.to_real(), device=self._space.device)
        for other in self._pieces:
            if other.diagonal is not None:
                weight = rho if other.weight is None else other.weight
                summed = summed + other.diagonal.to(summed.device, summed.dtype) * weight
        inverse = (1.0 / summed).expand(self._size)[:, None]
        rows = self._dense(piece.rows)
        if rows.is_complex() and not self._space.is_complex:
            rows = torch.cat([rows.real, rows.imag])
        rows = rows.to(dtype)
        eye = torch.eye(rows.shape[0], dtype=rows.dtype, device=rows.device)
        inner = eye / piece.weight + (rows * inverse.mT) @ rows.mH
        return inverse, rows, torch.linalg.cholesky(inner)

    def _factor(self, rho: Step) -> tuple[torch.Tensor, ...]:
        """The Cholesky factor of H, or its eigenvectors where H is singular."""
        found = self._factor_in(self._space.dtype, rho)
        if len(found) == 1 or _double(self._space.dtype) is self._space.dtype:
            return found
        # What single precision takes for singular may only be badly conditioned.
        return self._factor_in(_double(self._space.dtype), rho)

    def _factor_in(self, dtype: torch.dtype, rho: Step) -> tuple[torch.Tensor, ...]:
        if dtype not in self._fixed:
            self._fixed[dtype] = self._sum_of(False, dtype)
        whole = self._fixed[dtype] + rho * self._sum_of(True, dtype)
        factor, info = torch.linalg.cholesky_ex(whole)
        epsilon = torch.finfo(dtype).eps
        pivots = factor.detach().diagonal().real
        least = float(pivots.min()) ** 2 if int(info) == 0 else 0.0
        if least > 64 * self._size * epsilon * float(pivots.max()) ** 2:
            return (factor,)
        if whole.requires_grad:
            # Derivatives of eigenvectors are infinite where eigenvalues coincide, as zeros do.
            return _inverted(whole, 16 * self._size * epsilon)
        values, vectors = torch.linalg.eigh(whole)
        null = values.detach() <= 16 * self._size * epsilon * float(values.detach().max())
        inverse = torch.where(null, 0.0, 1.0 / torch.where(null, 1.0, values))
        return inverse[:, None], vectors, null.to(values.dtype)[:, None]

    def _sum_of(self, coupled: bool, dtype: torch.dtype) -> torch.Tensor:
        """The summands that belong to ρ, or the others, as a matrix."""
        total = torch.zeros(self._size, self._size, dtype=dtype, device=self._space.device)
        for piece in self._pieces:
            if (piece.weight is None) == coupled:
                weight = 1.0 if piece.weight is None else piece.weight
                total = total + self._matrix(piece, dtype) * weight
        return total

    def _matrix(self, piece: _Piece, dtype: torch.dtype) -> torch.Tensor:
        if piece.diagonal is not None:
            line = piece.diagonal.to(self._space.device, dtype.to_real())
            return torch.diag(line.expand(self._size)).to(dtype)
        if piece.rows is not None and piece.rows.numel() == 0:
            metric = self._dense(piece.metric)
            return self._fitting(torch.diag(metric) if metric.ndim == 1 else metric, dtype)
        rows = self._dense(piece.rows)
        rows = rows.to(torch.promote_types(rows.dtype, dtype))
        if piece.metric is None:
            return self._fitting(rows.mH @ rows, dtype)
        metric = piece.metric.to(torch.promote_types(piece.metric.dtype, rows.dtype))
        rows = rows.to(metric.dtype)
        weighted = metric[:, None] * rows if metric.ndim == 1 else metric @ rows
        return self._fitting(rows.mH @ weighted, dtype)

    def _fitting(self, gram: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Real variables see only the real part of a Hermitian matrix."""
        if gram.is_complex() and not self._space.is_complex:
            gram = gram.real
        return gram.to(dtype)

    def _dense(self, matrix: torch.Tensor | None) -> torch.Tensor:
        assert matrix is not None, "asked only of pieces that have it"
        return matrix if matrix.layout is torch.strided else matrix.to_dense()


def _double(dtype: torch.dtype) -> torch.dtype:
    return torch.complex128 if dtype.is_complex else torch.float64


def _inverted(matrix: torch.Tensor, share: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The pseudo-inverse of a positive semi-definite matrix, and the projection onto its null."""
    inverse = torch.linalg.pinv(matrix, rtol=share, hermitian=True)
    eye = torch.eye(matrix.shape[0], dtype=matrix.dtype, device=matrix.device)
    return inverse, eye - inverse @ matrix
