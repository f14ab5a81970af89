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
from dataclasses import dataclass

import torch

from dprox_core.algorithms.base import joint_norm
from dprox_core.algorithms.parts import Parts
from dprox_core.algorithms.per_sample import shaped
from dprox_core.algorithms.standing import Standing, inners, lengths
from dprox_core.compiler.model import BoundTerm, Model, Row
from dprox_core.linsolve.base import QuadraticPart
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = ["Evidence", "Piece", "Proof", "of_blocks", "of_parts", "prove"]

Vectors = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Piece:
    """One h_j with a point z_j and a subgradient y_j of it there.

    Attributes:
        terms: what h_j is the sum of.
        row: K_j.
        z: z_j.
        point: p_j.
        sigma: σ_j.
    """

    terms: tuple[BoundTerm, ...]
    row: Row
    z: torch.Tensor
    point: torch.Tensor
    sigma: Step

    @property
    def y(self) -> torch.Tensor:
        """y_j, anew: to keep it would take more memory than all steps do."""
        return torch.sub(self.point, self.z).mul_(self.sigma)

    def value(self) -> float:
        """h_j(z_j); a projection may miss its set by rounding, so that indicators count as met."""
        return sum(
            reductions.number(term.penalty.value(self.z))
            for term in self.terms
            if not term.function.is_indicator
        )


@dataclass
class _Pieces:
    """Σ_j K_jᴴ y_j, how long its summands are, and Σ_j Re⟨y_j, K_j x − z_j⟩ of each sample."""

    pulled: list[torch.Tensor]
    sizes: list[list[float]]
    missed: list[float]


class Evidence:
    """A problem split into a smooth part and pieces, with what a method knows about each.

    What follows is worked out when it is first asked for, and once.

    Args:
        model: the problem.
        here: f where the method stands.
        squares: the quadratic terms in f, for its modulus.
        pieces: the others.
        gradients: whether the method takes steps along gradients of f.
    """

    def __init__(
        self,
        model: Model,
        here: Standing,
        squares: QuadraticPart,
        pieces: tuple[Piece, ...],
        gradients: bool = False,
    ) -> None:
        self.model = model
        self.x = here.x
        self.here = here
        self.squares = squares
        self.pieces = pieces
        self.gradients = gradients
        self._elsewhere: Standing | None = None
        self._pieces: _Pieces | None = None
        self._bends: list[float] = []

    def at(self, point: Vectors) -> Standing:
        """f elsewhere; what was last asked about is known again by its memory."""
        held = self._elsewhere
        if held is None or not all(map(torch.Tensor.is_set_to, held.x, point)):
            held = self._elsewhere = self.here.at(point)
        return held

    def rest(self, point: Standing, samples: int = 1) -> tuple[list[torch.Tensor], list[float]]:
        """s = ∇f + Σ_j K_jᴴ y_j at a point, and how long its longest summand is, of each sample."""
        held = self._of_pieces(samples)
        found = [slope + pulled for slope, pulled in zip(point.slope, held.pulled, strict=True)]
        sizes = zip(lengths(point.slope, samples), *held.sizes, strict=True)
        return found, [max(own) for own in sizes]

    def missed(self, samples: int = 1) -> list[float]:
        """Σ_j Re⟨y_j, K_j x − z_j⟩ of each sample."""
        return self._of_pieces(samples).missed

    def _of_pieces(self, samples: int) -> _Pieces:
        held = self._pieces
        if held is None or len(held.missed) != samples:
            held = _Pieces([torch.zeros_like(v) for v in self.x], [], [0.0] * samples)
            for piece in self.pieces:
                y, own = piece.y, [torch.zeros_like(v) for v in self.x]
                piece.row.adjoint_add(y, own, in_place=True)
                held.sizes.append(lengths(own, samples))
                for total, more in zip(held.pulled, own, strict=True):
                    total.add_(more)
                del own
                missed = inners(y, piece.row.forward(self.x) - piece.z, samples)
                held.missed = [a + b for a, b in zip(held.missed, missed, strict=True)]
            self._pieces = held
        return held

    def bends(self, samples: int = 1) -> list[float]:
        """Re⟨∇f(x + s) − ∇f(x), s⟩ of each sample, 0 where f is flat but for rounding."""
        if len(self._bends) != samples:
            rest, _ = self.rest(self.here, samples)
            for s, x in zip(rest, self.x, strict=True):
                s.add_(x)
            there = self.here.at(tuple(rest)).slope
            # Once more, for it takes less time than memory.
            slope, (rest, _) = self.here.slope, self.rest(self.here, samples)
            found = [0.0] * samples
            for late, early, s in zip(there, slope, rest, strict=True):
                more = inners(late - early, s, samples)
                found = [a + b for a, b in zip(found, more, strict=True)]
            epsilon = 64.0 * torch.finfo(rest[0].dtype).eps
            sizes = [lengths(v, samples) for v in (slope, there, rest)]
            hidden = [epsilon * max(a, b) * length for a, b, length in zip(*sizes, strict=True)]
            self._bends = [b if b > h else 0.0 for b, h in zip(found, hidden, strict=True)]
        return self._bends


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

    pieces = tuple(
        _piece((block,), block.row, point, shaped(rho, point))
        for block, point in zip(blocks, points, strict=True)
        if not _is_square(block)
    )
    whole = tuple(block for block in bowls if _is_bowl(block))
    squares = quadratic
    if whole:
        squares = QuadraticPart(quadratic.spaces, (*quadratic.terms, *whole), ())
    return Evidence(model, Standing((*quadratic.terms, *bowls), x), squares, pieces)


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

    here = Standing((*parts.smooth.terms, *bowls.values()), x)
    found = [
        _piece((block,), block.row, point, shaped(sigma, point))
        for block, point, sigma in zip(parts.blocks, points, sigmas, strict=True)
    ]
    slopes = here.slope
    pulled = parts.pull(tuple(piece.y for piece in found))
    for index, chain in enumerate(parts.proxes):
        if chain and index not in bowls:
            step = shaped(steps[index], x[index])
            ahead = x[index] - (slopes[index] + pulled[index]) * step
            z = parts.prox_of(index, ahead, step)
            found.append(Piece(chain, parts.model.identity_row(index), z, ahead, 1.0 / step))
    squares = tuple(t for t in parts.smooth.terms if t.function.quadratic() is not None)
    whole = QuadraticPart(parts.model.spaces, (*squares, *bowls.values()), ())
    return Evidence(parts.model, here, whole, tuple(found), bool(parts.smooth.terms))


