"""A penalty parameter or step size given for each iteration, with any of the methods.

Before step k the method's own parameter becomes the k-th of the list, scaled duals along with it,
so that what stands between two steps (z_j, ρ u_j) is untouched: S. Boyd et al., Distributed
Optimization and Statistical Learning via the Alternating Direction Method of Multipliers, 2011,
section 3.4.1. The last one stays from then on, so that convergence is that of a fixed one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dprox_core.algorithms.around import Around, Vectors
from dprox_core.algorithms.base import Algorithm, State
from dprox_core.proxfns.base import Step

__all__ = ["SCHEDULED", "Scheduled"]

SCHEDULED: Mapping[str, str] = {
    "admm": "rho",
    "admm_vxu": "rho",
    "ladmm": "rho",
    "dr": "rho",
    "pdhg": "weight",
    "pc": "weight",
    "pd3o": "weight",
    "pgd": "step",
    "fista": "step",
}
"""Method → its parameter that may be given for each iteration; hqs follows a list by itself."""


class Scheduled(Around[State]):
    """A method that follows a list of values for its parameter; they are not adapted.

    Args:
        inner: the method.
        values: the parameter for each iteration, the last one kept.
    """

    def __init__(self, inner: Algorithm[Any], values: tuple[Step, ...]) -> None:
        super().__init__(inner)
        self._values = values

    def init(self, x0: Vectors) -> State:
        """The method's own start, with the first value."""
        return self.inner.with_parameter(self.inner.init(x0), self._values[0])

    def step(self, state: State, measure: bool) -> State:
        """One step of the method with this iteration's value."""
        if 0 < state.iteration < len(self._values):
            state = self.inner.with_parameter(state, self._values[state.iteration])
        return self.inner.step(state, measure)

    def at_rest(self, state: State) -> State:
        """As the method."""
        return self.inner.at_rest(state)

    def with_parameter(self, state: State, value: Step) -> State:
        """The state with another value, until the list has its next."""
        return self.inner.with_parameter(state, value)
