"""How soon a linear program is solved to a true tolerance, beside other solvers.

    python -m benchmarks.lp [--sizes 744x1 744x3 2190x3 8760x1 744x10] [--files a.mps b.npz]
        [--tol 1e-4] [--solvers pdhg admm simplex …] [--limit 300] [--rounds 1]

Hourly capacity expansion (hours × nodes), or programs from files. Every answer is judged by one
function, outside all solvers and in original units (dprox_core.lp.certify), and by its objective
against the best known one, which HiGHS' simplex or interior point method finds. Solvers whose own
tolerance of the same name means something else are run at tighter and tighter ones until the answer
is truly within the tolerance, and the time of that run counts. Processor seconds of the process,
one thread. OR-tools and Gurobi (up to 2000 rows and columns, as its licence without a key allows)
take part where they can be imported; "cvxpy" is CVXPY's default with all that it does before.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from dprox_core.lp import LinearProgram, capacity_expansion, certify, read_lp, solve_lp
from dprox_core.lp.presolve import quiet_highs, to_highs

__all__ = ["Answer", "judge", "main"]

Array = NDArray[np.float64]
Solver = Callable[[LinearProgram, float, float], "Answer | None"]


@dataclass(frozen=True)
class Answer:
    """What a solver gave: x and duals of the minimization, and what it is said to be."""

    x: Array
    y: Array
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """What an answer truly is."""

    worst: float
    error: float

    def within(self, tol: float) -> bool:
        """Whether residuals, gap and the objective's error are all within ``tol``."""
        return self.worst <= tol and self.error <= tol


def judge(program: LinearProgram, answer: Answer, best: float) -> Verdict:
    """Residuals and gap in original units (PDLP's definitions), and the objective's true error."""
    held = certify(program, answer.x, answer.y)
    worst = max(held.primal_relative, held.dual_relative, held.gap_relative)
    return Verdict(worst, abs(held.objective - best) / (1 + abs(best)))


def _ours(method: str, presolve: bool) -> Solver:
    def solve(program: LinearProgram, tol: float, limit: float) -> Answer | None:
        found = solve_lp(program, method, tol=tol, time_limit=limit, presolve=presolve)
        return (
            Answer(found.x, found.y, f"{found.iterations} iterations") if found.converged else None
        )

    return solve


def _highs(solver: str) -> Solver:
    def solve(program: LinearProgram, tol: float, limit: float) -> Answer | None:
        highs = quiet_highs()
        highs.setOptionValue("solver", solver)
        highs.setOptionValue("time_limit", limit)
        if solver not in ("simplex", "ipm"):
            highs.setOptionValue("pdlp_optimality_tolerance", tol)
            highs.setOptionValue("kkt_tolerance", tol)
        highs.passModel(to_highs(program))
        highs.run()
        found = highs.getSolution()
        if not found.value_valid:
            return None
        return Answer(np.array(found.col_value), np.array(found.row_dual))

    return solve


def _conic(name: str) -> Solver:
    """Clarabel and SCS, handed rows and bounds as one cone directly."""

    def solve(program: LinearProgram, tol: float, limit: float) -> Answer | None:
        rows, sides, places = [], [], []
        equal = program.row_lower == program.row_upper
        eye = sp.eye_array(program.n, format="csr")
        for matrix, low, high, is_row in (
            (program.A, program.row_lower, program.row_upper, True),
            (eye, program.lower, program.upper, False),
        ):
            same = equal if is_row else low == high
            for mask, sign, side in (
                (same, 1.0, high),
                (~same & np.isfinite(high), 1.0, high),
                (~same & np.isfinite(low), -1.0, low),
            ):
                index = np.flatnonzero(mask)
                rows.append(sign * matrix[index])
                sides.append(sign * side[index])
                places.append((index, sign, is_row))
        # Equalities first: rows of both matrices.
        order = [0, 3, 1, 2, 4, 5]
        A = sp.vstack([rows[i] for i in order], format="csc")
        b = np.concatenate([sides[i] for i in order])
        zero = rows[0].shape[0] + rows[3].shape[0]
        found = _CONES[name](program.c, A, b, zero, tol, limit)
        if found is None:
            return None
        x, dual = found
        y, start = np.zeros(program.m), 0
        for i in order:
            index, sign, is_row = places[i]
            if is_row:
                y[index] -= sign * dual[start : start + index.size]
            start += index.size
        return Answer(x, y)

    return solve