def _is_square(term: BoundTerm) -> bool:
    return term.penalty.rotation is None and term.function.quadratic() is not None


def _is_bowl(term: BoundTerm) -> bool:
    return term.penalty.scale is None and _is_square(term)


def _piece(terms: tuple[BoundTerm, ...], row: Row, point: torch.Tensor, sigma: Step) -> Piece:
    z = terms[0].penalty.prox(point, 1.0 / sigma)
    return Piece(terms, row, z, point, sigma)


@torch.no_grad()
def prove(evidence: Evidence, answer: Vectors) -> Proof | None:
    """What it proves, the optimality conditions judged at the answer; None if it is not convex."""
    model, pieces = evidence.model, evidence.pieces
    if not model.convex:
        return None
    (bend,), (rest, _) = evidence.bends(), evidence.rest(evidence.here)
    value = evidence.here.value + reductions.number(model.constant)
    value += evidence.missed()[0] + sum(piece.value() for piece in pieces)
    residual = _residual(evidence, answer)
    if not math.isfinite(value):
        # A set was missed by more than rounding: what was found there is no point of its function.
        return Proof(residual, None, -math.inf)
    length = joint_norm(rest)
    modulus = evidence.squares.modulus
    bounds = []
    if modulus > 0.0:
        bounds.append(value - length**2 / (2.0 * modulus))
    corner = _least_over_boxes(evidence, rest)
    if corner is not None:
        bounds.append(value + corner)
    bound = max(bounds, default=None)
    radius = joint_norm(evidence.x) + (length**3 / bend if bend > 0.0 else 0.0)
    near = value - length * radius
    # A barely curved f bounds x*, but so loosely that the bound says little.
    return Proof(residual, bound, near if bound is None else max(bound, near))


def _residual(evidence: Evidence, answer: Vectors) -> float:
    rest, (scale,) = evidence.rest(evidence.at(answer))
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
        if upper.ndim == 0 and bool(torch.isinf(upper)) and bool(slope.min() <= 0.0):
            # Half-open: most often there is no least value, which takes one look instead of many.
            return None
        corner = torch.where(slope > 0, lower, upper)
        least = float(reductions.inner(corner.sub_(x), slope))
        if not math.isfinite(least):
            return None
        total += least
    return total
