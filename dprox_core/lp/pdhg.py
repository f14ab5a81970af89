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

    Args:
        scaled: the program.
        device: where to compute.

    References:
        A. Chambolle, T. Pock, A first-order primal-dual algorithm for convex problems with
        applications to imaging, 2011, algorithm 1.
        D. Applegate et al., Practical large-scale linear programming using primal-dual hybrid
        gradient, 2021.
    """

    check_every = 40

    def __init__(self, scaled: Scaled, device: torch.device) -> None:
        self.operator = self.make_operator(scaled.A, device)
        self.m, self.n = scaled.A.shape
        self.c = torch.from_numpy(scaled.c).to(device)
        self._lower = torch.from_numpy(scaled.lower).to(device)
        self._upper = torch.from_numpy(scaled.upper).to(device)
        self._row_lower = torch.from_numpy(scaled.row_lower).to(device)
        self._row_upper = torch.from_numpy(scaled.row_upper).to(device)
        self.step = _STEP_SAFETY / max(_norm(self.operator, self.n, device), 1e-12)
        self.weight = 1.0
        self._image = torch.zeros(self.n + self.m, dtype=torch.float64, device=device)
        self._work = torch.empty(self.n, dtype=torch.float64, device=device)
        self._row_work = torch.empty(self.m, dtype=torch.float64, device=device)

    def make_operator(self, matrix: sp.csr_array, device: torch.device) -> SparseOperator:
        """The products with the matrix."""
        return SparseOperator(matrix, device)

    def row_sum(self, value: torch.Tensor) -> torch.Tensor:
        """A sum over all rows, of what was summed over this step's rows."""
        return value

    def start(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The state that belongs to a pair of scaled vectors."""
        return torch.cat([x.clamp(self._lower, self._upper), y])

    def reflect(self, z: torch.Tensor, out: torch.Tensor) -> None:
        """Write T(z) into ``image()`` and 2 T(z) − z into ``out``."""
        n, work, row_work = self.n, self._work, self._row_work
        tau, sigma = self.step / self.weight, self.step * self.weight
        x, y, ahead = z[:n], z[n:], out[:n]
        new_x, new_y = self._image[:n], self._image[n:]
        torch.sub(self.c, self.operator.adjoint(y), out=work)
        torch.add(x, work, alpha=-tau, out=work)
        torch.clamp(work, self._lower, self._upper, out=new_x)
        torch.lerp(x, new_x, 2.0, out=ahead)
        self._activity = self.operator.forward(ahead)
        # y⁺ = y − σ (a − P(a − y/σ)) = σ (P(q) − q) with q = a − y/σ.
        torch.add(self._activity, y, alpha=-1 / sigma, out=row_work)
        torch.clamp(row_work, self._row_lower, self._row_upper, out=new_y)
        new_y.sub_(row_work).mul_(sigma)
        torch.lerp(y, new_y, 2.0, out=out[n:])

    def length(self, z: torch.Tensor) -> float:
        """‖T(z) − z‖ in the step's own norm, after ``reflect(z)``."""
        moved = self._image - z
        dx, dy = moved[: self.n], moved[self.n :]
        cross = dy @ (self._activity - self.operator.forward(self._image[: self.n]))
        rows = self.row_sum((dy @ dy) / (self.weight * self.step) - 2 * cross)
        return float(((dx @ dx) * self.weight / self.step + rows).clamp(min=0).sqrt())

    def image(self) -> torch.Tensor:
        """T(z) of the last ``reflect``."""
        return self._image

    def candidate(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The scaled x and y that T(z) stands for."""
        return self._image[: self.n], self._image[self.n :]

    def movement(self, start: torch.Tensor, end: torch.Tensor) -> tuple[float, float]:
        """How far the primal and the dual part moved."""
        moved = end - start
        dx, dy = moved[: self.n], moved[self.n :]
        primal, dual = torch.stack([dx @ dx, self.row_sum(dy @ dy)]).sqrt().tolist()
        return primal, dual

    def reweigh(self, z: torch.Tensor, weight: float) -> None:
        """Change the primal weight; the state means the same under every weight."""
        self.weight = weight

    def rays(self, moved: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The primal and the dual direction in a difference of states."""
        return moved[: self.n], moved[self.n :]


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
