"""Extrapolation of solves that take long, kept only where it helps.

Let G be ten steps of a method, a nonexpansive map in the norm that the method is analysed in, and
z_i the points at which it began. From the last m of them comes

    z⁺ = Σ_i α_i G(z_i)   with Σ_i α_i = 1 and ‖Σ_i α_i (G(z_i) − z_i)‖ least

(D. G. Anderson, Iterative Procedures for Nonlinear Integral Equations, 1965; that several plain
steps lie between, P. Pratapa, P. Suryanarayana, J. Pask, Anderson Acceleration of the Jacobi
Iterative Method, 2016). It is a trial: it counts only if ‖G(z⁺) − z⁺‖ is clearly shorter than
‖G(z) − z‖ was without it, and at most D ‖G(z₀) − z₀‖ (n + 1)^(−1−ε) after n trials that counted;
else the solve goes on from G(z), as if nothing had been tried, and waits twice as long until the
next trial. What is tried costs little therefore, and the method converges as it does alone:
J. Zhang, B. O'Donoghue, S. Boyd, Globally Convergent Type-I Anderson Acceleration for Nonsmooth
Fixed-Point Iterations, 2020.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from dprox_core.algorithms.base import Past, State
from dprox_core.algorithms.packing import joined, parted
from dprox_core.memory import available
from dprox_core.numerics import reductions
from dprox_core.numerics.anderson import extrapolated

if TYPE_CHECKING:
    from dprox_core.proxfns.base import Step
    from dprox_core.solver import Solver

__all__ = ["Extrapolation"]

Vectors = tuple[torch.Tensor, ...]

# Solves that end sooner are left as they are.
_START = 100
# m.
_MEMORY = 6
# So much shorter a trial has to make it: far away on a line it may be as long as here.
_SHORTER = 0.95
_SLACK = 10.0
_EPSILON = 1e-6
# The numbers of a trail.
_COUNTS = ("first", "length", "accepted", "wait", "rest", "failed")
# Checks to wait after a trial that failed, at most.
_LONGEST_WAIT = 64


class Extrapolation:
    """Tries to go ahead at every check of a solve, in each sample of a batch by itself.

    Args:
        solver: the compiled problem.
        past: what an earlier solve had gathered, to go on from its state.
    """

    def __init__(self, solver: Solver, past: Past | None = None) -> None:
        self._algorithm = solver.algorithm
        tolerances = solver.algorithm.tolerances
        fixed = tolerances.absolute == 0.0 and tolerances.relative == 0.0
        self._on = solver.model.convex and not fixed and not solver.differentiate
        self._batch = solver.model.samples if self._on else 1
        self._weights: tuple[Step, ...] | None = None
        self._trails: list[_Trail] = []
        if past is not None and self._on:
            self._restore(past)

    def past(self, iteration: int, ahead: bool) -> Past | None:
        """What is needed to go on from the state of an iteration; None where nothing is.

        Args:
            iteration: of the state.
            ahead: whether ``ahead`` is to be asked before the next step.
        """
        if not self._trails and not (ahead and iteration >= _START):
            return None
        tensors: dict[str, torch.Tensor] = {}
        numbers: dict[str, float] = {"trails": len(self._trails), "ahead": float(ahead)}
        for index, weight in enumerate(self._weights or ()):
            numbers["weights"] = index + 1
            if isinstance(weight, torch.Tensor):
                tensors[f"weight.{index}"] = weight
            else:
                numbers[f"weight.{index}"] = weight
        for index, trail in enumerate(self._trails):
            trail.save(f"{index}.", tensors, numbers)
        return Past(iteration, tensors, numbers)

    def _restore(self, past: Past) -> None:
        numbers = past.numbers
        if not numbers.get("trails"):
            return
        names = [f"weight.{index}" for index in range(int(numbers["weights"]))]
        self._weights = tuple(past.tensors.get(name, numbers.get(name, 0.0)) for name in names)
        self._trails = [
            _Trail.restored(f"{index}.", past) for index in range(int(numbers["trails"]))
        ]

    def restart(self) -> None:
        """Forget the way so far: the solve goes on from elsewhere."""
        self._weights, self._trails = None, []

    @torch.no_grad()
    def settled(self, state: State) -> tuple[State | None, list[bool]]:
        """After ten steps: where to go on from if trials failed, None where all is well.

        Returns:
            The state, and for each sample that has a trail of its own whether its trial failed.
        """
        if not self._trails or all(trail.idle for trail in self._trails):
            return None, []
        rows = self._rows(*self._algorithm.essence(state))
        found = [trail.settled(row) for trail, row in zip(self._trails, rows, strict=True)]
        failed = [point is not None for point in found]
        if not any(failed):
            return None, failed
        points = [row if point is None else point for row, point in zip(rows, found, strict=True)]
        return self._at(state, points), failed

    @torch.no_grad()
    def ahead(self, state: State, tries: bool = True) -> State:
        """The state to go on from, after ten steps and what was adapted after them.

        Args:
            state: the state then.
            tries: whether ten more steps will follow, to tell whether a trial helped.
        """
        if not self._on or state.iteration < _START:
            return state
        tensors, weights = self._algorithm.essence(state)
        if not tensors:
            self._on = False
            return state
        idle = (
            self._weights is not None
            and not any(_changed(weights, self._weights, len(self._trails)))
            and all(trail.idle for trail in self._trails)
        )
        if idle and not any([trail.awakes() for trail in self._trails]):
            return state
        rows = self._rows(tensors, weights)
        if idle:
            for trail, row in zip(self._trails, rows, strict=True):
                trail.point = row
            return state
        if self._weights is None:
            self._on = _fits(rows)
            self._trails = [_Trail(row) for row in rows] if self._on else []
        else:
            # Another step size or ρ makes another map.
            fresh = _changed(weights, self._weights, len(rows))
            trios = zip(self._trails, rows, fresh, strict=True)
            self._trails = [_Trail(row) if new else trail for trail, row, new in trios]
        self._weights = weights
        if not tries:
            return state
        found = [trail.ahead() for trail in self._trails]
        if all(point is None for point in found):
            return state
        pairs = zip(self._trails, found, strict=True)
        points = [trail.point if point is None else point for trail, point in pairs]
        return self._at(state, points)

    def _rows(self, tensors: Vectors, weights: tuple[Step, ...]) -> list[torch.Tensor]:
        apart = all(t.ndim > 0 and t.shape[0] == self._batch for t in tensors)
        return list(joined(tensors, weights, self._batch if apart else 1))

    def _at(self, state: State, points: list[torch.Tensor]) -> State:
        tensors, weights = self._algorithm.essence(state)
        return self._algorithm.moved(state, parted(torch.stack(points), tensors, weights))


class _Trail:
    """The way that one sample has come.

    Args:
        point: where the next steps begin.
    """

    def __init__(self, point: torch.Tensor) -> None:
        self.point = point
        self._points: list[torch.Tensor] = []
        self._images: list[torch.Tensor] = []
        # Where to go on from if a trial fails, None while nothing is tried.
        self._safe: torch.Tensor | None = None
        self._first = 0.0
        self._length = math.inf
        self._accepted = 0
        self._wait = 1
        self._rest = 0
        self._failed = False

    def save(self, start: str, tensors: dict[str, torch.Tensor], numbers: dict[str, float]) -> None:
        """Enter all that it knows, under names that begin so."""
        tensors[f"{start}point"] = self.point
        if self._safe is not None:
            tensors[f"{start}safe"] = self._safe
        for name, held in (("points", self._points), ("images", self._images)):
            numbers[f"{start}{name}"] = len(held)
            tensors |= {f"{start}{name}.{index}": t for index, t in enumerate(held)}
        for name in _COUNTS:
            numbers[start + name] = float(getattr(self, f"_{name}"))

    @classmethod
    def restored(cls, start: str, past: Past) -> _Trail:
        """What ``save`` entered under such names."""
        trail = cls(past.tensors[f"{start}point"])
        trail._safe = past.tensors.get(f"{start}safe")
        for name in ("points", "images"):
            count = int(past.numbers[start + name])
            held = [past.tensors[f"{start}{name}.{index}"] for index in range(count)]
            setattr(trail, f"_{name}", held)
        for name in _COUNTS:
            kind = type(getattr(trail, f"_{name}"))
            setattr(trail, f"_{name}", kind(past.numbers[start + name]))
        return trail

    @property
    def idle(self) -> bool:
        """Whether the next trial is farther away than the points that it will look at."""
        return self._rest > _MEMORY + 1

    def awakes(self) -> bool:
        """One check less to wait; whether points count from now on."""
        self._rest -= 1
        return not self.idle

    def settled(self, image: torch.Tensor) -> torch.Tensor | None:
        """After ten steps: the point to go on from if a trial failed."""
        length = reductions.norm(image - self.point)
        safe, self._safe, self._failed = self._safe, None, False
        if safe is not None:
            bound = _SLACK * self._first * (self._accepted + 1) ** (-1.0 - _EPSILON)
            if not length <= min(_SHORTER * self._length, bound):
                self._points, self._images = [], []
                self._rest, self._wait = self._wait, min(2 * self._wait, _LONGEST_WAIT)
                self.point, self._failed = safe, True
                return safe
            self._accepted += 1
            self._wait = 1
        self._first = self._first or length
        self._length = length
        self._points = [*self._points, self.point][-_MEMORY - 1 :]
        self._images = [*self._images, image][-_MEMORY - 1 :]
        self.point = image
        return None

    def ahead(self) -> torch.Tensor | None:
        """A point to try, None where nothing is known yet or the last trials failed."""
        if self._failed:
            # It goes ten steps from where it is before it is looked at again.
            self._failed = False
            return None
        if self._rest > 0:
            self._rest -= 1
            return None
        found = extrapolated(self._points, self._images) if len(self._images) > 1 else None
        if found is not None:
            self._safe, self.point = self.point, found
        return found


def _changed(weights: tuple[Step, ...], others: tuple[Step, ...], rows: int) -> list[bool]:
    """For each row, whether any of its weights is another."""
    found = torch.zeros(rows, dtype=torch.bool)
    for a, b in zip(weights, others, strict=True):
        differs = (torch.as_tensor(a) != torch.as_tensor(b)).reshape(-1).cpu()
        found |= differs if len(differs) == rows else differs.any()
    return [bool(new) for new in found]


def _fits(rows: list[torch.Tensor]) -> bool:
    """Whether half of the memory that is free holds all points, images and differences."""
    free = available(rows[0].device)
    return free is None or 2 * (4 * _MEMORY + 6) * sum(row.nbytes for row in rows) < free
