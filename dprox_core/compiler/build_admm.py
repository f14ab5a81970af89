"""ADMM for a model: the assignment of terms, ρ, and what the plan says about them."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from dprox_core.algorithms.admm import Admm
from dprox_core.algorithms.per_sample import representative
from dprox_core.compiler.even import evened
from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.compiler.plan import Plan
from dprox_core.compiler.predicted import splitting_memory
from dprox_core.compiler.shared import (
    Request,
    between,
    nearest_power_of_two,
    plan_term,
    positive,
)
from dprox_core.compiler.split import ITERATIVE, Split, split
from dprox_core.errors import ParameterError
from dprox_core.linsolve.along import each_has_factors
from dprox_core.linsolve.base import LinearSolve, LinearSolver
from dprox_core.linsolve.cg import ConjugateGradientSolver
from dprox_core.linsolve.dense import DenseSolver, is_small
from dprox_core.linsolve.separable import closed_solver
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = [
    "assigned",
    "automatic_rho",
    "build_admm",
    "checked_linear_solver",
    "linear_solver",
    "rho_of_samples",
]

# Linear solvers that take a ρ for each sample at no price; "" where no system is solved.
_EACH_ITS_RHO = ("", "diagonal", "fourier", "woodbury", "dense", *ITERATIVE)


def build_admm(request: Request) -> tuple[Admm, Plan]:
    """ADMM for a model: any sum of functions with a prox."""
    model, options, differentiate = request.model, request.options, request.differentiate
    relaxation = between("relaxation", options.get("relaxation", 1.6), 0.0, 2.0)
    assignment = assigned(request)
    rho = options.get("rho")
    automatic = rho is None
    if rho is None:
        rho = rho_of_samples(assignment, model)
    else:
        positive("rho", rho)
        if isinstance(rho, torch.Tensor) and not rho.requires_grad:
            rho = float(rho)
    how = checked_linear_solver(options.get("linear_solver"))
    solver = linear_solver(assignment, differentiate, request.fixed, how)
    algorithm = Admm(
        model,
        assignment.blocks,
        solver,
        request.tolerances,
        rho,
        adaptive=automatic,
        relaxation=relaxation,
        differentiate=differentiate,
        quadratic=assignment.part,
    )
    terms = tuple(
        [plan_term(term, "linear solve") for term in assignment.part.terms]
        + [plan_term(term, "prox") for term in assignment.blocks]
    )
    plan = request.plan(
        method="admm",
        terms=terms,
        linear_solver=assignment.kind,
        reason=assignment.reason,
        parameters={"rho": representative(rho), "relaxation": relaxation},
        automatic=("rho",) * automatic + ("relaxation",) * ("relaxation" not in options),
        **splitting_memory(model, "admm", assignment, solver),
    )
    return algorithm, plan


def rho_of_samples(assignment: Split, model: Model, portion: float = 1.0) -> Step:
    """A ρ to start from, for each sample of a batch where they never meet.

    Args:
        assignment: where the terms went.
        model: the compiled problem.
        portion: what to multiply it by.
    """
    each = assignment.kind in _EACH_ITS_RHO or (
        assignment.kind == "matrix" and each_has_factors(assignment.part)
    )
    batch = model.samples if each else 1
    if batch == 1:
        return portion * automatic_rho(assignment)
    found = [portion * automatic_rho(assignment, sample, batch) for sample in range(batch)]
    return torch.tensor(found, dtype=torch.float64)


def checked_linear_solver(wanted: object) -> LinearSolve | None:
    """The option ``linear_solver``.

    Raises:
        ParameterError: there is no such solver.
    """
    if isinstance(wanted, LinearSolve):
        return wanted
    if wanted not in (None, *ITERATIVE):
        raise ParameterError(
            f'linear_solver is "cg", "minres" or None (automatic), not {wanted!r}.',
            expected='"cg", "minres" or None',
            got=wanted,
            where="linear_solver",
        )
    return None if wanted is None else LinearSolve(str(wanted))


def assigned(request: Request) -> Split:
    """The terms sorted, with the linear solver that was asked for or chosen."""
    how = checked_linear_solver(request.options.get("linear_solver"))
    assignment = split(request.model, how.kind if how is not None and how.forced else None)
    if how is not None and assignment.kind in ITERATIVE:
        assignment = replace(assignment, kind=how.kind)
    elif assignment.kind in ITERATIVE and _is_dense(request, assignment):
        reason = (
            "No closed form serves the system, and it is so small that the whole matrix is "
            "factored."
        )
        assignment = replace(assignment, kind="dense", reason=reason)
    return assignment if request.options.get("rho") is not None else evened(assignment)


def _is_dense(request: Request, assignment: Split) -> bool:
    """Whether the system is small and neither gradients nor the very steps of layers are wanted."""
    return not request.differentiate and not request.fixed and is_small(assignment.part)


def linear_solver(
    assignment: Split,
    differentiate: bool,
    exact: bool = False,
    how: LinearSolve | None = None,
) -> LinearSolver:
    """The solver of the kind that was chosen; an iterative one is exact where asked to be."""
    if assignment.kind in ITERATIVE:
        return ConjugateGradientSolver(
            assignment.part,
            differentiate,
            exact=exact or not assignment.blocks,
            kind=assignment.kind,
            max_iter=None if how is None else how.max_iter,
            tolerance=None if how is None else how.tolerance,
        )
    if assignment.kind == "dense":
        return DenseSolver(assignment.part)
    return closed_solver(assignment.part)


def automatic_rho(assignment: Split, sample: int = 0, batch: int = 1) -> float:
    """A ρ to start from: thresholds of a tenth of the data's size, or equal weights.

    The prox of λ‖·‖₁ cuts off at λ/ρ. Differences and coefficients of images are around a tenth
    of the image's values, which the data tells. Without norms or data, quadratic and split terms
    weigh alike.

    Args:
        assignment: where the terms went.
        sample: which sample of a batch it is for.
        batch: how many there are; 1 for all together.
    """
    size = _data_size(assignment, sample, batch)
    steep = max((_steepness(term, size, sample, batch) for term in assignment.blocks), default=0.0)
    if 0.0 < steep < math.inf:
        return nearest_power_of_two(steep)
    curvature = sum(
        reductions.number(term.penalty.weight)
        * (term.function.lipschitz or 0.0)
        * term.row.norm_bound() ** 2
        for term in assignment.part.terms
    )
    coupling = sum(row.norm_bound() ** 2 for row in assignment.part.couplings)
    if curvature == 0.0 or coupling == 0.0:
        return 1.0
    return nearest_power_of_two(curvature / coupling)


def _steepness(term: BoundTerm, size: float, sample: int, batch: int) -> float:
    """Ten times the longest subgradient over the data's size, or the curvature where that is less.

    0 where subgradients have no bound.
    """
    slope, weight = term.function.slope, reductions.number(term.penalty.weight)
    if slope is None:
        return 0.0
    stretch = _stretch(term, sample, batch)
    steep = 10.0 * slope * stretch * weight / size if size > 0.0 else math.inf
    bend = term.function.lipschitz
    return steep if bend is None else min(steep, bend * stretch**2 * weight)


def _stretch(term: BoundTerm, sample: int, batch: int) -> float:
    """By what its prox multiplies its argument, the root mean square of numbers that vary."""
    scale = term.penalty.scale
    if scale is not None:
        scale = _own(term, scale, sample, batch)
    held = 0.0 if scale is None else reductions.norm(scale) / scale.numel() ** 0.5
    return held or 1.0


def _data_size(assignment: Split, sample: int, batch: int) -> float:
    """The root mean square of the data, of one sample where there are several; 0 where no data."""
    means = []
    for term in (*assignment.part.terms, *assignment.blocks):
        offset = term.penalty.offset
        if offset is None or term.function.is_indicator:
            continue
        offset, stretch = _own(term, offset, sample, batch), _stretch(term, sample, batch)
        means.append((reductions.norm(offset) / stretch) ** 2 / offset.numel())
    return (sum(means) / len(means)) ** 0.5 if means else 0.0


def _own(term: BoundTerm, numbers: torch.Tensor, sample: int, batch: int) -> torch.Tensor:
    """A sample's part of numbers that lie beside the term's argument; all where it has none."""
    apart = numbers.shape[:1] == (batch,) and numbers.ndim == len(term.row.range.shape)
    return numbers[sample] if batch > 1 and apart else numbers
