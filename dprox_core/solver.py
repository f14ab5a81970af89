"""A compiled problem, ready to be started, stepped and solved."""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from dprox_core.acceptance import summands, violation
from dprox_core.algorithms.base import Algorithm, State
from dprox_core.algorithms.files import load_state, refuse_foreign, save_state
from dprox_core.arguments import as_path, whole_number
from dprox_core.compiler.model import Model
from dprox_core.compiler.plan import Plan
from dprox_core.errors import ParameterError
from dprox_core.given import by_variable, refuse_other_shape, starting_point
from dprox_core.memory import guarded
from dprox_core.result import Result
from dprox_core.run import Run

__all__ = ["Solver"]

Vectors = tuple[torch.Tensor, ...]


class Solver:
    """A problem compiled for one method, device and precision.

    Args:
        model: the problem as written, with numbers in place.
        algorithm: the method, prepared for it.
        plan: what the compiler chose and why.
        differentiate: whether gradients are wanted.

    Example:
        >>> import dprox_core as dp
        >>> x = dp.Variable("x", shape=(4,))
        >>> solver = dp.Problem(dp.sum_squares(x - 3) + dp.norm1(x)).compile("admm")
        >>> state = solver.init()
        >>> for _ in range(60):
        ...     state = solver.step(state)
        >>> [round(value, 2) for value in solver.values(state)["x"].tolist()]
        [2.5, 2.5, 2.5, 2.5]
    """

    def __init__(
        self, model: Model, algorithm: Algorithm[Any], plan: Plan, differentiate: bool
    ) -> None:
        self.model = model
        self.algorithm = algorithm
        self.plan = plan
        self.differentiate = differentiate
        self._kind: type[State] | None = None
        # The algorithm's scratch memory serves one step at a time.
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, held: dict[str, Any]) -> None:
        self.__dict__.update(held)
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<solver {self.plan.method} for minimize {self.plan.objective}>"

    def init(self, x0: object = None) -> State:
        """The state before the first step.

        Args:
            x0: where to start: a tensor, a mapping from variables or their names, or an earlier
                result; where nothing is given the method chooses, which is zero unless there is a
                deep prior.

        Raises:
            ShapeError: a start does not have its variable's shape.
            DataError: a start holds NaN or infinity.
        """
        given = by_variable(x0, self.model.variables, "x0")
        spaces = dict(zip(self.model.variables, self.model.spaces, strict=True))
        with self.mode():
            found = {
                v: starting_point(given[v], v, space) for v, space in spaces.items() if v in given
            }
            default = self.algorithm.start() if len(found) < len(spaces) else tuple(found.values())
            x0 = tuple(found.get(v, held) for v, held in zip(spaces, default, strict=True))
            state = self.algorithm.init(x0)
        self._kind = type(state)
        return state

    def step(self, state: State, measure: bool = False) -> State:
        """One iteration; the state given may be overwritten (``state.clone()`` keeps it).

        ρ and step sizes stay as they are: a solve balances, extrapolates and stops.

        Raises:
            ParameterError: the state is that of another method or problem.
        """
        self._refuse_other(state)
        with self.mode(), self._lock:
            return self.algorithm.step(state, measure)

    def save_state(self, state: State, path: str | os.PathLike[str]) -> Path:
        """Write a state to a file, from which ``load_state`` goes on, here or elsewhere."""
        _refuse_no_state(state)
        return save_state(state, as_path("save_state", path))

    def load_state(self, path: str | os.PathLike[str]) -> State:
        """The state in a file.

        Raises:
            DataError: the file holds no state, or that of another method or problem.
        """
        return load_state(self.init(), as_path("load_state", path))

    def values(self, state: State) -> dict[str, torch.Tensor]:
        """The variables' values in a state, by name."""
        self._refuse_other(state)
        with self.mode():
            answer = self.algorithm.answer(state)
        names = (variable.name for variable in self.model.variables)
        return {name: value.clone() for name, value in zip(names, answer, strict=True)}

    def objective(self, x: Vectors) -> float:
        """The written objective without constraints; where a term is infinite, its value nearby."""
        return sum(summands(self.model, x))

    def violation(self, x: Vectors) -> float:
        """By how much a constraint is missed at most."""
        return violation(self.model, x)

    def solve(
        self,
        x0: object = None,
        max_iter: int = 500,
        truth: object = None,
        state: State | None = None,
        **unknown: object,
    ) -> Result:
        """Iterate until converged, stopped, or at the limit.

        Args:
            x0: where to start, as for ``init``.
            max_iter: the most iterations to do now, from 1.
            truth: the true values, for PSNR.
            state: go on from the state of an earlier result instead of from x0.
            unknown: none; options of the method were given to ``compile``.

        Returns:
            The result; its status says how the solve ended.

        Raises:
            ParameterError: max_iter is not a whole number from 1, the state is that of another
                method or problem, or an option belongs to ``compile``.
            DeviceError: the device ran out of memory.
        """
        for name, value in unknown.items():
            raise ParameterError(
                f"This solver is compiled, and its solve takes x0, max_iter, truth and state: give "
                f"{name}={value!r:.40} to compile (or to problem.solve).",
                expected=("x0", "max_iter", "truth", "state"),
                got=name,
                where=name,
            )
        whole_number("max_iter", max_iter, "max_iter")
        truths = by_variable(truth, self.model.variables, "truth")
        for variable, image in truths.items():
            refuse_other_shape(image, variable, "truth")
        with guarded(self.plan), self._lock:
            started = self.init(x0) if state is None else state
            if state is not None:
                refuse_foreign(state, self.init(), self.plan.method)
                started = state if self.differentiate else state.clone()
            started = self.algorithm.begin(started, max_iter)
            return Run(self, started, max_iter, truths).run()

    def _refuse_other(self, state: State) -> None:
        """Refuse the state of another method or problem, without looking at all of it each time."""
        _refuse_no_state(state)
        fits = all(v.shape == s.shape for v, s in zip(state.x, self.model.spaces, strict=False))
        if type(state) is not self._kind or not fits:
            refuse_foreign(state, self.init(), self.plan.method)

    def mode(self) -> AbstractContextManager[Any]:
        """Within it torch records what gradients need, where they are wanted."""
        return nullcontext() if self.differentiate else torch.no_grad()


def _refuse_no_state(state: object) -> None:
    if not isinstance(state, State):
        raise ParameterError(
            f"A solver goes on from a state, such as solver.init() or result.state, not from "
            f"{type(state).__name__} {state!r:.60}.",
            expected="a state",
            got=type(state).__name__,
            where="state",
        )
