"""How much memory a solve takes, predicted from the sizes of what a method holds.

Each method holds a number of arrays of the size of the unknowns and of what is split off, most of
them at the end, when the certificate is worked out: counted as torch allocates them in total
variation, lasso, inpainting, super-resolution and magnetic resonance problems, and within about a
tenth of that (tests/dprox_core/test_memory_of_solves.py). What extrapolation takes after a hundred
iterations, where that is free, is told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from dprox_core.algorithms.balance import thinned
from dprox_core.algorithms.parts import Parts
from dprox_core.compiler.model import BoundTerm, Model, Row
from dprox_core.compiler.split import Split
from dprox_core.linops.matrix import Matrix
from dprox_core.linops.space import Space
from dprox_core.linsolve.along import MatrixSolver
from dprox_core.linsolve.base import LinearSolver
from dprox_core.linsolve.product import size_of
from dprox_core.linsolve.separable import SeparableSolver

__all__ = [
    "gradient_memory",
    "held_bytes",
    "plug_and_play_memory",
    "primal_dual_memory",
    "splitting_memory",
]

# Arrays like the unknowns, and arrays like what is split off.
_SPLITTING = {
    "admm": (14.6, 6.3),
    "admm_vxu": (14.1, 9.7),
    "hqs": (15.6, 8.2),
    "dr": (15.1, 7.7),
}
_PRIMAL_DUAL = {
    "ladmm": (16.2, 10.0),
    "pdhg": (13.7, 5.5),
    "pd3o": (19.7, 6.1),
    "condat_vu": (19.7, 6.1),
}
_GRADIENT = {"fista": 17.5, "pgd": 15.3}
_PLUG_AND_PLAY = {"hqs": (9.6, 2.0), "pgd": (13.4, 0.0), "fista": (13.4, 0.0)}
# Arrays that ρ or the weight is balanced by, of long ones a few slices.
_LOOKS = {"admm": 3.6, "ladmm": 1.3, "pdhg": 2.0, "pd3o": 0.8, "condat_vu": 0.8}
# What is left of the first number where nothing is smooth: no spectra of data, no gradients.
_BARE = {"admm": 11.5, "ladmm": 15.2, "pd3o": 13.7, "condat_vu": 13.7}
# Arrays like the data, where they are longer than the unknowns, as complex data are.
_LONGER = {"gradient": 4.0, "linear solve": 3.0}
# Seven points and images of extrapolation, and pieces of their differences.
_EXTRAPOLATED = 14.5
# More arrays like the unknowns than a closed form takes.
_KINDS = {"minres": 5.0}


def splitting_memory(
    model: Model, method: str, assignment: Split, solver: LinearSolver
) -> dict[str, int]:
    """Bytes of a solve by ADMM or its kin, as a plan's entries.

    Args:
        model: the problem.
        method: "admm", "admm_vxu", "hqs" or "dr".
        assignment: which terms the linear solve takes, and what is split off.
        solver: the linear solver.
    """
    own, copies = _SPLITTING[method]
    squares = assignment.part.terms
    if not squares:
        own = _BARE.get(method, own)
    own += _KINDS.get(assignment.kind, 0.0)
    factors = 0
    if assignment.kind == "dense":
        # Two Gram matrices and eigenvectors in double precision, and the inverse.
        factors = 32 * size_of(model.spaces) ** 2
    elif isinstance(solver, SeparableSolver):
        factors = sum(held.nbytes for held in solver.solvers if isinstance(held, MatrixSolver))
    apart = [row.range for row in assignment.part.couplings]
    longer = _longer(model, squares) * _LONGER["linear solve"]
    # HQS has no duals that settle.
    lasting = 0 if method == "hqs" else sum(space.nbytes for space in apart)
    looks = _LOOKS.get(method, 2.8) * _looked_at(apart)
    return _entries(_total(model, own, copies, apart, longer + factors + looks), lasting)


def primal_dual_memory(model: Model, method: str, parts: Parts) -> dict[str, int]:
    """Bytes of a solve by "ladmm", "pdhg", "pd3o" or "condat_vu", as a plan's entries."""
    own, copies = _PRIMAL_DUAL[method]
    if not parts.smooth.terms:
        own = _BARE.get(method, own)
        copies = copies if method == "ladmm" else _PRIMAL_DUAL["pdhg"][1]
    apart = [block.row.range for block in parts.blocks]
    longer = _longer(model, parts.smooth.terms) * _LONGER["gradient"]
    lasting = sum(space.nbytes for space in (*model.spaces, *apart))
    looks = _LOOKS[method if parts.smooth.terms else "pdhg"] * _looked_at([*model.spaces, *apart])
    return _entries(_total(model, own, copies, apart, longer + looks), lasting)


def gradient_memory(model: Model, method: str, parts: Parts) -> dict[str, int]:
    """Bytes of a solve by "fista" or "pgd", as a plan's entries."""
    longer = _longer(model, parts.smooth.terms) * _LONGER["gradient"]
    # Momentum remembers, so that FISTA is never extrapolated.
    lasting = sum(space.nbytes for space in model.spaces) if method == "pgd" else 0
    return _entries(_total(model, _GRADIENT[method], 0.0, (), longer), lasting)


def plug_and_play_memory(model: Model, method: str, split: Sequence[Row], network: int) -> int:
    """Bytes of a plug-and-play solve.

    Args:
        model: the problem.
        method: any method that takes a denoiser.
        split: the rows of what is split off; none for "pgd" and "fista".
        network: what the denoiser takes while it works.
    """
    own, copies = _PLUG_AND_PLAY.get(method, (10.0, 3.8))
    return _total(model, own, copies, [row.range for row in split], 0.0) + network


def held_bytes(model: Model) -> int:
    """The memory that operators and data take."""
    held = {id(t): _bytes(t) for term in model.terms for t in term.row.tensors()}
    offsets = [t.penalty.offset for t in model.terms if t.penalty.offset is not None]
    return sum(held.values()) + sum(offset.nbytes for offset in offsets)


def _total(model: Model, own: float, copies: float, split: Iterable[Space], more: float) -> int:
    unknowns = sum(space.nbytes for space in model.spaces)
    apart = sum(space.nbytes for space in split)
    working = round(own * unknowns + copies * apart + more)
    return max(working, _norms(model)) + held_bytes(model)


def _looked_at(spaces: Iterable[Space]) -> float:
    """Bytes of one look at vectors that are balanced."""
    return sum(space.nbytes / (thinned(space.shape) or (0, 1))[1] for space in spaces)


def _entries(always: int, lasting: int) -> dict[str, int]:
    """What is always needed, and what extrapolating vectors of so many bytes takes beside it."""
    return {"memory_bytes": always, "extrapolation_bytes": round(_EXTRAPOLATED * lasting)}


def _norms(model: Model) -> int:
    """What the singular values of a matrix take while a plan is made: a copy of it."""
    operators = [operator for term in model.terms for _, operator in term.row.entries]
    sizes = [
        operator.along()[1].nbytes
        for operator in operators
        if isinstance(operator, Matrix) and operator.decomposed
    ]
    return max(sizes, default=0)


def _longer(model: Model, terms: Sequence[BoundTerm]) -> int:
    """By how many bytes data are longer than the unknowns."""
    unknowns = sum(space.nbytes for space in model.spaces)
    return sum(max(0, term.row.range.nbytes - unknowns) for term in terms)


def _bytes(tensor: torch.Tensor) -> int:
    """What a tensor takes; of a sparse one, its entries with two indices each."""
    if tensor.layout is torch.strided:
        return tensor.nbytes
    return int(tensor._nnz()) * (tensor.element_size() + 16)
