"""One step of the primal-dual hybrid gradient method for a scaled linear program."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch

from dprox_core.lp.operators import SparseOperator
from dprox_core.lp.scaling import Scaled

__all__ = ["PdhgStep"]

# The step must keep below 1/‖A‖, and the norm is known from a power iteration only.
_STEP_SAFETY = 0.998


class PdhgStep:
    """z = (x, y) ↦ T(z): x⁺ = P(x − τ(c − Aᵀy)), y⁺ = y − σ(A(2x⁺ − x) − P(…)).

    τ = η/ω and σ = ηω with η just under 1/‖A‖ and the primal weight ω. T is firmly nonexpansive in
    the norm ‖z‖² = ‖x‖²/τ − 2⟨y, A x⟩ + ‖y‖²/σ.

    The state holds x/√τ and y/√σ: in these units both steps are 1, the matrix is ηA under every
    weight, and a step needs no multiplication of a vector by a number.

    Args:
        scaled: the program.
        device: where to compute.
        like: a step with the same matrix, whose products and norm serve here too.

    References:
        A. Chambolle, T. Pock, A first-order primal-dual algorithm for convex problems with
        applications to imaging, 2011, algorithm 1.
        D. Applegate et al., Practical large-scale linear programming using primal-dual hybrid
        gradient, 2021.
    """

    check_every = 40

    def __init__(self, scaled: Scaled, device: torch.device, like: PdhgStep | None = None) -> None:
        self.operator: SparseOperator
        self.operator = self.make_operator(scaled.A, device) if like is None else like.operator
        self.m, self.n = scaled.A.shape
        self._given = [
            torch.from_numpy(part).to(device)
            for part in (
                scaled.c,
                scaled.lower,
                scaled.upper,
                scaled.row_lower,
                scaled.row_upper,
            )
        ]
        if like is None:
            self._step = _STEP_SAFETY / max(_norm(self.operator, self.n, device), 1e-12)
            self.operator.weigh(self._step)
        else:
            self._step = like._step
        self._row_work = torch.empty(self.m, dtype=torch.float64, device=device)
        self._pair = (torch.empty(0), torch.empty(0))
        self._held = [torch.empty_like(part) for part in self._given]
        self._weight = 0.0
        self.weight = 1.0

    @property
    def weight(self) -> float:
        """The primal weight ω."""
        return self._weight

    @weight.setter
    def weight(self, weight: float) -> None:
        self._weight = weight
        # √τ and √σ.
        self._unit, self._dual_unit = (self._step / weight) ** 0.5, (self._step * weight) ** 0.5
        for given, held, factor in zip(
            self._given,
            self._held,
            (self._unit, 1 / self._unit, 1 / self._unit, self._dual_unit, self._dual_unit),
            strict=True,
        ):
            torch.mul(given, factor, out=held)

    def make_operator(self, matrix: sp.csr_array, device: torch.device) -> SparseOperator:
        """The products with the matrix."""
        return SparseOperator(matrix, device)

    def row_sum(self, value: torch.Tensor) -> torch.Tensor:
        """A sum over all rows, of what was summed over this step's rows."""
        return value

    def start(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The state that belongs to a pair of scaled vectors."""
        inside = (x / self._unit).clamp(self._held[1], self._held[2])
        return torch.cat([inside, y / self._dual_unit])

    def reflect(self, z: torch.Tensor, out: torch.Tensor) -> None:
        """Write 2 T(z) − z into ``out``; ``image()`` is T(z) while both stay as they are."""
        n, new_y = self.n, self._row_work
        c, lower, upper, row_lower, row_upper = self._held
        x, y, ahead, ahead_y = z[:n], z[n:], out[:n], out[n:]
        self._pair = (z, out)
        torch.sub(x, c, out=ahead)
        self.operator.add_adjoint(y, ahead)
        torch.clamp(ahead, lower, upper, out=ahead)
        torch.lerp(x, ahead, 2.0, out=ahead)
        # y⁺ = y − σ (a − P(a − y/σ)) = σ (P(q) − q) with q = a − y/σ.
        torch.neg(y, out=ahead_y)
        self.operator.add_forward(ahead, ahead_y)
        torch.clamp(ahead_y, row_lower, row_upper, out=new_y)
        new_y.sub_(ahead_y)
        torch.lerp(y, new_y, 2.0, out=ahead_y)

    def length(self, z: torch.Tensor) -> float:
        """‖T(z) − z‖ in the step's own norm, after ``reflect(z)``."""
        moved = self.image() - z
        dx, dy = moved[: self.n], moved[self.n :]
        image = torch.zeros_like(dy)
        self.operator.add_forward(dx, image)
        rows = self.row_sum(dy @ dy - 2 * (dy @ image))
        return float((dx @ dx + rows).clamp(min=0).sqrt())

    def image(self) -> torch.Tensor:
        """T(z) of the last ``reflect``: halfway between z and its reflection."""
        z, reflected = self._pair
        image = torch.lerp(z, reflected, 0.5)
        # Halves round: x must stay within its bounds exactly.
        torch.clamp(image[: self.n], self._held[1], self._held[2], out=image[: self.n])
        return image

    def candidate(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The scaled x and y that T(z) stands for."""
        return self._split(self.image())

    def movement(self, start: torch.Tensor, end: torch.Tensor) -> tuple[float, float]:
        """How far the primal and the dual part moved."""
        dx, dy = self._split(end - start)
        primal, dual = torch.stack([dx @ dx, self.row_sum(dy @ dy)]).sqrt().tolist()
        return primal, dual

    def reweigh(self, z: torch.Tensor, weight: float) -> None:
        """Change the primal weight, and the state so that it means the same."""
        unit, dual_unit = self._unit, self._dual_unit
        self.weight = weight
        z[: self.n] *= unit / self._unit
        z[self.n :] *= dual_unit / self._dual_unit

    def rays(self, moved: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The primal and the dual direction in a difference of states."""
        return self._split(moved)

    def _split(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return z[: self.n] * self._unit, z[self.n :] * self._dual_unit


def _norm(operator: SparseOperator, n: int, device: torch.device, iterations: int = 60) -> float:
    """‖A‖ by power iteration from a fixed random start, and a little more to be on the safe side.

    A power iteration approaches from below; the last relative change bounds what is missing well
    enough, and the iteration itself notices a step that is too long (its residual grows).
    """
    start = np.random.default_rng(0).standard_normal(n)
    v = torch.from_numpy(start).to(device)
    v = v / torch.linalg.vector_norm(v).clamp(min=1e-300)
    previous = value = 0.0
    for i in range(iterations):
        w = operator.adjoint(operator.forward(v))
        length = torch.linalg.vector_norm(w)
        v = w / length.clamp(min=1e-300)
        if i % 10 == 9:
            previous, value = value, float(length) ** 0.5
            if value - previous <= 1e-4 * value:
                break
    return value * (1 + 2e-3) if value > 0 else 0.0
