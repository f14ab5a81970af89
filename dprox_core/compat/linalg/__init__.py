"""Linear systems under the names of the published reference."""

from dprox_core.compat.linalg import solve
from dprox_core.compat.linalg.custom import LinearSolve, LinearSolveConfig, linear_solve
from dprox_core.compat.linalg.solve import SOLVERS, cg, cg2, minres, pcg, plss, plssw

__all__ = [
    "SOLVERS",
    "LinearSolve",
    "LinearSolveConfig",
    "cg",
    "cg2",
    "linear_solve",
    "minres",
    "pcg",
    "plss",
    "plssw",
    "solve",
]
