"""What a linear program is: data, validated once, never densified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from dprox_core.errors import DataError, ParameterError, ShapeError

if TYPE_CHECKING:
    from dprox_core.lp.outcome import LPResult

__all__ = ["LinearProgram", "from_torch"]

Array = NDArray[np.float64]


@dataclass(init=False)
class LinearProgram:
    """min (or max) cᵀx + c0 subject to row_lower ≤ A x ≤ row_upper, lower ≤ x ≤ upper.

    An equality is a row with both limits equal, a one-sided condition has an infinite limit, a
    free variable two infinite bounds, a fixed one two equal bounds. Data are kept in float64.

    Args:
        c: the cost of each variable, ``(n,)``; numpy, torch or a list.
        A: the rows, ``(m, n)``; scipy or torch sparse, or dense; None for no rows.
        row_lower: lower limits of ``A x``, a number or ``(m,)``; −inf where there is none.
        row_upper: upper limits of ``A x``, a number or ``(m,)``; +inf where there is none.
        lower: lower bounds of ``x``, a number or ``(n,)``; −inf where there is none.
        upper: upper bounds of ``x``, a number or ``(n,)``; +inf where there is none.
        c0: a constant added to the objective.
        sense: "min" or "max".
        name: of the program.
        column_names: of the variables, or None.
        row_names: of the rows, or None.

    Raises:
        ShapeError: sizes that do not fit together.
        DataError: NaN anywhere, or an infinite cost or coefficient.
        ParameterError: a sense other than "min" and "max".

    Limits that contradict each other (lower above upper) are no error: such a program is
    infeasible, and a solver says so.

    Example:
        >>> from dprox_core.lp import LinearProgram, solve_lp
        >>> program = LinearProgram(c=[-1.0, -2.0], A=[[1.0, 1.0]], row_upper=4.0, upper=3.0)
        >>> round(solve_lp(program).objective, 3)
        -7.0

    References:
        D. Bertsimas, J. Tsitsiklis, Introduction to Linear Optimization, 1997.
    """

    c: Array
    A: sp.csr_array
    row_lower: Array
    row_upper: Array
    lower: Array
    upper: Array
    c0: float
    sense: Literal["min", "max"]
    name: str
    column_names: tuple[str, ...] | None
    row_names: tuple[str, ...] | None

    def __init__(
        self,
        c: Any,
        A: Any = None,
        row_lower: Any = -np.inf,
        row_upper: Any = np.inf,
        lower: Any = 0.0,
        upper: Any = np.inf,
        *,
        c0: float = 0.0,
        sense: Literal["min", "max"] = "min",
        name: str = "",
        column_names: tuple[str, ...] | None = None,
        row_names: tuple[str, ...] | None = None,
    ) -> None:
        if sense not in ("min", "max"):
            raise ParameterError(
                f'The sense of a linear program is "min" or "max", not {sense!r}.',
                expected=("min", "max"),
                got=sense,
                where="sense",
            )
        self.c = _vector(c, "c", None)
        n = self.c.size
        self.A = _matrix(A, n)
        m = self.A.shape[0]
        self.row_lower = _vector(row_lower, "row_lower", m, "one for each row of A")
        self.row_upper = _vector(row_upper, "row_upper", m, "one for each row of A")
        self.lower = _vector(lower, "lower", n, "one for each variable")
        self.upper = _vector(upper, "upper", n, "one for each variable")
        self.c0 = float(c0)
        if not np.isfinite(self.c).all() or not np.isfinite(self.c0):
            raise DataError(
                "The costs hold NaN or infinite values; each must be a finite number.", where="c"
            )
        if not np.isfinite(self.A.data).all():
            raise DataError(
                "The matrix holds NaN or infinite values; a condition that is not wanted is "
                "given infinite limits instead.",
                where="A",
            )
        self.sense = sense
        self.name = name
        self.column_names = _names(column_names, n, "column_names")
        self.row_names = _names(row_names, m, "row_names")

    @property
    def n(self) -> int:
        """How many variables."""
        return self.c.size

    @property
    def m(self) -> int:
        """How many rows."""
        return int(self.A.shape[0])

    @property
    def nnz(self) -> int:
        """How many entries the matrix stores."""
        return int(self.A.nnz)

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"<linear program{name}: {self.sense}, {self.m} × {self.n}, {self.nnz} nonzeros>"

    def solve(
        self,
        method: str = "auto",
        *,
        tol: float = 1e-6,
        max_iter: int = 1_000_000,
        time_limit: float | None = None,
        presolve: bool = True,
        crossover: bool = False,
        device: str | torch.device = "cpu",
    ) -> LPResult:
        """Find the optimum, as ``solve_lp`` does.

        Args:
            method: "pdhg", "admm", or "auto", which chooses and says why.
            tol: relative tolerance of residuals, gap and objective, in original units.
            max_iter: the most steps, from 1.
            time_limit: in seconds, None for none.
            presolve: whether HiGHS reduces the program first.
            crossover: whether HiGHS moves the solution to an optimal vertex at the end.
            device: "cpu", "cuda" or "auto".

        Returns:
            Variables, duals, reduced costs, status, certificate and timings.

        Example:
            >>> import dprox_core as dp
            >>> dp.LinearProgram(c=[1.0, 2.0], A=[[1.0, 1.0]], row_lower=3.0).solve().status.value
            'optimal'
        """
        from dprox_core.lp.solve import solve_lp

        return solve_lp(
            self,
            method,
            tol=tol,
            max_iter=max_iter,
            time_limit=time_limit,
            presolve=presolve,
            crossover=crossover,
            device=device,
        )

    def objective(self, x: Any) -> float:
        """cᵀx + c0, whether x is feasible or not."""
        return float(self.c @ np.asarray(x, float)) + self.c0

    def contradiction(self) -> str | None:
        """A sentence when limits contradict each other or exclude every number, else None."""
        for lower, upper, what, names in (
            (self.lower, self.upper, "variable", self.column_names),
            (self.row_lower, self.row_upper, "row", self.row_names),
        ):
            wrong = (lower > upper) | (lower == np.inf) | (upper == -np.inf)
            if wrong.any():
                i = int(np.flatnonzero(wrong)[0])
                called = names[i] if names else str(i)
                return (
                    f"The limits of {what} {called} exclude every value: lower {lower[i]:g}, "
                    f"upper {upper[i]:g}."
                )
        return None

    def minimized(self) -> LinearProgram:
        """The same program as a minimization: a maximization with its costs negated."""
        if self.sense == "min":
            return self
        return LinearProgram(
            -self.c,
            self.A,
            self.row_lower,
            self.row_upper,
            self.lower,
            self.upper,
            c0=-self.c0,
            name=self.name,
            column_names=self.column_names,
            row_names=self.row_names,
        )


def _vector(value: Any, name: str, size: int | None, meaning: str = "") -> Array:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    elif sp.issparse(value):
        value = value.toarray().ravel()
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{name} must hold real numbers, not {type(value).__name__}.", where=name
        ) from error
    if size is not None and array.ndim == 0:
        array = np.full(size, float(array))
    array = array.ravel()
    if size is not None and array.size != size:
        raise ShapeError(
            f"{name} has {array.size} values, but {size} are needed, {meaning}.",
            expected=size,
            got=array.size,
            where=name,
        )
    if np.isnan(array).any():
        raise DataError(
            f"{name} holds NaN at position {int(np.flatnonzero(np.isnan(array))[0])}.", where=name
        )
    return array


def _matrix(value: Any, n: int) -> sp.csr_array:
    if value is None:
        return sp.csr_array((0, n), dtype=np.float64)
    if isinstance(value, torch.Tensor):
        value = from_torch(value)
    matrix = sp.csr_array(value, dtype=np.float64, copy=True)
    if matrix.shape[1] != n:
        raise ShapeError(
            f"A has {matrix.shape[1]} columns, but c has {n} values: one column for each variable.",
            expected=n,
            got=matrix.shape[1],
            where="A",
        )
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix


def from_torch(value: torch.Tensor) -> Any:
    """A tensor as scipy's sparse matrix where it is sparse, else as an array."""
    tensor = value.detach().cpu()
    if tensor.layout == torch.strided:
        return tensor.numpy()
    if tensor.layout == torch.sparse_csr:
        parts = (tensor.values(), tensor.col_indices(), tensor.crow_indices())
        return sp.csr_array(tuple(part.numpy() for part in parts), shape=tuple(tensor.shape))
    tensor = tensor.to_sparse_coo().coalesce()
    rows, columns = tensor.indices().numpy()
    return sp.coo_array((tensor.values().numpy(), (rows, columns)), shape=tuple(tensor.shape))


def _names(names: tuple[str, ...] | None, size: int, where: str) -> tuple[str, ...] | None:
    if names is None:
        return None
    names = tuple(str(name) for name in names)
    if len(names) != size:
        raise ShapeError(
            f"{where} has {len(names)} names, but {size} are needed.",
            expected=size,
            got=len(names),
            where=where,
        )
    return names


def refuse_no_program(function: str, program: object) -> None:
    """Refuse what is no linear program.

    Raises:
        ParameterError: it is something else.
    """
    if not isinstance(program, LinearProgram):
        raise ParameterError(
            f"{function} takes a LinearProgram, such as read_lp gives, not "
            f"{type(program).__name__} {program!s:.60}; a Problem has solve.",
            expected="a linear program",
            got=type(program).__name__,
            where="program",
        )
