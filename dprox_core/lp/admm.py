"""One step of the alternating direction method of multipliers for a scaled linear program."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from scipy.sparse.linalg import splu

from dprox_core.errors import DeviceError
from dprox_core.lp.operators import SparseOperator
from dprox_core.lp.scaling import Scaled

__all__ = ["AdmmStep", "factorize"]


def factorize(matrix: sp.csr_array, regularization: float = 1.0) -> object:
    """Sparse triangular factors of [[I, Aᵀ], [A, −δI]], which is quasi-definite.

    Eliminating either block by hand would fill up where a column or a row is long; the minimum
    degree order of the whole system finds which to eliminate first, entry by entry.

    Args:
        matrix: A, ``(m, n)``.
        regularization: δ, above 0.

    Returns:
        The factors; ``.solve(b)`` with ``b`` of shape ``(n + m,)``.

    References:
        R. Vanderbei, Symmetric quasidefinite matrices, 1995.
    """
    m, n = matrix.shape
    identity = sp.eye_array(n, format="csc")
    corner = sp.eye_array(m, format="csc") * -regularization
    system = sp.block_array([[identity, matrix.T], [matrix, corner]], format="csc")
    return splu(
        system,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )


class AdmmStep:
    """s = (s_x, s_v) ↦ T(s) = s + p − u, with u = P(s) and p = prox of cᵀx on the graph v = A x.

    It is ADMM for the splitting of limits from costs and rows, written as Douglas and Rachford's
    iteration on one state, firmly nonexpansive in the Euclidean norm. s = (x, A x) − (z, y)/ρ at
    a solution. With x̃ = ρ x the system that p solves does not depend on the penalty ρ, so it is
    factorized once.

    Args:
        scaled: the program.
        device: only "cpu": the factors live there.

    Raises:
        DeviceError: for another device.

    References:
        S. Boyd et al., Distributed Optimization and Statistical Learning via the Alternating
        Direction Method of Multipliers, 2011, section 5.2.
        J. Eckstein, D. Bertsekas, On the Douglas-Rachford splitting method, 1992.
    """

    check_every = 10

    def __init__(self, scaled: Scaled, device: torch.device) -> None:
        if device.type != "cpu":
            raise DeviceError(
                'The method "admm" keeps sparse factors, which live on the CPU: choose method '
                f'"pdhg" for {device}, or device "cpu".',
                expected="cpu",
                got=str(device),
                where="device",
            )
        self.operator = SparseOperator(scaled.A, device)
        self.m, self.n = scaled.A.shape
        self.weight = 1.0
        self._lower = np.concatenate([scaled.lower, scaled.row_lower])
        self._upper = np.concatenate([scaled.upper, scaled.row_upper])
        self._c = scaled.c
        self._solve = factorize(scaled.A).solve  # type: ignore[attr-defined]
        size = self.n + self.m
        self._image = torch.zeros(size, dtype=torch.float64)
        self._moved = np.zeros(size)

    def start(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The state that belongs to a pair of scaled vectors."""
        u = np.clip(torch.cat([x, self.operator.forward(x)]).numpy(), self._lower, self._upper)
        z = self._c - self.operator.adjoint(y).numpy()
        # Only what a bound supports can be told by the state.
        supported = np.concatenate([z, y.numpy()])
        return torch.from_numpy(u - supported / self.weight)

    def reflect(self, z: torch.Tensor, out: torch.Tensor) -> None:
        """Keep T(s) and write 2 T(s) − s into ``out``."""
        s = z.numpy()
        u = np.clip(s, self._lower, self._upper)
        right = 2.0 * u
        right -= s
        right *= self.weight
        right[: self.n] -= self._c
        solved = self._solve(right)
        n = self.n
        # Rows: A x − μ/ρ = r_v, so that v = r_v + μ/ρ.
        solved[n:] += right[n:]
        solved /= self.weight
        moved = np.subtract(solved, u, out=self._moved)
        np.add(s, moved, out=self._image.numpy())
        np.add(self._image.numpy(), moved, out=out.numpy())

    def length(self, z: torch.Tensor) -> float:
        """‖T(s) − s‖ after ``reflect(s)``."""
        return float(np.linalg.norm(self._moved)) * self.weight**0.5

    def image(self) -> torch.Tensor:
        """T(s) of the last ``reflect``."""
        return self._image

    def candidate(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The scaled x and y that T(s) stands for: both meet their limits exactly."""
        primal, dual = self._split(self._image.numpy())
        return torch.from_numpy(primal[: self.n]), torch.from_numpy(dual[self.n :])

    def movement(self, start: torch.Tensor, end: torch.Tensor) -> tuple[float, float]:
        """How far the primal and the dual part moved."""
        first, second = self._split(start.numpy()), self._split(end.numpy())
        primal, dual = (float(np.linalg.norm(b - a)) for a, b in zip(first, second, strict=True))
        return primal, dual

    def reweigh(self, z: torch.Tensor, weight: float) -> None:
        """Change ρ and the state with it, so that both parts stay what they are."""
        primal, dual = self._split(z.numpy())
        self.weight = weight
        np.subtract(primal, dual / weight, out=z.numpy())

    def rays(self, moved: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The primal and the dual direction in a displacement: its parts by Moreau's theorem."""
        d = moved.numpy()
        low = np.where(np.isfinite(self._lower), 0.0, -np.inf)
        high = np.where(np.isfinite(self._upper), 0.0, np.inf)
        primal = np.clip(d, low, high)
        dual = self.weight * (primal - d)
        return torch.from_numpy(primal[: self.n]), torch.from_numpy(dual[self.n :])

    def _split(self, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        primal = np.clip(s, self._lower, self._upper)
        return primal, self.weight * (primal - s)
