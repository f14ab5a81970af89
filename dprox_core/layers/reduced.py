"""ADMM's fixed point as a linear system on the face of its kinks.

At a fixed point v_j of ADMM (``algorithms.admm``) with the prox's derivative D_j there, E = 1 − D
and H the Hessian of the quadratics, both Newton's step and the derivative's way back solve

    H q + Σ_j K_jᴴ ρ t_j = a,   E_j K_j q − D_j t_j = e_j

(the optimality conditions, linearized; for semismooth Newton methods L. Qi, J. Sun, A Nonsmooth
Version of Newton's Method, 1993). Where D = 0, K q is given; elsewhere t = D⁻¹ (E K q − e). So q
is a point with that K q plus one of the face, where conjugate gradients solve a system that is
symmetric, positive, and free of the kinks: those are what makes the map of ADMM slow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from dprox_core.algorithms.admm import Admm, AdmmState
from dprox_core.algorithms.per_sample import shaped
from dprox_core.layers.faces import Face, face_of
from dprox_core.layers.slopes import Slopes, real_view, slopes_of
from dprox_core.layers.stiffness import factored
from dprox_core.linsolve.base import QuadraticPart
from dprox_core.linsolve.cg import conjugate_gradients
from dprox_core.linsolve.direct import direct_kind, gram_of
from dprox_core.linsolve.product import product
from dprox_core.numerics import fourier
from dprox_core.proxfns.base import Step

__all__ = ["Reduced", "newton", "reduced"]

Vectors = tuple[torch.Tensor, ...]

# The most steps of conjugate gradients.
_STEPS = 2000
# Products for the diagonal of what bends; what share of the middle entry is zero.
_PROBES, _LOOSE = 16, 1e-12
# So many times conjugate gradients start anew.
_AGAIN = 3


class Reduced:
    """The system at one point.

    Args:
        algorithm: ADMM.
        rho: ρ.
        slopes: D_j.
        face: what they let move.
    """

    def __init__(self, algorithm: Admm, rho: Step, slopes: tuple[Slopes, ...], face: Face) -> None:
        self._algorithm = algorithm
        self._rho = rho
        self.slopes = slopes
        self._face = face
        self.hessian = hessian_of(algorithm)
        self.products = 0
        # What does not bend takes no products.
        self._bent = [bool(s.bend.matrices.any()) for s in slopes]
        self._inverses = torch.ones_like(face.coordinates(self._zeros()))
        self._precondition = self._preconditioner()

    @torch.no_grad()
    def solve(
        self, a: Vectors, e: Vectors, tolerance: float, limit: int = _STEPS
    ) -> tuple[Vectors, Vectors]:
        """q and t, to a tolerance relative to right-hand sides, within so many products each."""
        start = self._meeting(e, tolerance, limit)
        pulled = self.pulled([s.inverse(y) for s, y in zip(self.slopes, e, strict=True)])
        right = _sum(a, pulled, 1.0)
        q = self._along(start, right, tolerance, limit)
        face = self._face
        missed = _sum(right, self._curved(q), -1.0)
        missed = _sum(missed, face.point(face.coordinates(missed)), -1.0)
        forces = self._forces(missed, tolerance, limit)
        parts = zip(self.slopes, self.images(q), e, forces, self._rhos(e), strict=True)
        return q, tuple(
            s.bend(image) - s.inverse(y) + force / rho for s, image, y, force, rho in parts
        )

    def _along(self, start: Vectors, right: Vectors, tolerance: float, limit: int) -> Vectors:
        """The point of the face through a start where forces are in balance.

        Stiff terms make right-hand sides huge, beside which the smooth part would not count: so
        conjugate gradients go on until the rest is small beside that.
        """
        face, q = self._face, start
        for _ in range(_AGAIN):
            rest = self._held(face.coordinates(_sum(right, self._curved(q), -1.0)))
            smooth = self._held(face.coordinates(self.hessian(q)))
            if q is not start and not float(rest.norm()) > tolerance * float(smooth.norm()):
                break
            (step,) = conjugate_gradients(
                self._on_face,
                (rest,),
                (torch.zeros_like(rest),),
                tolerance,
                0.0,
                limit,
                self._precondition,
            )
            q = _sum(q, face.point(step), 1.0)
        return q

    def _on_face(self, x: Vectors) -> Vectors:
        self.products += 1
        return (self._held(self._face.coordinates(self._curved(self._face.point(x[0])))),)

    def _held(self, coordinates: torch.Tensor) -> torch.Tensor:
        return torch.where(self._inverses > 0.0, coordinates, 0.0)

    def _preconditioner(self) -> Callable[[Vectors], Vectors]:
        """About the inverse of the system on the face; also notes what nothing holds."""
        quadratic, bent = self._energies()
        found = quadratic + bent
        # What nothing holds stays where it is.
        some = found[found > 0.0]
        held = found > (_LOOSE * some.median() if len(some) else 0.0)
        self._inverses = torch.where(held, 1.0 / torch.where(held, found, 1.0), 0.0)
        bends = [
            (block.row, s.bend, shaped(self._rho, block.row.range.zeros()))
            for block, s, bends in zip(self._algorithm.blocks, self.slopes, self._bent, strict=True)
            if bends
        ]
        rest = torch.where(held, quadratic, 1.0)
        # A little of each: what is bent but not held otherwise is not regular.
        rest = rest + _LOOSE * found
        sparse = factored(bends, rest, self._face, self._algorithm.model.spaces)
        if sparse is None:
            return lambda r: (r[0] * self._inverses,)
        return lambda r: (self._held(sparse(r[0])),)

    def _energies(self) -> tuple[torch.Tensor, torch.Tensor]:
        """About the diagonal of the system on the face: of H, and of what bends.

        From products with random signs: of H the mean over components of like size, all of a size
        together (M. F. Hutchinson, A Stochastic Estimator of the Trace of the Influence Matrix,
        1990); of what bends, which is local but varies, each (C. Bekas, E. Kokiopoulou, Y. Saad,
        An Estimator for the Diagonal of a Matrix, 2007).
        """
        face, sizes = self._face, self._face.sizes
        generator = torch.Generator().manual_seed(0)
        found = torch.zeros_like(face.coordinates(self._zeros()))
        bent = torch.zeros_like(found)

        def signs() -> torch.Tensor:
            return torch.randint(0, 2, sizes.shape, generator=generator).to(found) * 2 - 1

        like = sizes.double().log2().round()
        for size in like.unique():
            probe = torch.where(like == size, signs(), 0.0)
            energy = float(probe @ face.coordinates(self.hessian(face.point(probe))))
            found[like == size] = energy / float(probe.square().sum())
        for _ in range(_PROBES if any(self._bent) else 0):
            probe = signs()
            image = face.coordinates(self._bend(face.point(probe), list(self._zeros())))
            bent.add_(probe * image, alpha=1.0 / _PROBES)
        return found, bent.clamp_min(0.0)

    def _meeting(self, e: Vectors, tolerance: float, limit: int) -> Vectors:
        """A q with K_j q = e_j where that is given, the smallest."""
        wanted = [_masked(y, s.hard) for y, s in zip(e, self.slopes, strict=True)]
        right = self._adjoint(wanted)
        zeros = tuple(torch.zeros_like(x) for x in right)
        return conjugate_gradients(self._stiff, right, zeros, tolerance, 0.0, limit)

    def _forces(self, right: Vectors, tolerance: float, limit: int) -> list[torch.Tensor]:
        """The smallest y, zero where D is not, with Σ_j K_jᴴ y_j = right."""
        zeros = tuple(torch.zeros_like(x) for x in right)
        found = conjugate_gradients(self._stiff, right, zeros, tolerance, 0.0, limit)
        return [_masked(y, s.hard) for y, s in zip(self.images(found), self.slopes, strict=True)]

    def _stiff(self, x: Vectors) -> Vectors:
        """Σ_j K_jᴴ K_j x over the rows where D = 0."""
        self.products += 1
        images = self.images(x)
        return self._adjoint([_masked(y, s.hard) for y, s in zip(images, self.slopes, strict=True)])

    def _curved(self, x: Vectors) -> Vectors:
        """(H + Σ_j K_jᴴ ρ D_j⁻¹ E_j K_j) x over the rows where D ≠ 0."""
        return self._bend(x, list(self.hessian(x)))

    def _bend(self, x: Vectors, found: list[torch.Tensor]) -> Vectors:
        """Adds what bends to a sum."""
        for index in (i for i, bends in enumerate(self._bent) if bends):
            row = self._algorithm.blocks[index].row
            bent = self.slopes[index].bend(row.forward(x))
            row.adjoint_add(bent * shaped(self._rho, bent), found, in_place=True)
        return tuple(found)

    def _zeros(self) -> Vectors:
        return tuple(space.zeros() for space in self._algorithm.model.spaces)

    def pulled(self, values: list[torch.Tensor]) -> Vectors:
        """Σ_j K_jᴴ ρ y_j."""
        return self._adjoint([y * rho for y, rho in zip(values, self._rhos(values), strict=True)])

    def _rhos(self, values: Vectors | list[torch.Tensor]) -> list[Step]:
        return [shaped(self._rho, y) for y in values]

    def images(self, x: Vectors) -> list[torch.Tensor]:
        return [block.row.forward(x) for block in self._algorithm.blocks]

    def _adjoint(self, values: list[torch.Tensor]) -> Vectors:
        return adjoint(self._algorithm, values)


def reduced(algorithm: Admm, v: Vectors, rho: Step) -> Reduced | None:
    """The system at a point; None where its terms do not allow for one.

    Args:
        algorithm: ADMM.
        v: where the proxes are taken.
        rho: ρ.
    """
    blocks = algorithm.blocks
    if not blocks or not all(b.function.convex and b.function.has_value for b in blocks):
        return None
    found = []
    for block, point in zip(blocks, v, strict=True):
        slopes = slopes_of(block.penalty, point, shaped(1.0 / rho, point))
        if slopes is None:
            return None
        found.append(slopes)
    with torch.no_grad():
        face = face_of([b.row for b in blocks], [s.hard for s in found], algorithm.model.spaces)
        return None if face is None else Reduced(algorithm, rho, tuple(found), face)


def newton(
    algorithm: Admm, state: AdmmState, tolerance: float, limit: int
) -> tuple[AdmmState, int] | None:
    """The fixed point, were the prox what its derivative says, and how many products it took.

    Args:
        algorithm: ADMM.
        state: where it stands; stays as it is.
        tolerance: that of the linear systems.
        limit: the most products for each of them.

    Returns:
        None where there is no such system.
    """
    system = reduced(algorithm, state.v, state.rho)
    if system is None:
        return None
    with torch.no_grad():
        images = [block.row.forward(state.x) for block in algorithm.blocks]
        apart = tuple(z - y for z, y in zip(state.z, images, strict=True))
        pushed = system.pulled(list(state.u))
        slope = [
            (0.0 if c is None else c) - h - p
            for c, h, p in zip(
                algorithm.quadratic.constant(), system.hessian(state.x), pushed, strict=True
            )
        ]
        given = tuple(s.rest(r) for s, r in zip(system.slopes, apart, strict=True))
        q, t = system.solve(tuple(slope), given, tolerance, limit)
        moved = [block.row.forward(q) for block in algorithm.blocks]
        v = tuple(
            old + dual + image - r
            for old, dual, image, r in zip(state.v, t, moved, apart, strict=True)
        )
        u = tuple(
            block.penalty.dual_prox(point, shaped(1.0 / state.rho, point))
            for block, point in zip(algorithm.blocks, v, strict=True)
        )
        moved_on = replace(state, x=_sum(state.x, q, 1.0), v=v, u=u)
        return moved_on, system.products


def hessian_of(algorithm: Admm) -> Callable[[Vectors], Vectors]:
    """x ↦ H x for the quadratics, in new memory."""
    part = replace(algorithm.quadratic, couplings=())
    squares = tuple((t.row, 2.0 * t.penalty.weight, metric) for t, metric in part.curved)
    spectra = _spectra(part)
    if spectra is None:
        return lambda x: product(x, squares, (), 0.0)
    sizes = [space.shape[-2:] for space in part.spaces]

    def multiplied(x: Vectors) -> Vectors:
        return tuple(
            fourier.inverse(
                fourier.multiply(fourier.forward(v, v.is_complex()), spectrum),
                (size[0], size[1]),
                v.is_complex(),
            )
            for v, spectrum, size in zip(x, spectra, sizes, strict=True)
        )

    return multiplied


def _spectra(part: QuadraticPart) -> list[torch.Tensor] | None:
    """H in frequency, where it is diagonal there for every variable."""
    found = []
    for index, space in enumerate(part.spaces):
        grams = part.grams_of(index) if part.is_separable else []
        if not grams or direct_kind(grams) != "fourier":
            return None
        spectrum, _ = gram_of(part, index, "fourier")
        if spectrum is None:
            return None
        found.append(spectrum.detach().to(space.device, space.precision))
    return found


def adjoint(algorithm: Admm, values: list[torch.Tensor]) -> Vectors:
    """Σ_j K_jᴴ y_j."""
    sums = [space.zeros() for space in algorithm.model.spaces]
    for block, y in zip(algorithm.blocks, values, strict=True):
        block.row.adjoint_add(y, sums, in_place=True)
    return tuple(sums)


def _masked(y: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    found = torch.where(mask, real_view(y), 0.0)
    return torch.view_as_complex(found) if y.is_complex() else found


def _sum(a: Vectors, b: Vectors, factor: float) -> Vectors:
    return tuple(torch.add(p, q, alpha=factor) for p, q in zip(a, b, strict=True))
