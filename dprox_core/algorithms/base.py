"""What an algorithm is: init, step, residuals, done, over an explicit state."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import torch

from dprox_core.compiler.model import Model
from dprox_core.errors import ParameterError
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

if TYPE_CHECKING:
    from dprox_core.algorithms.evidence import Evidence

__all__ = ["Algorithm", "Past", "Residuals", "State", "Tolerances", "sample_norms"]

Vectors = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Tolerances:
    """When a solve counts as converged (Boyd et al. 2011, section 3.3.1)."""

    absolute: float
    relative: float

    def bound(self, elements: int, scale: float, unit: float = 1.0) -> float:
        """√elements · absolute · unit + relative · scale."""
        return math.sqrt(elements) * self.absolute * unit + self.relative * scale


@dataclass(frozen=True)
class Residuals:
    """How far an iterate is from a solution, and how far it may be."""

    primal: float
    dual: float
    primal_tolerance: float
    dual_tolerance: float
    # Those of each sample alone, where everything has the samples along its first axis.
    samples: tuple[Residuals, ...] = ()

    @property
    def met(self) -> bool:
        """Whether both residuals are within their tolerances."""
        return self.primal <= self.primal_tolerance and self.dual <= self.dual_tolerance

    @property
    def finite(self) -> bool:
        """Whether both residuals are numbers."""
        return math.isfinite(self.primal) and math.isfinite(self.dual)


@dataclass(frozen=True)
class Past:
    """What a solve knows of its way besides the state, to go on as if it had not ended.

    Attributes:
        iteration: of the state that it belongs to.
        tensors: by name; never written into.
        numbers: by name.
    """

    iteration: int
    tensors: Mapping[str, torch.Tensor]
    numbers: Mapping[str, float]


@dataclass
class State:
    """Everything an algorithm knows between two steps.

    Attributes:
        iteration: how many steps were done.
        x: the variables.
        residuals: those of the last step, where it was asked to measure them.
        past: where a solve ended before it had converged, what it had gathered on its way.
    """

    iteration: int
    x: Vectors
    residuals: Residuals | None
    past: Past | None = field(default=None, kw_only=True, compare=False)

    def clone(self) -> Self:
        """A copy with memory of its own: a step, or a change of ρ
        that a solve makes by itself, may write into the state it is given."""
        return replace(self, **{f.name: _copied(getattr(self, f.name)) for f in fields(self)})


def _copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    return tuple(_copied(held) for held in value) if isinstance(value, tuple) else value


S = TypeVar("S", bound=State)


class Algorithm(ABC, Generic[S]):
    """A solution method for one compiled model.

    It keeps nothing between steps but what never changes (operators, factors, scratch memory):
    the iteration lives in the ``State``, so that it can be stepped, kept, resumed and
    differentiated.

    Attributes:
        name: what ``method=`` calls it.
        options: its own options with their defaults, for ``compile`` to check names against.
    """

    name: str
    options: ClassVar[Mapping[str, Any]] = {}

    model: Model
    tolerances: Tolerances

    def start(self) -> Vectors:
        """Where variables begin for which nothing is given: at zero."""
        return tuple(space.zeros() for space in self.model.spaces)

    @abstractmethod
    def init(self, x0: Vectors) -> S:
        """The state before the first step."""

    @abstractmethod
    def step(self, state: S, measure: bool) -> S:
        """One iteration; writes into ``state``'s memory unless gradients are wanted.

        Args:
            state: where to go from.
            measure: whether to compute the residuals, which changes nothing else.
        """

    def adapt(self, state: S) -> S:
        """Adjust step sizes after a measured step; by default nothing.

        Like a step it may write into the memory of ``state`` unless gradients are wanted.
        """
        return state

    def with_parameter(self, state: S, value: Step) -> S:
        """The state with another penalty parameter or step size.

        Raises:
            ParameterError: the method has none that could be changed.
        """
        raise ParameterError(
            f"{self.name} has no parameter that can change from step to step.",
            got=self.name,
            where="method",
        )

    def overwriting(self) -> AbstractContextManager[None]:
        """Within it, and without gradients, steps may write into their states all the same."""
        return nullcontext()

    def forget(self) -> None:
        """Drop factors that were computed from ρ, so that they are computed anew."""

    @abstractmethod
    def answer(self, state: S) -> Vectors:
        """The variables to show and return: those that meet simple constraints exactly."""

    @abstractmethod
    def parameter(self, state: S) -> float:
        """The penalty parameter or step size in use, for the history."""

    @property
    def exact_after(self) -> int | None:
        """The number of steps after which nothing is left to do, where that is known."""
        return None

    def begin(self, state: S, limit: int) -> S:
        """Told how many steps will be taken at most, before the first of them."""
        return state

    def at_rest(self, state: S) -> S:
        """The state without momentum, from which the same fixed point is left least.

        What iterations gather, such as FISTA's counter, changes no fixed point, but how hard it is
        to differentiate there.
        """
        return state

    def essence(self, state: S) -> tuple[Vectors, tuple[Step, ...]]:
        """What determines all further steps, and the weights of the norm that steps never lengthen.

        The norm is that of the tensors, each times its number. Nothing where steps change from one
        to the next or have a memory, as momentum has.
        """
        return (), ()

    def moved(self, state: S, essence: Vectors) -> S:
        """The state at another essence; may write into the memory of the one given."""
        raise NotImplementedError

    def placed(self, state: S, x: Vectors) -> S | None:
        """The state with other variables, where a method takes them up from anywhere; else None."""
        return None

    def last(self, state: S) -> int | None:
        """The iteration with which a planned course ends; None where there is none."""
        return None

    def done(self, state: S) -> bool:
        """Whether the last step's residuals are within their tolerances, for every sample alone.

        Without an absolute tolerance a sample that is zero may never come within the relative one,
        so that then the samples count together.
        """
        held = state.residuals
        if held is None or not held.met:
            return False
        return self.tolerances.absolute == 0.0 or all(sample.met for sample in held.samples)

    def evidence(self, state: S) -> Evidence | None:
        """What proves something about the optimum; None where a state knows nothing like it."""
        return None


def sample_norms(vectors: Vectors | list[torch.Tensor]) -> torch.Tensor:
    """‖(v₁, v₂, …)‖₂ for each entry of the first axis, which all have."""
    squares = [
        torch.linalg.vector_norm(v.detach().reshape(v.shape[0], -1), dim=1).double().square()
        for v in vectors
    ]
    return sum(squares[1:], squares[0]).sqrt()


def joint_norm(vectors: Vectors | list[torch.Tensor]) -> float:
    """‖(v₁, v₂, …)‖₂."""
    parts = [part for v in vectors for part in reductions.block_norms(v.detach())]
    return math.sqrt(float(reductions.sums_of_squares([parts])[0])) if parts else 0.0
