"""Choosing a solver for each variable's system, and all of them together."""

from __future__ import annotations

from typing import Protocol

import torch

from dprox_core.linsolve.along import MatrixSolver, accepts_matrices
from dprox_core.linsolve.base import LinearSolver, QuadraticPart, Vectors
from dprox_core.linsolve.decimated import DecimatedSolver, accepts_decimation
from dprox_core.linsolve.direct import DiagonalSolver, FourierSolver, direct_kind, gram_of
from dprox_core.linsolve.joint import JointSolver
from dprox_core.proxfns.base import Step

__all__ = ["KINDS", "SeparableSolver", "closed_form", "closed_solver", "is_closed"]

KINDS = ("matrix", "woodbury", "fourier", "diagonal")
"""The closed forms; a problem of several variables is called by the first that it needs."""


class _VariableSolver(Protocol):
    def forget(self) -> None: ...

    def solve(
        self, pulled: torch.Tensor, rho: Step, previous: torch.Tensor, out: torch.Tensor | None
    ) -> torch.Tensor: ...


def closed_form(part: QuadraticPart, index: int) -> str | None:
    """The closed form of one variable's system, None where it has none.

    Returns:
        "diagonal", "fourier", "woodbury" (decimation), "matrix" (along one axis), or None.
    """
    kind = direct_kind(part.grams_of(index))
    if kind is not None:
        return kind
    if accepts_decimation(part, index):
        return "woodbury"
    return "matrix" if accepts_matrices(part, index) else None


class SeparableSolver(LinearSolver):
    """A closed form for each variable."""

    def __init__(self, part: QuadraticPart) -> None:
        constants = part.constant()
        self.solvers: list[_VariableSolver] = []
        kinds = []
        for index, constant in enumerate(constants):
            kind = closed_form(part, index)
            assert kind is not None, "chosen only where every variable has a closed form"
            kinds.append(kind)
            self.solvers.append(_made(part, index, kind, constant))
        self.kind = next(kind for kind in KINDS if kind in kinds)

    def forget(self) -> None:
        """Drop every variable's factors."""
        for solver in self.solvers:
            solver.forget()

    def solve(
        self,
        pulled: list[torch.Tensor],
        rho: Step,
        previous: Vectors,
        out: Vectors | None = None,
    ) -> Vectors:
        """Each variable's solution."""
        return tuple(
            solver.solve(p, rho, old, None if out is None else out[index])
            for index, (solver, p, old) in enumerate(
                zip(self.solvers, pulled, previous, strict=True)
            )
        )


def closed_solver(part: QuadraticPart) -> LinearSolver:
    """What solves a system that has a closed form, for each variable or for all together."""
    return SeparableSolver(part) if is_closed(part) else JointSolver(part)


def is_closed(part: QuadraticPart) -> bool:
    """Whether each variable has a system of its own with a closed form."""
    every = range(len(part.spaces))
    return part.is_separable and all(closed_form(part, index) is not None for index in every)


def _made(
    part: QuadraticPart, index: int, kind: str, constant: torch.Tensor | None
) -> _VariableSolver:
    if kind == "woodbury":
        return DecimatedSolver(part, index, constant)
    if kind == "matrix":
        return MatrixSolver(part, index, constant)
    solver = DiagonalSolver if kind == "diagonal" else FourierSolver
    quadratic, coupling = gram_of(part, index, kind)
    return solver(part.spaces[index], quadratic, coupling, constant)
