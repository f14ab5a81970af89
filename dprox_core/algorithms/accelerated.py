"""Anderson acceleration of any of the methods, safeguarded.

The step z ↦ F(z) of a method is extrapolated from its last m points (D. G. Anderson, Iterative
Procedures for Nonlinear Integral Equations, 1965). An extrapolated point is taken only while
‖F(z) − z‖ ≤ D ‖F(z₀) − z₀‖ (n + 1)^(−1−ε), n the number of extrapolations so far, and the plain
step otherwise, which keeps the method's convergence: J. Zhang, B. O'Donoghue, S. Boyd, Globally
Convergent Type-I Anderson Acceleration for Nonsmooth Fixed-Point Iterations, 2020.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from dprox_core.algorithms.around import Around, Vectors
from dprox_core.algorithms.base import Algorithm, State
from dprox_core.algorithms.packing import flat, unflat
from dprox_core.numerics import reductions
from dprox_core.numerics.anderson import Anderson
from dprox_core.proxfns.base import Step

__all__ = ["Accelerated", "AcceleratedState"]

_SLACK = 1e6
_EPSILON = 1e-6


@dataclass
class AcceleratedState(State):
    """State of an accelerated method.

    Attributes:
        plain: the state after the last plain step, which is shown and measured.
        point: where the next step starts.
        points: the last points, oldest first.
        images: their images.
        first: ‖F(z₀) − z₀‖.
        accepted: how many extrapolations were taken.
    """

    plain: State
    point: Vectors
    points: Vectors
    images: Vectors
    first: float
    accepted: int

    def clone(self) -> AcceleratedState:
        """A copy with memory of its own."""
        return replace(super().clone(), plain=self.plain.clone())


class Accelerated(Around[AcceleratedState]):
    """A method with Anderson acceleration around it.

    Args:
        inner: the method.
        memory: m.
    """

    def __init__(self, inner: Algorithm[Any], memory: int) -> None:
        super().__init__(inner)
        self._memory = memory

    def within(self, state: AcceleratedState) -> State:
        """The last plain step's state."""
        return state.plain

    def init(self, x0: Vectors) -> AcceleratedState:
        """The method's own start, no points yet."""
        plain = self.inner.init(x0)
        return AcceleratedState(0, plain.x, None, plain, (flat(plain),), (), (), 0.0, 0)

    def step(self, state: AcceleratedState, measure: bool) -> AcceleratedState:
        """One step of the method from the extrapolated point."""
        point = state.point[0]
        # The step may write into the memory of the state that it is given.
        plain = self.inner.step(unflat(state.plain, point.clone()), measure)
        image = flat(plain)
        residual = reductions.norm(image - point)
        first = state.first if state.images else residual
        points, images = (*state.points, point), (*state.images, image)
        points, images = points[-self._memory - 1 :], images[-self._memory - 1 :]
        bound = _SLACK * first * (state.accepted + 1) ** (-1.0 - _EPSILON)
        following, accepted = image, state.accepted
        if len(images) > 1 and residual <= bound:
            history = Anderson(self._memory)
            for held, mapped in zip(points, images, strict=True):
                extrapolated = history.next(held, mapped)
            if bool(torch.isfinite(extrapolated).all()):
                following, accepted = extrapolated, accepted + 1
        return replace(
            state,
            iteration=state.iteration + 1,
            x=plain.x,
            residuals=plain.residuals,
            plain=plain,
            point=(following,),
            points=points,
            images=images,
            first=first,
            accepted=accepted,
        )

    def adapt(self, state: AcceleratedState) -> AcceleratedState:
        """A change of ρ or step makes another F: the points seen so far say nothing about it."""
        plain = self.inner.adapt(state.plain)
        if plain is state.plain:
            return state
        return replace(state, plain=plain, point=(flat(plain),), points=(), images=())

    def with_parameter(self, state: AcceleratedState, value: Step) -> AcceleratedState:
        """The state with another penalty parameter or step size, points forgotten."""
        plain = self.inner.with_parameter(unflat(state.plain, state.point[0]), value)
        return replace(state, plain=plain, point=(flat(plain),), points=(), images=())
