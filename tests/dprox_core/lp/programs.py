"""Random linear programs of every kind, and HiGHS to compare with."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from dprox_core.lp import LinearProgram
from dprox_core.lp.presolve import quiet_highs, to_highs

__all__ = ["KINDS", "highs", "random_program"]

KINDS = (
    "plain",
    "equalities",
    "ranges",
    "free",
    "fixed",
    "boxed",
    "degenerate",
    "duplicates",
    "empty",
    "scaled",
    "singletons",
    "maximize",
    "zero cost",
)


def random_program(kind: str, seed: int, m: int = 24, n: int = 36) -> tuple[LinearProgram, float]:
    """A program and its optimum: x and complementary duals are drawn first."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    A = sp.random_array((m, n), density=0.2, rng=rng, format="lil")
    A[np.arange(m), rng.permutation(n)[:m]] = 1.0
    A = A.tocsr()
    A.data *= rng.choice([-1.0, 1.0], A.nnz)
    lower, upper = np.zeros(n), np.full(n, np.inf)
    x = np.where(rng.random(n) < 0.5, 0.0, rng.uniform(0.5, 3, n))
    if kind == "free":
        free = rng.random(n) < 0.3
        lower[free] = -np.inf
        x[free] = rng.normal(size=free.sum())
    if kind in ("boxed", "degenerate", "scaled"):
        upper = x + rng.choice([0.0, 1.0, np.inf], n)
    if kind == "fixed":
        fixed = rng.random(n) < 0.3
        lower[fixed] = upper[fixed] = x[fixed]
    if kind == "singletons":
        extra = sp.csr_array((rng.choice([-2.0, 3.0], 6), (range(6), [0, 0, 1, 2, 3, 3])), (6, n))
        A = sp.vstack([A, extra]).tocsr()
        m += 6
    if kind == "duplicates":
        A = sp.vstack([A, A[:5], 2.5 * A[3:8]]).tocsr()
        m += 10
    if kind == "empty":
        A = sp.vstack([A, sp.csr_array((3, n))]).tocsr()
        A = sp.hstack([A, sp.csr_array((m + 3, 4))]).tocsr()
        m, n = m + 3, n + 4
        x, lower, upper = np.append(x, np.ones(4)), np.append(lower, np.ones(4)), np.full(n, 5.0)
        x = np.clip(x, lower, upper)
    activity = A @ x
    y = rng.normal(size=m) * (rng.random(m) < 0.6)
    row_lower = np.where(y > 0, activity, activity - rng.uniform(0, 2, m))
    row_upper = np.where(y < 0, activity, activity + rng.uniform(0, 2, m))
    one_sided = rng.random(m) < 0.6
    row_lower[one_sided & (y <= 0)] = -np.inf
    row_upper[one_sided & (y >= 0)] = np.inf
    if kind == "ranges":
        row_lower = np.where(y > 0, activity, activity - 1)
        row_upper = np.where(y < 0, activity, activity + 1)
    if kind in ("equalities", "degenerate", "duplicates"):
        row_lower, row_upper = activity.copy(), activity.copy()
    z = np.where(x <= lower, rng.exponential(size=n), 0.0)
    z = np.where((x >= upper) & (x > lower), -rng.exponential(size=n), z)
    if kind == "degenerate":
        z *= rng.random(n) < 0.5
        y *= rng.random(m) < 0.3
    c = A.T @ y + z
    if kind == "zero cost":
        c = np.zeros(n)
    sense = "min"
    if kind == "maximize":
        c, sense = -c, "max"
    if kind == "scaled":
        rows, columns = 10 ** rng.uniform(-6, 6, m), 10 ** rng.uniform(-6, 6, n)
        A = (sp.diags_array(rows) @ A @ sp.diags_array(columns)).tocsr()
        row_lower, row_upper = row_lower * rows, row_upper * rows
        lower, upper, c = lower / columns, upper / columns, c * columns
        x = x / columns
    program = LinearProgram(c, A, row_lower, row_upper, lower, upper, c0=1.5, sense=sense)
    return program, program.objective(x)


def highs(program: LinearProgram) -> tuple[str, float]:
    """HiGHS' status and objective."""
    solver = quiet_highs()
    solver.passModel(to_highs(program.minimized()))
    solver.run()
    status = solver.modelStatusToString(solver.getModelStatus())
    if status == "Primal infeasible or unbounded":
        solver.setOptionValue("presolve", "off")
        solver.run()
        status = solver.modelStatusToString(solver.getModelStatus())
    sign = 1 if program.sense == "min" else -1
    return status, sign * solver.getInfo().objective_function_value
