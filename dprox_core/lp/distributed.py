"""The same solver over several processes: each iterates on some rows of the matrix.

Every process runs the whole iteration on the variables and on its own rows' duals. The one thing
they tell each other is the product Aᵀ y, a sum over rows of the length of the variables, once an
iteration; checks add two short sums.
"""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
import torch
import torch.distributed as dist

from dprox_core.errors import ParameterError
from dprox_core.lp.certificate import certify
from dprox_core.lp.halpern import Check, Verdict, iterate
from dprox_core.lp.model import LinearProgram
from dprox_core.lp.operators import SparseOperator
from dprox_core.lp.outcome import LPResult
from dprox_core.lp.pdhg import PdhgStep
from dprox_core.lp.scaling import Scaled, scale
from dprox_core.result import Status

__all__ = ["partition", "solve_distributed"]


def partition(matrix: sp.csr_array, parts: int) -> list[slice]:
    """Consecutive rows for each process, of about the same number of entries.

    Args:
        matrix: ``(m, n)``.
        parts: how many processes.

    Example:
        >>> import scipy.sparse as sp
        >>> partition(sp.eye_array(10, format="csr"), 2)
        [slice(0, 5, None), slice(5, 10, None)]
    """
    goals = matrix.nnz * np.arange(1, parts) / parts
    cuts = [0, *np.searchsorted(matrix.indptr, goals).tolist(), matrix.shape[0]]
    return [slice(int(a), int(b)) for a, b in pairwise(cuts)]


class RowOperator(SparseOperator):
    """Some rows of a matrix; the product with its transpose is that of the whole matrix."""

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Aᵀ y, summed over the processes."""
        return total(super().adjoint(y))

    def add_adjoint(self, y: torch.Tensor, out: torch.Tensor) -> None:
        """Add what the processes' products come to."""
        own = torch.zeros_like(out)
        super().add_adjoint(y, own)
        out += total(own)


class RowStep(PdhgStep):
    """A PDHG step on some rows: sums over rows are completed by the other processes."""

    def __init__(self, scaled: Scaled, mine: slice, device: torch.device) -> None:
        own = Scaled(
            scaled.A[mine],
            scaled.c,
            scaled.row_lower[mine],
            scaled.row_upper[mine],
            scaled.lower,
            scaled.upper,
            scaled.rows[mine],
            scaled.columns,
            scaled.duals[mine],
            scaled.costs,
        )
        super().__init__(own, device)

    def make_operator(self, matrix: sp.csr_array, device: torch.device) -> SparseOperator:
        """Products of which the transposed one is summed over the processes."""
        return RowOperator(matrix, device)

    def row_sum(self, value: torch.Tensor) -> torch.Tensor:
        """A sum over rows, over all processes."""
        return total(value)


def total(value: torch.Tensor) -> torch.Tensor:
    """The sum of a tensor over all processes, in place."""
    dist.all_reduce(value)
    return value


def solve_distributed(
    program: LinearProgram,
    *,
    tol: float = 1e-6,
    max_iter: int = 1_000_000,
    device: str | torch.device = "cpu",
) -> LPResult:
    """Solve a linear program by PDHG under ``torchrun``, its rows spread over the processes.

    Every process calls it with the same program and gets the same result. Iterates are those of
    one process up to the rounding of sums in another order.

    Args:
        program: what to solve; the same in all processes.
        tol: relative tolerance, as for ``solve_lp``.
        max_iter: the most steps.
        device: where each process computes: "cpu" with the gloo backend, "cuda" with NCCL.

    Returns:
        The result, the same in all processes.

    Raises:
        ParameterError: ``torch.distributed.init_process_group`` was not called.

    Example:
        ``torchrun --nproc-per-node 2 plan.py`` with a script that calls
        ``torch.distributed.init_process_group("gloo")`` and then this function.

    References:
        H. Lu, Z. Peng, J. Yang, cuPDLPx: A Further Enhanced GPU-Based First-Order Solver for
        Linear Programming, 2025.
    """
    if not dist.is_initialized():
        raise ParameterError(
            "solve_distributed runs in several processes: start them with torchrun, and call "
            'torch.distributed.init_process_group("gloo") first.',
            where="solve_distributed",
        )
    begun, target = time.perf_counter(), torch.device(device)
    minimum = program.minimized()
    scaled = scale(minimum)
    slices = partition(minimum.A, dist.get_world_size())
    step = RowStep(scaled, slices[dist.get_rank()], target)
    judge = _Judge(minimum, scaled, slices, step, tol, target)
    zeros = torch.zeros(minimum.n, dtype=torch.float64, device=target)
    own = torch.zeros(step.m, dtype=torch.float64, device=target)
    iterations = iterate(step, zeros, own, max_iter, judge)
    sign = 1.0 if program.sense == "min" else -1.0
    return LPResult(
        program,
        judge.x,
        sign * judge.y,
        sign * (minimum.c - minimum.A.T @ judge.y),
        program.objective(judge.x),
        judge.status,
        certify(minimum, judge.x, judge.y),
        iterations,
        time.perf_counter() - begun,
        {"iterate": time.perf_counter() - begun},
        "pdhg",
        f"Rows are spread over {dist.get_world_size()} processes.",
        message=judge.status.sentence,
    )


class _Judge:
    """Gathers the duals and judges the whole: every process comes to the same verdict."""

    def __init__(
        self,
        minimum: LinearProgram,
        scaled: Scaled,
        slices: list[slice],
        step: RowStep,
        tol: float,
        device: torch.device,
    ) -> None:
        self._minimum, self._scaled = minimum, scaled
        self._slices, self._tol, self._device = slices, tol, device
        self.status = Status.ITERATION_LIMIT
        self.x, self.y = np.zeros(minimum.n), np.zeros(minimum.m)

    def __call__(self, check: Check) -> Verdict:
        duals = torch.zeros(self._minimum.m, dtype=torch.float64, device=self._device)
        duals[self._slices[dist.get_rank()]] = check.y
        total(duals)
        self.x = check.x.cpu().numpy() * self._scaled.columns
        self.y = duals.cpu().numpy() * self._scaled.duals
        certificate = certify(self._minimum, self.x, self.y)
        # One process decides, so that none goes on while another stops.
        facts = torch.tensor(
            [
                float(certificate.worst <= self._tol),
                certificate.dual_relative / max(certificate.primal_relative, 1e-300),
            ],
            dtype=torch.float64,
            device=self._device,
        )
        dist.broadcast(facts, 0)
        done, imbalance = facts.tolist()
        if done:
            self.status = Status.OPTIMAL
        return Verdict(bool(done), imbalance)
