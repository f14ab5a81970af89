"""The passes of the compiler, in the order in which they run."""

from dprox_core.compiler.passes.absorb import Absorb
from dprox_core.compiler.passes.base import Pass
from dprox_core.compiler.passes.drop import Drop
from dprox_core.compiler.passes.merge import MergeBounds

__all__ = ["PASSES", "Absorb", "Drop", "MergeBounds", "Pass"]

PASSES: tuple[Pass, ...] = (Drop(), Absorb(), MergeBounds())
