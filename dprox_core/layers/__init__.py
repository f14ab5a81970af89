"""Solvers as layers: unrolled, as a fixed point, or tuned by a policy; ways to differentiate."""

from dprox_core.layers.engines import ENGINES
from dprox_core.layers.module import Specialized, specialize
from dprox_core.layers.rl import Tuned
from dprox_core.layers.training import train

__all__ = ["ENGINES", "Specialized", "Tuned", "specialize", "train"]
