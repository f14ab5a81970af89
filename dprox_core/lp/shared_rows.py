"""What a process that holds some rows of a matrix needs: products, a step, a verdict."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from dprox_core.lp.across import Across
from dprox_core.lp.certificate import Certificate, Limits, dual_feasible, measure
from dprox_core.lp.halpern import Check, Verdict
from dprox_core.lp.model import LinearProgram
from dprox_core.lp.operators import SparseOperator
from dprox_core.lp.pdhg import PdhgStep
from dprox_core.lp.rays import (
    RAY_TOLERANCE,
    RAYS_EVERY,
    proves_infeasible,
    proves_unbounded,
    recession,
)
from dprox_core.lp.scaling import Scaled
from dprox_core.result import Status

__all__ = ["Processes", "RowJudge", "RowOperator", "RowStep"]

Array = NDArray[np.float64]
# How a solve may end, by the number that process 0 tells the others.
_ENDS = (Status.ITERATION_LIMIT, Status.OPTIMAL, Status.INFEASIBLE, Status.UNBOUNDED)


class Processes(Across):
    """The processes that share the rows.

    Attributes:
        summed: how many bytes this process has given to sums.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.summed = 0

    def total(self, values: Array) -> Array:
        """The sum over all processes."""
        return self._reduced(values, dist.ReduceOp.SUM)

    def largest(self, values: Array) -> Array:
        """The maximum over all processes."""
        return self._reduced(values, dist.ReduceOp.MAX)

    def sum_(self, value: torch.Tensor) -> torch.Tensor:
        """The sum of a tensor over all processes, in place."""
        self.summed += value.nbytes
        dist.all_reduce(value)
        return value

    def _reduced(self, values: Array, operation: dist.ReduceOp.RedOpType) -> Array:
        tensor = torch.tensor(values, dtype=torch.float64, device=self._device)
        dist.all_reduce(tensor, operation)
        return tensor.cpu().numpy()


class RowOperator(SparseOperator):
    """Some rows of a matrix; the product with its transpose is that of the whole matrix."""

    def __init__(self, matrix: sp.csr_array, device: torch.device, across: Processes) -> None:
        super().__init__(matrix, device)
        self._across = across

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Aᵀ y, summed over the processes."""
        return self._across.sum_(super().adjoint(y))

    def add_adjoint(self, y: torch.Tensor, out: torch.Tensor) -> None:
        """Add what the processes' products come to."""
        own = torch.zeros_like(out)
        super().add_adjoint(y, own)
        out += self._across.sum_(own)


class RowStep(PdhgStep):
    """A PDHG step on some rows: sums over rows are completed by the other processes."""

    def __init__(self, scaled: Scaled, device: torch.device, across: Processes) -> None:
        self._across = across
        super().__init__(scaled, device)

    def make_operator(self, matrix: sp.csr_array, device: torch.device) -> SparseOperator:
        """Products of which the transposed one is summed over the processes."""
        return RowOperator(matrix, device, self._across)

    def row_sum(self, value: torch.Tensor) -> torch.Tensor:
        """A sum over rows, over all processes."""
        return self._across.sum_(value)


class RowJudge:
    """Every process measures its rows, and all come to the same verdict on the whole."""

    def __init__(
        self,
        minimum: LinearProgram,
        scaled: Scaled,
        step: RowStep,
        tol: float,
        device: torch.device,
        across: Processes,
        mine: slice,
    ) -> None:
        self._step, self._tol, self._across, self.mine = step, tol, across, mine
        self._limits = Limits(minimum, device, across)
        self._factors = [
            torch.from_numpy(part).to(device)
            for part in (scaled.rows, scaled.columns, scaled.duals, scaled.costs)
        ]
        self._checks = 0
        self.status = Status.ITERATION_LIMIT
        self.certificate: Certificate | None = None
        self.x, self.y, self.z = np.zeros(minimum.n), np.zeros(minimum.m), minimum.c
        self.ray: Array | None = None

    def __call__(self, check: Check) -> Verdict:
        rows, columns, duals, costs = self._factors
        operator, limits = self._step.operator, self._limits
        x, y = columns * check.x, duals * check.y
        activity, adjoint = rows * operator.forward(check.x), costs * operator.adjoint(check.y)
        certificate = measure(limits, x, y, activity, adjoint, self._across)
        self.x, self.y = x.cpu().numpy(), y.cpu().numpy()
        self.z, self.certificate = (limits.c - adjoint).cpu().numpy(), certificate
        self._checks += 1
        found = Status.OPTIMAL if certificate.worst <= self._tol else Status.ITERATION_LIMIT
        if found is Status.ITERATION_LIMIT and self._checks % RAYS_EVERY == 0:
            found = self._proved(check)
        # One process decides, so that none goes on while another stops.
        facts = torch.tensor(
            [
                float(_ENDS.index(found)),
                certificate.imbalance,
            ],
            dtype=torch.float64,
            device=x.device,
        )
        dist.broadcast(facts, 0)
        end, imbalance = facts.tolist()
        self.status = _ENDS[int(end)]
        return Verdict(self.status is not Status.ITERATION_LIMIT, imbalance)

    def _proved(self, check: Check) -> Status:
        """What the direction in which the iterates move proves."""
        rows, columns, duals, costs = self._factors
        limits, operator, across = self._limits, self._step.operator, self._across
        direction, dual = check.rays()
        y = dual_feasible(limits, dual * duals)
        adjoint = costs * operator.adjoint(y / duals)
        if proves_infeasible(limits, y, adjoint, columns, RAY_TOLERANCE, across):
            self.ray = y.cpu().numpy()
            return Status.INFEASIBLE
        x = recession(limits, direction * columns)
        activity = rows * operator.forward(x / columns)
        if proves_unbounded(limits, x, activity, duals, RAY_TOLERANCE, across):
            self.ray = x.cpu().numpy()
            return Status.UNBOUNDED
        return Status.ITERATION_LIMIT
