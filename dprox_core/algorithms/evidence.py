"""What an iterate proves about the optimum, whatever the method it came from.

minimize f(x) + Σ_j h_j(K_j x), f smooth. A prox at a point p_j with step 1/σ_j gives

    z_j = prox(p_j)   and   y_j = σ_j (p_j − z_j), a subgradient of h_j at z_j,

so that for every x* and every x, with s = ∇f(x) + Σ_j K_jᴴ y_j,

    f(x*) + Σ_j h_j(K_j x*) ≥ f(x) + Σ_j (h_j(z_j) + Re⟨y_j, K_j x − z_j⟩)
                              + Re⟨s, x* − x⟩ + m ‖x* − x‖² / 2

where m is the modulus of strong convexity of f. The last line is at least −‖s‖² / (2 m), or its
least value over a box that x* lies in (Fenchel duality; S. Boyd, L. Vandenberghe, Convex
Optimization, 2004, sections 5.1 and 9.1.2). At a minimizer K_j x = z_j and s = 0: the conditions of
Karush, Kuhn and Tucker.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from dprox_core.algorithms.base import joint_norm
from dprox_core.algorithms.parts import Parts
from dprox_core.algorithms.per_sample import shaped
from dprox_core.compiler.model import BoundTerm, Model, Row
from dprox_core.linsolve.base import Gram, QuadraticPart
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = ["Evidence", "Piece", "Proof", "modulus_of", "of_blocks", "of_parts", "prove"]

Vectors = tuple[torch.Tensor, ...]
Smooth = Callable[[Vectors], tuple[float, Vectors]]


@dataclass(frozen=True)
class Piece:
    """One h_j with a point z_j and a subgradient y_j of it there.

    Attributes:
        terms: what h_j is the sum of.
        row: K_j.
        z: z_j.
        y: y_j.
    """

    terms: tuple[BoundTerm, ...]
    row: Row
    z: torch.Tensor
    y: torch.Tensor

    def value(self) -> float:
        """h_j(z_j); a projection may miss its set by rounding, so that indicators count as met."""
        return sum(
            reductions.number(term.penalty.value(self.z))
            for term in self.terms
            if not term.function.is_indicator
        )


@dataclass(frozen=True)
class Evidence:
    """A problem split into a smooth part and pieces, with what a method knows about each.

    Attributes:
        model: the problem.
        smooth: x ↦ f(x), ∇f(x).
        squares: the quadratic terms in f, for its modulus.
        x: where the method stands.
        pieces: the others.
    """

    model: Model
    smooth: Smooth
    squares: QuadraticPart
    x: Vectors
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Proof:
    """What follows from it.

    Attributes:
        residual: by how much the optimality conditions are missed, as a share of what has to agree.
        bound: below this no objective lies; None where nothing bounds x*.
        near: the bound, or where that is higher, one for all x* that are no farther from x than x
            is from zero and a step of steepest descent is long.
    """

    residual: float
    bound: float | None
    near: float


def of_blocks(
    model: Model,
    quadratic: QuadraticPart,
    blocks: tuple[BoundTerm, ...],
    x: Vectors,
    points: Vectors,
    rho: Step,
) -> Evidence:
    """For methods that solve for x: points p_j, σ_j = ρ.

    A quadratic that was split off is smooth all the same: what the others' subgradients leave is
    told at x, and its curvature counts.
    """
    bowls = [block for block in blocks if _is_square(block)]

    def smooth(at: Vectors) -> tuple[float, Vectors]:
        total, sums = 0.0, [torch.zeros_like(v) for v in at]
        for term in (*quadratic.terms, *bowls):
            inside = term.penalty.inside(term.row.forward(at))
            weight, scale = reductions.number(term.penalty.weight), term.penalty.scale
            total += weight * reductions.number(term.function.value(inside))
            slope = weight * term.function.grad(inside)
            slope = slope if scale is None else slope * scale.conj()
            term.row.adjoint_add(slope, sums, in_place=True)
        return total, tuple(sums)

    pieces = tuple(
        _piece((block,), block.row, point, shaped(rho, point))
        for block, point in zip(blocks, points, strict=True)
        if not _is_square(block)
    )
    whole = tuple(block for block in bowls if _is_bowl(block))
    squares = QuadraticPart(quadratic.spaces, (*quadratic.terms, *whole), ())
    return Evidence(model, smooth, squares, x, pieces)


def of_parts(
    parts: Parts, x: Vectors, points: Vectors, sigmas: tuple[Step, ...], steps: tuple[Step, ...]
) -> Evidence:
    """For methods that take gradients: points p_j and σ_j of the blocks, τ_i for each variable.

    σ and τ may be one for each sample.
    """

    # A quadratic whose prox is taken is smooth all the same, and its curvature counts.
    bowls = {
        index: chain[0]
        for index, chain in enumerate(parts.proxes)
        if len(chain) == 1 and _is_bowl(chain[0])
    }

    def smooth(at: Vectors) -> tuple[float, Vectors]:
        value = parts.smooth.value(at)
        slopes = list(parts.smooth(at) if parts.smooth.terms else map(torch.zeros_like, at))
        for index, term in bowls.items():
            value += reductions.number(term.value(at))
            inside = term.penalty.inside(at[index])
            slopes[index] = slopes[index] + term.function.grad(inside) * term.penalty.weight
        return value, tuple(slopes)

    found = [
        _piece((block,), block.row, point, shaped(sigma, point))
        for block, point, sigma in zip(parts.blocks, points, sigmas, strict=True)
    ]
    slopes = smooth(x)[1]
    pulled = parts.pull(tuple(piece.y for piece in found))
    for index, chain in enumerate(parts.proxes):
        if chain and index not in bowls:
            step = shaped(steps[index], x[index])
            ahead = x[index] - (slopes[index] + pulled[index]) * step
            z = parts.prox_of(index, ahead, step)
            found.append(Piece(chain, parts.model.identity_row(index), z, (ahead - z) / step))
    squares = tuple(t for t in parts.smooth.terms if t.function.quadratic() is not None)
    whole = QuadraticPart(parts.model.spaces, (*squares, *bowls.values()), ())
    return Evidence(parts.model, smooth, whole, x, tuple(found))


def _is_square(term: BoundTerm) -> bool:
    return term.penalty.rotation is None and term.function.quadratic() is not None


def _is_bowl(term: BoundTerm) -> bool:
    return term.penalty.scale is None and _is_square(term)


def _piece(terms: tuple[BoundTerm, ...], row: Row, point: torch.Tensor, sigma: Step) -> Piece:
    z = terms[0].penalty.prox(point, 1.0 / sigma)
    return Piece(terms, row, z, (point - z) * sigma)


@torch.no_grad()
def prove(evidence: Evidence, answer: Vectors) -> Proof | None:
    """What it proves, the optimality conditions judged at the answer; None if it is not convex."""
    model, pieces = evidence.model, evidence.pieces
    if not model.convex:
        return None
    value, rest, _ = _stationarity(evidence, evidence.x)
    value += reductions.number(model.constant)
    for piece in pieces:
        apart = piece.row.forward(evidence.x) - piece.z
        value += float(reductions.inner(piece.y, apart)) + piece.value()
    residual = _residual(evidence, answer)
    if not math.isfinite(value):
        # A set was missed by more than rounding: what was found there is no point of its function.
        return Proof(residual, None, -math.inf)
    length = joint_norm(rest)
    modulus = modulus_of(evidence.squares)
    bounds = []
    if modulus > 0.0:
        bounds.append(value - length**2 / (2.0 * modulus))
    corner = _least_over_boxes(evidence, rest)
    if corner is not None:
        bounds.append(value + corner)
    bound = max(bounds, default=None)
    radius = joint_norm(evidence.x) + _descent(evidence, rest, length)
    near = value - length * radius
    # A barely curved f bounds x*, but so loosely that the bound says little.
    return Proof(residual, bound, near if bound is None else max(bound, near))


def _descent(evidence: Evidence, rest: list[torch.Tensor], length: float) -> float:
    """How long a step of steepest descent along s is, 0 where f is flat."""
    ahead = tuple(x + s for x, s in zip(evidence.x, rest, strict=True))
    here, there = evidence.smooth(evidence.x)[1], evidence.smooth(ahead)[1]
    pairs = zip(there, here, rest, strict=True)
    bend = sum(float(reductions.inner(late - early, s)) for late, early, s in pairs)
    # Where f is flat rounding bends it.
    epsilon = 64.0 * torch.finfo(rest[0].dtype).eps
    hidden = epsilon * max(joint_norm(here), joint_norm(there)) * length
    return length**3 / bend if bend > hidden else 0.0


def _stationarity(evidence: Evidence, x: Vectors) -> tuple[float, list[torch.Tensor], float]:
    """f(x), s = ∇f(x) + Σ_j K_jᴴ y_j, and the length of the longest summand."""
    value, slope = evidence.smooth(x)
    rest, scale = [g.clone() for g in slope], joint_norm(slope)
    for piece in evidence.pieces:
        pulled = [torch.zeros_like(v) for v in x]
        piece.row.adjoint_add(piece.y, pulled, in_place=True)
        scale = max(scale, joint_norm(pulled))
        rest = [a + b for a, b in zip(rest, pulled, strict=True)]
    return value, rest, scale


def _residual(evidence: Evidence, answer: Vectors) -> float:
    _, rest, scale = _stationarity(evidence, answer)
    shares = [joint_norm(rest) / scale if scale > 0.0 else 0.0]
    for piece in evidence.pieces:
        image = piece.row.forward(answer)
        size = max(reductions.norm(image), reductions.norm(piece.z))
        shares.append(reductions.norm(image - piece.z) / size if size > 0.0 else 0.0)
    return max(shares)


def _least_over_boxes(evidence: Evidence, rest: list[torch.Tensor]) -> float | None:
    """min Re⟨s, x* − x⟩ over the box that bounds every variable, None where one is not bounded."""
    total = 0.0
    for index, (slope, x) in enumerate(zip(rest, evidence.x, strict=True)):
        bounds = next(
            (
                term.function.bounds
                for piece in evidence.pieces
                for term in piece.terms
                if term.function.bounds is not None
                and term.penalty.is_plain
                and piece.row.is_identity
                and piece.row.entries[0][0] == index
            ),
            None,
        )
        if bounds is None:
            return None
        lower, upper = (torch.as_tensor(end, dtype=x.dtype).to(x.device) for end in bounds)
        corner = torch.where(slope > 0, lower, upper)
        least = reductions.number(((corner - x) * slope).double().sum())
        if not math.isfinite(least):
            return None
        total += least
    return total


def modulus_of(part: QuadraticPart) -> float:
    """A lower bound of the least eigenvalue of q's Hessian, 0 where none is known."""
    least = []
    rounding = 100.0 * torch.finfo(part.spaces[0].precision).eps
    for index in range(len(part.spaces)):
        grams = [
            (Gram(term.row.entries[0][1], metric), 2.0 * reductions.number(term.penalty.weight))
            for term, metric in part.curved
            if len(term.row.entries) == 1 and term.row.entries[0][0] == index
        ]
        bounds = [0.0]
        for forms in (
            [(gram.diagonal(), weight) for gram, weight in grams],
            [(gram.spectrum(), weight) for gram, weight in grams],
        ):
            known = [form.detach() * weight for form, weight in forms if form is not None]
            if known:
                total = sum(known[1:], known[0])
                least_value, largest = float(total.min()), float(total.max())
                # What rounding may have made of zero curves nothing.
                bounds.append(least_value if least_value > rounding * largest else 0.0)
        least.append(max(bounds))
    return min(least, default=0.0)
