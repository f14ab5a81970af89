"""Solvers as layers: unrolled, as a fixed point, or tuned by a policy; ways to differentiate."""

from dprox_core.specialize.engines import ENGINES
from dprox_core.specialize.module import Specialized, specialize
from dprox_core.specialize.rl import Tuned
from dprox_core.specialize.training import train

__all__ = ["ENGINES", "Specialized", "Tuned", "specialize", "train"]
