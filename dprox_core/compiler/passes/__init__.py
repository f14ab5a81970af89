"""The passes of the compiler, in the order in which they run."""

from dprox_core.compiler.passes.absorb import Absorb
from dprox_core.compiler.passes.base import Pass
from dprox_core.compiler.passes.drop import Drop
from dprox_core.compiler.passes.expand import Expand
from dprox_core.compiler.passes.merge import MergeBounds
from dprox_core.compiler.passes.merge_penalties import MergePenalties, ShareOperators
from dprox_core.compiler.passes.merge_quadratics import MergeQuadratics

__all__ = [
    "PASSES",
    "Absorb",
    "Drop",
    "Expand",
    "MergeBounds",
    "MergePenalties",
    "MergeQuadratics",
    "Pass",
    "ShareOperators",
]

PASSES: tuple[Pass, ...] = (
    Drop(),
    Expand(),
    Absorb(),
    MergeBounds(),
    MergeQuadratics(),
    MergePenalties(),
    ShareOperators(),
)
