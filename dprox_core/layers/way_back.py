"""The linear system of a fixed point's derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from dprox_core.algorithms.admm import Admm, AdmmState
from dprox_core.algorithms.base import Algorithm, State
from dprox_core.algorithms.packing import count_of, numbers_of, parted, with_tensors
from dprox_core.layers.reduced import Reduced, reduced
from dprox_core.layers.settling import Settled
from dprox_core.numerics.gmres import Product, Solved, gmres

__all__ = ["DOUBTFUL", "along_face", "way_back"]

Vectors = tuple[torch.Tensor, ...]
Cotangents = tuple[torch.Tensor | None, ...]
Ahead = Callable[[torch.Tensor], torch.Tensor | None]
Along = Callable[[list[torch.Tensor | None]], dict[int, torch.Tensor] | None]

# The share of its right-hand side to which the system is solved, and the most products; its Krylov
# spaces take so many vectors, and so many bytes.
_TOLERANCE, _PRODUCTS = 1e-9, 1000
_SHORTEST, _LONGEST, _BYTES = 10, 200, 2**22
# So many products show whether the system is easy; if not, it is solved along the face to this
# tolerance, so many times at most.
_EASY, _FACE, _MENDED = 80, 1e-7, 3
# A derivative that is about so uncertain is worth a warning. A distance to the fixed point counts
# so many times over, for kinks that lie between: seen on deconvolutions by total variation.
DOUBTFUL, _KINKS = 1e-3, 30.0


def way_back(
    images: Vectors,
    leaves: Vectors,
    cotangents: Cotangents,
    told: Settled,
    has_tolerances: bool,
    along: Along | None,
) -> Cotangents:
    """(1 − ∂F/∂z)⁻ᵀ of cotangents; notes what it took and warns where it is doubtful.

    Where that is not easy, ``along`` finds the cotangents of tensors that are seen from others'.

    What the step does not look at, such as ADMM's x, has rows of zeros in (∂F/∂z)ᵀ: its cotangent
    stays, adds its share to the others' once, and is left out of the system.
    """
    given = [
        torch.zeros_like(t) if c is None else c.detach()
        for t, c in zip(leaves, cotangents, strict=True)
    ]
    known = [index for index, image in enumerate(images) if image.requires_grad]

    def pulled(
        outputs: Sequence[int], values: Sequence[torch.Tensor], inputs: Sequence[int]
    ) -> list[torch.Tensor | None]:
        pairs = [(images[k], v) for k, v in zip(outputs, values, strict=True) if k in known]
        if not pairs:
            return [None] * len(inputs)
        with torch.enable_grad():
            return list(
                torch.autograd.grad(
                    [image for image, _ in pairs],
                    [leaves[k] for k in inputs],
                    [value for _, value in pairs],
                    retain_graph=True,
                    allow_unused=True,
                )
            )

    every = range(len(leaves))
    seen = pulled(every, given, every)
    used = [k for k in every if seen[k] is not None]
    del seen
    unseen = [k for k in every if k not in used]
    if not used:
        return tuple(given)
    shapes = [leaves[k] for k in used]
    shares = pulled(unseen, [given[k] for k in unseen], used)
    right = torch.cat(
        [
            numbers_of(given[k] if share is None else given[k] + share)
            for k, share in zip(used, shares, strict=True)
        ]
    )
    kept = {k: given[k] for k in unseen}
    del shares, given

    def product(vector: torch.Tensor) -> torch.Tensor:
        back = pulled(used, _parted(vector, shapes), used)
        found = vector.clone()
        for held, part in zip(found.split([count_of(t) for t in shapes]), back, strict=True):
            if part is not None:
                held.sub_(numbers_of(part))
        return found

    def ahead(vector: torch.Tensor) -> torch.Tensor | None:
        """About the solution for a right-hand side."""
        whole: list[torch.Tensor | None] = [None] * len(leaves)
        for k, part in zip(used, _parted(vector, shapes), strict=True):
            whole[k] = part
        kept = None if along is None else along(whole)
        if kept is None:
            return None
        back = pulled(list(kept), list(kept.values()), used)
        parts = [
            numbers_of(torch.zeros_like(t) if b is None else b)
            for b, t in zip(back, shapes, strict=True)
        ]
        return vector + torch.cat(parts)

    found = _solved(product, right, ahead)
    told.products, told.residual = found.products, found.residual
    size = float(found.solution.norm() / right.norm().clamp_min(1e-300))
    missed = found.residual / size if size > 0.0 else 0.0
    moved = _KINKS * told.movement if has_tolerances else 0.0
    told.uncertainty = (missed + moved) / max(found.smallest, 1e-300)
    solved = dict(zip(used, _parted(found.solution, shapes), strict=True))
    return tuple(solved[k] if k in solved else kept[k] for k in every)


def _solved(product: Product, right: torch.Tensor, ahead: Ahead) -> Solved:
    """The solution of the way back's system: by plain products where few do, else along the face.

    What is found along the face is mended by more of the same, and then by plain products.
    """
    tolerance = max(_TOLERANCE, 30.0 * torch.finfo(right.dtype).eps)
    room = _BYTES // (right.element_size() * right.numel())
    compact = right.dtype is torch.float64 and room < _LONGEST
    memory = min(_LONGEST, max(_SHORTEST, room * (1 + compact)))
    found = gmres(product, right, tolerance, _EASY, memory, compact)
    if not found.residual > tolerance:
        return found
    solution, rest, size = found.solution, right - product(found.solution), float(right.norm())
    products, smallest, missed = found.products + 1, found.smallest, found.residual
    for _ in range(_MENDED):
        step = ahead(rest)
        if step is None:
            break
        left = rest - product(step)
        products += 2
        if not float(left.norm()) < 0.5 * missed * size:
            break
        solution, rest = solution.add_(step), left
        missed = float(rest.norm()) / size
        smallest = min(smallest, size / float(solution.norm()))
        if missed * size <= 1e-3 * DOUBTFUL * smallest * float(solution.norm()):
            return Solved(solution, missed, products, smallest)
    more = gmres(product, rest, tolerance / missed, _PRODUCTS - products, memory, compact)
    return Solved(
        solution.add_(more.solution),
        more.residual * missed,
        products + more.products,
        min(smallest, more.smallest),
    )


def along_face(algorithm: Algorithm[Any], state: State, images: Vectors) -> Along | None:
    """The way back along the face of ADMM's kinks; None for other methods.

    With v = (α G + 1 − α) v_old + α (1 − 2 G) u_old and u = E v, G = ρ K M⁻¹ Kᴴ, the cotangents g
    count by h = g_v + E g_u alone: α (D + G − 2 D G) h = c_v + E c_u for a right-hand side c, which
    is E K q − D t = (c_v + E c_u) / α with H q + ρ Kᴴ t = 0 and h = K q − t.
    """
    if not isinstance(algorithm, Admm) or not isinstance(state, AdmmState):
        return None
    after = with_tensors(state, tuple(image.detach() for image in images))
    count, first = len(after.v), len(after.x)
    system: list[Reduced | None] = []

    def along(given: list[torch.Tensor | None]) -> dict[int, torch.Tensor] | None:
        if not system:
            system.append(reduced(algorithm, after.v, state.rho))
        if system[0] is None or any(c is not None for c in given[:first]):
            return None
        e = []
        for j, slopes in enumerate(system[0].slopes):
            direct, through = given[first + j], given[first + count + j]
            zero = torch.zeros_like(after.v[j])
            whole = (zero if direct is None else direct) + (
                zero if through is None else slopes.rest(through)
            )
            e.append(whole / algorithm.relaxation)
        zeros = tuple(torch.zeros_like(v) for v in after.x)
        q, t = system[0].solve(zeros, tuple(e), _FACE)
        return {
            first + j: image - dual
            for j, (image, dual) in enumerate(zip(system[0].images(q), t, strict=True))
        }

    return along


def _parted(vector: torch.Tensor, like: Sequence[torch.Tensor]) -> Vectors:
    """The tensors that a vector holds, shaped as others are."""
    return parted(vector[None], tuple(like), (None,) * len(like))
