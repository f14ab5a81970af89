"""Whether an objective is as low as its tolerance asks, where residuals are small already.

Residuals are small beside large terms that cancel, and where steps are far too short. Where the
problem is convex, what an iterate proves bounds by how much the objective may still fall, given how
far the minimizer is away; and that is told by how the moves of the iterate become shorter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from dprox_core.acceptance import kept, sizes_of_objective, units_of
from dprox_core.algorithms.base import State
from dprox_core.algorithms.evidence import Evidence
from dprox_core.algorithms.prospect import Prospect, look_ahead
from dprox_core.algorithms.standing import lengths
from dprox_core.search import Search

if TYPE_CHECKING:
    from dprox_core.solver import Solver

__all__ = ["Doubt", "Pace"]

Vectors = tuple[torch.Tensor, ...]

# However far the minimizer is, room for more than so many times the relative tolerance is in doubt.
_FAR = 100.0
# So many roundings of the objective say nothing.
_ROUNDINGS = 100.0
# What a search finds is real: it is asked for so small a share of what is allowed where zero is the
# minimum, that is, of arguments a tenth as large.
_FOUND = 0.01
# To look takes as long as some iterations: the next time after this many times as many.
_PATIENCE = 1.1


class Pace:
    """How far an iterate may still be from where it goes, by how its moves become shorter.

    If every move is q times the one before, ‖x_k − x_∞‖ is at most q / (1 − q) times the last;
    where moves fall like 1 / k² that is about half of it.

    Args:
        samples: how many move, each by itself.
    """

    # Where moves seem to stay as long as they are, chance has a hand in it: no farther ahead is
    # looked than so many moves, or as many as there were.
    _ahead = 49.0
    # After so many moves it is none.
    _settled = 20

    def __init__(self, samples: int) -> None:
        self._moves: list[list[float]] = [[] for _ in range(samples)]
        self._count = 0

    def note(self, before: Vectors, now: Vectors) -> None:
        """Where the iterate was and is, each time after as many iterations."""
        self._count += 1
        apart = [b - a for a, b in zip(before, now, strict=True)]
        for moves, length in zip(self._moves, lengths(apart, len(self._moves)), strict=True):
            moves.append(length)
            del moves[:-3]

    def left(self, sample: int) -> float:
        """The distance, and no less than the longest of the last moves."""
        moves = self._moves[sample]
        if not moves:
            return math.inf
        # Moves that were extrapolated are long: the next is no share of them, and yet there was so
        # far to go; so the slowest ratio counts, and the longest move.
        pairs = [(early, late) for early, late in pairwise(moves) if early > 0.0]
        if not pairs:
            return moves[-1]
        ratio = max(late / early for early, late in pairs)
        # Moves that fall like 1 / k, or more slowly, lead nowhere that can be told.
        if self._count >= self._settled and ratio >= 1.0 - 1.0 / self._count:
            return math.inf
        ahead = max(self._ahead, self._count)
        return max(*moves, moves[-1] * min(ahead, ratio / max(1.0 - ratio, 1e-300)))

    def numbers(self) -> dict[str, float]:
        """All that is known, by name."""
        found = {"moves": float(self._count)}
        for sample, moves in enumerate(self._moves):
            found |= {f"move.{sample}.{index}": move for index, move in enumerate(moves)}
        return found

    def restore(self, numbers: Mapping[str, float]) -> None:
        """Know what an earlier one did."""
        self._count = int(numbers["moves"])
        for sample, moves in enumerate(self._moves):
            names = (f"move.{sample}.{index}" for index in range(3))
            moves[:] = [numbers[name] for name in names if name in numbers]


class Doubt:
    """Looks at samples whose residuals are small; at each again only after a while.

    Args:
        solver: the compiled problem.
        samples: how many samples end by themselves, 1 for one problem.
    """

    def __init__(self, solver: Solver, samples: int) -> None:
        self._solver = solver
        self._convex = solver.model.convex
        self._pace = Pace(samples)
        self._next = [0] * samples
        self._asked_twice = [False] * samples
        self._at_zero: list[float] | None = None
        self._evidence: tuple[State, Evidence] | None = None
        self._units: tuple[float, ...] | None = None
        self._search = Search(solver, lambda x: all(self.kept(x, 1)))

    def numbers(self) -> dict[str, float]:
        """What was found out on the way, by name, to go on as if the solve had not ended."""
        found = {"searched": float(self._search.next), **self._pace.numbers()}
        for index, (after, twice) in enumerate(zip(self._next, self._asked_twice, strict=True)):
            found |= {f"next.{index}": float(after), f"twice.{index}": float(twice)}
        return found

    def restore(self, numbers: Mapping[str, float]) -> None:
        """Go on from there."""
        samples = range(len(self._next))
        if not all(name in numbers for name in ("moves", *(f"next.{i}" for i in samples))):
            return
        self._search.next = int(numbers["searched"])
        self._pace.restore(numbers)
        self._next = [int(numbers[f"next.{i}"]) for i in samples]
        self._asked_twice = [numbers[f"twice.{i}"] > 0.0 for i in samples]

    @property
    def _asked(self) -> bool:
        """Whether anything is asked of the objective."""
        algorithm = self._solver.algorithm
        exact = algorithm.exact_after is not None
        return self._convex and algorithm.tolerances.relative > 0.0 and not exact

    @torch.no_grad()
    def note(self, before: Vectors, now: Vectors) -> None:
        """The iterate at two checks."""
        if self._asked:
            self._pace.note(before, now)

    def kept(self, answer: Vectors, samples: int) -> tuple[bool, ...]:
        """Of which samples every constraint is missed by no more than the tolerances allow."""
        model, limits = self._solver.model, self._solver.algorithm.tolerances
        if self._units is None:
            self._units = units_of(model)
        return kept(model, answer, limits.absolute, limits.relative, samples, self._units)

    @torch.no_grad()
    def clear(
        self, state: State, answer: Vectors, wanted: list[bool], sizes: list[float] | None = None
    ) -> list[bool]:
        """Which of the samples that are wanted leave no doubt; False for the others.

        Args:
            state: where the method is.
            answer: what it would return.
            wanted: the samples that are to be looked at.
            sizes: what ``sizes_of_objective`` says of the answer, where that is known.
        """
        samples = len(wanted)
        # What is known of an earlier state would only take memory.
        self._evidence = None
        if not self._asked:
            return wanted
        due = [
            want and state.iteration >= after
            for want, after in zip(wanted, self._next, strict=True)
        ]
        evidence = self._solver.algorithm.evidence(state) if any(due) else None
        if evidence is None:
            return due
        prospects = look_ahead(evidence, answer, samples, due)
        here = sizes_of_objective(self._solver.model, answer, samples) if sizes is None else sizes
        sure = list(due)
        for index, prospect in enumerate(prospects):
            if prospect is None:
                continue
            if self._is_high(prospect, here[index], answer, index):
                sure[index] = False
                self._asked_twice[index] = True
                self._next[index] = int(_PATIENCE * state.iteration)
            elif self._asked_twice[index]:
                # What was in doubt, and is not after one short move, may be so by chance.
                sure[index] = self._asked_twice[index] = False
        searched = any(sure) and evidence.gradients
        if searched and self._search.finds(
            evidence, state.iteration, self._room(answer, sure, here)
        ):
            sure = [False] * samples
        if all(sure):
            self._evidence = state, evidence
        return sure

    @torch.no_grad()
    def lower(self, state: State, answer: Vectors, waiting: list[bool]) -> Vectors | None:
        """Where the objective is clearly lower, as far as that is known or it is time to look.

        Args:
            state: where a solve stands that goes on.
            answer: the values that it would return.
            waiting: the samples that have not ended.
        """
        found = self._search.take()
        if found is not None or not self._asked or not self._search.is_due(state.iteration):
            return found
        evidence = self._solver.algorithm.evidence(state)
        if evidence is not None and evidence.gradients:
            here = sizes_of_objective(self._solver.model, answer, len(waiting))
            self._search.finds(evidence, state.iteration, self._room(answer, waiting, here))
        return self._search.take()

    def _room(self, answer: Vectors, wanted: list[bool], sizes: list[float]) -> list[float]:
        """By how much the objective of each sample may be off, infinite where that is no matter."""
        return [
            self._allowed(size, _FOUND * self._size_at_zero(answer, index)) if want else math.inf
            for index, (size, want) in enumerate(zip(sizes, wanted, strict=True))
        ]

    def _allowed(self, size: float, at_zero: float) -> float:
        # Where the minimum is zero: a sum of squares is as small as the square of its argument.
        return self._share * (size + self._share * at_zero)

    @property
    def _share(self) -> float:
        relative = self._solver.algorithm.tolerances.relative
        precision = torch.finfo(self._solver.model.spaces[0].precision).eps
        return max(relative, _ROUNDINGS * precision)

    def evidence(self, state: State) -> Evidence | None:
        """What a method knows, as it was when nothing was in doubt; asked for once."""
        held, self._evidence = self._evidence, None
        if held is not None and held[0] is state:
            return held[1]
        return self._solver.algorithm.evidence(state)

    def _is_high(self, prospect: Prospect, size: float, answer: Vectors, sample: int) -> bool:
        """Whether the objective may be off by more than is allowed."""
        share = self._share
        distance = self._pace.left(sample)
        if not prospect.is_above(share * size, distance, _FAR * share * size):
            return False
        at_zero = self._size_at_zero(answer, sample)
        allowed, most = self._allowed(size, at_zero), _FAR * share * max(size, at_zero)
        return allowed > 0.0 and prospect.is_above(allowed, distance, most)

    def _size_at_zero(self, like: Vectors, sample: int) -> float:
        if self._at_zero is None:
            zero = tuple(torch.zeros_like(v) for v in like)
            self._at_zero = sizes_of_objective(self._solver.model, zero, len(self._next))
        return self._at_zero[sample]
