"""Iterative solvers of linear systems."""

from dprox_core.compat.linalg.solve.solver_cg import cg, cg2, pcg
from dprox_core.compat.linalg.solve.solver_minres import minres
from dprox_core.compat.linalg.solve.solver_plss import plss, plssw

__all__ = [
    "SOLVERS",
    "available_solvers",
    "cg",
    "cg2",
    "conjugate_gradient",
    "minres",
    "pcg",
    "plss",
    "plssw",
]

conjugate_gradient = cg

SOLVERS = {"cg": cg, "cg2": cg2, "pcg": pcg, "minres": minres, "plss": plss, "plssw": plssw}
"""Name → solver, for ``LinearSolveConfig``."""

available_solvers = list(SOLVERS)
"""The names of the solvers."""