def _clarabel(
    c: Array, A: sp.csc_array, b: Array, zero: int, tol: float, limit: float
) -> tuple[Array, Array] | None:
    import clarabel

    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.time_limit = limit
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tol
    cones = [clarabel.ZeroConeT(zero), clarabel.NonnegativeConeT(b.size - zero)]
    square = sp.csc_matrix((c.size, c.size))
    found = clarabel.DefaultSolver(square, c, sp.csc_matrix(A), b, cones, settings).solve()
    return np.array(found.x), np.array(found.z)


def _scs(
    c: Array, A: sp.csc_array, b: Array, zero: int, tol: float, limit: float
) -> tuple[Array, Array] | None:
    import scs

    data = {"A": sp.csc_matrix(A), "b": b, "c": c}
    cone = {"z": zero, "l": b.size - zero}
    options = {"eps_abs": tol, "eps_rel": tol, "max_iters": 1_000_000, "time_limit_secs": limit}
    found = scs.SCS(data, cone, verbose=False, **options).solve()
    return found["x"], found["y"]


_CONES = {"clarabel": _clarabel, "scs": _scs}


def _ortools(program: LinearProgram, tol: float, limit: float) -> Answer | None:
    from ortools.pdlp import solve_log_pb2, solvers_pb2
    from ortools.pdlp.python import pdlp

    problem = pdlp.QuadraticProgram()
    problem.objective_vector = program.c
    problem.constraint_matrix = sp.csc_matrix(program.A)
    problem.constraint_lower_bounds = program.row_lower
    problem.constraint_upper_bounds = program.row_upper
    problem.variable_lower_bounds = program.lower
    problem.variable_upper_bounds = program.upper
    params = solvers_pb2.PrimalDualHybridGradientParams()
    optimality = params.termination_criteria.simple_optimality_criteria
    optimality.eps_optimal_absolute = optimality.eps_optimal_relative = tol
    params.termination_criteria.time_sec_limit = limit
    params.presolve_options.use_glop = True
    found = pdlp.primal_dual_hybrid_gradient(problem, params)
    if found.solve_log.termination_reason != solve_log_pb2.TERMINATION_REASON_OPTIMAL:
        return None
    return Answer(np.array(found.primal_solution), np.array(found.dual_solution))


def _gurobi(program: LinearProgram, tol: float, limit: float) -> Answer | None:
    import gurobipy

    settings = {"OutputFlag": 0, "Threads": 1, "TimeLimit": limit}
    with gurobipy.Env(params=settings) as env, gurobipy.Model(env=env) as model:
        x = model.addMVar(program.n, lb=program.lower, ub=program.upper, obj=program.c)
        image = sp.csr_array(program.A)
        equal = program.row_lower == program.row_upper
        limits = [
            (np.flatnonzero(equal), "=", program.row_lower),
            (np.flatnonzero(~equal & np.isfinite(program.row_lower)), ">", program.row_lower),
            (np.flatnonzero(~equal & np.isfinite(program.row_upper)), "<", program.row_upper),
        ]
        added = [
            (rows, model.addMConstr(image[rows], x, sense, side[rows]))
            for rows, sense, side in limits
            if rows.size
        ]
        model.optimize()
        if model.Status != gurobipy.GRB.OPTIMAL:
            return None
        y = np.zeros(program.m)
        for rows, constraint in added:
            y[rows] += constraint.Pi
        return Answer(x.X, y)


