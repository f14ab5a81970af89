"""Linear programs at scale: first-order solvers, certificates, models."""

from dprox_core.lp.certificate import Certificate, certify
from dprox_core.lp.model import LinearProgram
from dprox_core.lp.outcome import LPResult
from dprox_core.lp.solve import solve_lp

__all__ = ["Certificate", "LPResult", "LinearProgram", "certify", "solve_lp"]
