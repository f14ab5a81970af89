"""Problems, solvers and schedules under the names of the published reference."""

from dprox_core.compat.algo.lp import LPProblem, LPSolverADMM
from dprox_core.compat.algo.problem import Problem, compile, optimize, visualize
from dprox_core.compat.algo.published import (
    ADMM,
    HQS,
    ADMM_vxu,
    LinearizedADMM,
    PockChambolle,
    ProximalGradientDescent,
)
from dprox_core.compat.algo.schedule import log_descent, log_descent2, log_descent_origin
from dprox_core.compat.algo.solver import Algorithm
from dprox_core.compat.algo.specialized import AutoTuneSolver, DEQSolver, UnrolledSolver, specialize
from dprox_core.compat.algo.train import train

__all__ = [
    "ADMM",
    "HQS",
    "ADMM_vxu",
    "Algorithm",
    "AutoTuneSolver",
    "DEQSolver",
    "LPProblem",
    "LPSolverADMM",
    "LinearizedADMM",
    "PockChambolle",
    "Problem",
    "ProximalGradientDescent",
    "UnrolledSolver",
    "compile",
    "log_descent",
    "log_descent2",
    "log_descent_origin",
    "optimize",
    "specialize",
    "train",
    "visualize",
]