def _cvxpy(program: LinearProgram, tol: float, limit: float) -> Answer | None:
    import cvxpy

    x = cvxpy.Variable(program.n)
    image = sp.csr_array(program.A) @ x
    equal = program.row_lower == program.row_upper
    low = np.flatnonzero(~equal & np.isfinite(program.row_lower))
    high = np.flatnonzero(~equal & np.isfinite(program.row_upper))
    same = np.flatnonzero(equal)
    floor, ceiling = (np.flatnonzero(np.isfinite(b)) for b in (program.lower, program.upper))
    rows = [
        (same, -1.0, image[same] == program.row_lower[same]),
        (low, 1.0, image[low] >= program.row_lower[low]),
        (high, -1.0, image[high] <= program.row_upper[high]),
    ]
    bounds = [x[floor] >= program.lower[floor], x[ceiling] <= program.upper[ceiling]]
    held = [c for index, _, c in rows if index.size] + bounds
    problem = cvxpy.Problem(cvxpy.Minimize(program.c @ x), held)
    # Its default for linear programs, unless a commercial solver is there.
    problem.solve(solver=cvxpy.CLARABEL, time_limit=limit, max_threads=1)
    if problem.status != cvxpy.OPTIMAL:
        return None
    y = np.zeros(program.m)
    for index, sign, constraint in rows:
        if index.size:
            y[index] += sign * constraint.dual_value
    return Answer(np.asarray(x.value), y)


SOLVERS: dict[str, Solver] = {
    "auto": _ours("auto", True),
    "pdhg": _ours("pdhg", True),
    "pdhg, no presolve": _ours("pdhg", False),
    "admm": _ours("admm", True),
    "simplex": _highs("simplex"),
    "ipm": _highs("ipm"),
    "hipo": _highs("hipo"),
    "highs pdlp": _highs("pdlp"),
    "highs hipdlp": _highs("hipdlp"),
    "or-tools pdlp": _ortools,
    "gurobi": _gurobi,
    "cvxpy": _cvxpy,
    "clarabel": _conic("clarabel"),
    "scs": _conic("scs"),
}


def _best(program: LinearProgram, limit: float) -> float:
    answer = _highs("ipm")(program, 1e-8, limit)
    assert answer is not None
    return float(program.c @ answer.x) + program.c0


def _timed(name: str, program: LinearProgram, tol: float, limit: float, best: float) -> str:
    """A cell of the table: seconds to a true tolerance, and at which nominal one."""
    last = "–"
    for tighter in (1.0, 0.1, 0.01, 0.001):
        begun = time.process_time()
        try:
            answer = SOLVERS[name](program, tol * tighter, limit)
        except ImportError:
            return "not installed"
        except Exception as error:  # such as Gurobi's, of a size that needs a key
            return f"refused: {error}".split(";")[0]
        seconds = time.process_time() - begun
        if answer is None:
            return last if last != "–" else f"> {limit:g}"
        verdict = judge(program, answer, best)
        note = f", {answer.note}" if answer.note else ""
        if verdict.within(1.05 * tol):
            at = "" if tighter == 1.0 else f" at {tol * tighter:g}"
            return f"{seconds:.2f}{at} (error {verdict.error:.0e}{note})"
        last = f"missed (residuals {verdict.worst:.0e}, error {verdict.error:.0e})"
    return last


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="*", default=["744x1", "744x3"])
    parser.add_argument("--files", nargs="*", default=[])
    parser.add_argument("--tol", type=float, default=1e-4)
    parser.add_argument("--limit", type=float, default=120.0)
    parser.add_argument("--solvers", nargs="*", default=list(SOLVERS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.machine()}, {os.cpu_count()} cores, one thread, tolerance {options.tol:g}")
    programs = [(size, _sized(size)) for size in options.sizes]
    programs += [(Path(path).name, read_lp(path).minimized()) for path in options.files]
    print(f"\n| program | rows × columns, entries | {' | '.join(options.solvers)} |")
    print("|" + "---|" * (len(options.solvers) + 2))
    for name, program in programs:
        best = _best(program, 10 * options.limit)
        cells = [
            _timed(solver, program, options.tol, options.limit, best) for solver in options.solvers
        ]
        size = f"{program.m} × {program.n}, {program.nnz}"
        print(f"| {name} | {size} | {' | '.join(cells)} |", flush=True)


def _sized(size: str) -> LinearProgram:
    hours, nodes = size.split("x")
    return capacity_expansion(int(hours), int(nodes)).program


if __name__ == "__main__":
    main()
