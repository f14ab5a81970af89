"""Solvers as layers of a network: unrolled, or as a fixed point; three ways to differentiate."""

from dprox_core.specialize.engines import ENGINES
from dprox_core.specialize.module import Specialized, specialize
from dprox_core.specialize.training import train

__all__ = ["ENGINES", "Specialized", "specialize", "train"]
