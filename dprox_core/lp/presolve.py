"""Presolve, postsolve and crossover by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from dprox_core.lp.model import LinearProgram
from dprox_core.lp.scaling import Units, choose_units

__all__ = ["Basis", "Presolved", "crossover", "from_highs", "presolve", "quiet_highs", "to_highs"]

Array = NDArray[np.float64]
_FAR = 1e20


@dataclass(frozen=True)
class Presolved:
    """A smaller program with the same optimum, and the way back.

    Attributes:
        program: what is left; None where presolve decided everything.
        verdict: "reduced", "empty", "infeasible", or "infeasible or unbounded".
    """

    program: LinearProgram | None
    verdict: str
    _highs: Any
    _units: Units

    def restore(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Variables and duals of the program that was presolved."""
        import highspy

        solution = highspy.HighsSolution()
        solution.col_value, solution.row_dual = x, y
        if self.program is not None:
            solution.row_value = self.program.A @ x
            solution.col_dual = self.program.c - self.program.A.T @ y
        solution.value_valid = solution.dual_valid = True
        self._highs.postsolve(solution)
        found = self._highs.getSolution()
        return self._units.back(np.array(found.col_value), np.array(found.row_dual))


@dataclass(frozen=True)
class Basis:
    """A vertex: its exact variables and duals, and what is basic there.

    Attributes:
        x: ``(n,)``.
        y: ``(m,)``, of the minimization.
        columns: which variables are basic.
        rows: which rows are basic, that is, not at a limit that matters.
    """

    x: Array
    y: Array
    columns: NDArray[np.bool_]
    rows: NDArray[np.bool_]


def to_highs(program: LinearProgram) -> Any:
    """A HiGHS model of a minimization."""
    import highspy

    columns = program.A.tocsc()
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = program.n, program.m
    lp.col_cost_, lp.offset_ = program.c, program.c0
    lp.col_lower_, lp.col_upper_ = program.lower, program.upper
    lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
    matrix = lp.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kColwise
    matrix.num_col_, matrix.num_row_ = program.n, program.m
    matrix.start_, matrix.index_, matrix.value_ = columns.indptr, columns.indices, columns.data
    return lp


def from_highs(lp: Any) -> LinearProgram:
    """The linear program in a HiGHS model, integrality left out."""
    import highspy

    matrix = lp.a_matrix_
    shape = (lp.num_row_, lp.num_col_)
    parts = (
        np.asarray(matrix.value_, float),
        np.asarray(matrix.index_, np.int32),
        np.asarray(matrix.start_, np.int32),
    )
    if matrix.format_ == highspy.MatrixFormat.kColwise:
        rows = sp.csc_array(parts, shape=shape).tocsr()
    else:
        rows = sp.csr_array(parts, shape=shape)
    names = list(lp.col_names_), list(lp.row_names_)
    return LinearProgram(
        np.asarray(lp.col_cost_),
        rows,
        *(
            _infinite(values)
            for values in (lp.row_lower_, lp.row_upper_, lp.col_lower_, lp.col_upper_)
        ),
        c0=lp.offset_,
        sense="max" if lp.sense_ == highspy.ObjSense.kMaximize else "min",
        name=lp.model_name_,
        column_names=tuple(names[0]) if len(names[0]) == shape[1] else None,
        row_names=tuple(names[1]) if len(names[1]) == shape[0] else None,
    )


def _infinite(values: Any) -> Array:
    """Limits of 10^20 and more mean none, as in the files of many programs."""
    limits = np.array(values, dtype=np.float64)
    far = np.abs(limits) >= _FAR
    return np.where(far, np.copysign(np.inf, limits), limits)


def quiet_highs() -> Any:
    """A HiGHS instance that prints nothing."""
    import highspy

    # The public class prints a banner when it is made, before it can be told not to.
    highs = highspy._core._Highs()
    highs.setOptionValue("output_flag", False)
    return highs


def presolve(program: LinearProgram, seconds: float | None = None) -> Presolved:
    """Let HiGHS reduce a minimization for a first-order method.

    Args:
        program: with sense "min".
        seconds: how long it may take; None for no limit.
    """
    import highspy

    highs = quiet_highs()
    if seconds is not None:
        highs.setOptionValue("time_limit", max(seconds, 1e-3))
    # Then HiGHS leaves out the rules that suit a simplex method only. Substitutions give fewer
    # rows, but of sizes and structure with which first-order methods need many times the steps,
    # and what they removed gets good duals only from an exact solution.
    highs.setOptionValue("solver", "hipdlp")
    units = choose_units(program)
    highs.passModel(to_highs(units.program))
    highs.presolve()
    status = highs.getModelPresolveStatus()
    kinds = highspy.HighsPresolveStatus
    verdicts = {
        kinds.kInfeasible: "infeasible",
        kinds.kUnboundedOrInfeasible: "infeasible or unbounded",
        kinds.kReducedToEmpty: "empty",
        kinds.kReduced: "reduced",
    }
    verdict = verdicts.get(status, "unchanged")
    left = from_highs(highs.getPresolvedLp()) if verdict == "reduced" else None
    return Presolved(left, verdict, highs, units)


def crossover(program: LinearProgram, x: Array, y: Array) -> Basis | None:
    """An optimal vertex near an approximate solution of a minimization; None where none is found.

    Args:
        program: with sense "min".
        x: an approximate solution, ``(n,)``.
        y: its duals, ``(m,)``.
    """
    import highspy

    highs, units = quiet_highs(), choose_units(program)
    program = units.program
    x, y = units.to(x, y)
    highs.passModel(to_highs(program))
    # HiGHS' own crossover ends the process on some programs (1.16, within IPX); its simplex method
    # mends what is wrong with a guessed basis.
    columns = _guess(x, program.c - program.A.T @ y, program.lower, program.upper)
    rows = _guess(program.A @ x, y, program.row_lower, program.row_upper)
    guess = highspy.HighsBasis()
    guess.col_status, guess.row_status = columns, rows
    guess.alien = guess.valid = True
    highs.setOptionValue("solver", "simplex")
    highs.setBasis(guess)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    found, basis = highs.getSolution(), highs.getBasis()
    basic = highspy.HighsBasisStatus.kBasic
    return Basis(
        *units.back(np.array(found.col_value), np.array(found.row_dual)),
        np.array([status == basic for status in basis.col_status], bool),
        np.array([status == basic for status in basis.row_status], bool),
    )


def _guess(values: Array, duals: Array, lower: Array, upper: Array) -> list[Any]:
    """At which limits a nearby vertex is: where the dual outweighs the way to the limit."""
    import highspy

    kinds = highspy.HighsBasisStatus
    low, high = values - lower, upper - values
    away = np.minimum(low, high)
    known = away[np.isfinite(away)]
    size, price = np.abs(known).mean() if known.size else 0.0, np.abs(duals).mean()
    at = np.abs(duals) * size > np.where(np.isfinite(away), np.abs(away), np.inf) * (price or 1.0)
    return [
        kinds.kBasic if not met else kinds.kLower if below <= above else kinds.kUpper
        for met, below, above in zip(at, low, high, strict=True)
    ]
