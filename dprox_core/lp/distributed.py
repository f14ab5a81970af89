"""The same solver over several processes: each holds and iterates on some rows of the matrix.

Every process runs the whole iteration on the variables and on its own rows' duals. The one thing
they tell each other is the product Aᵀ y, a sum over rows of the length of the variables, once an
iteration; checks add one more of that length and a few numbers.
"""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from dprox_core.errors import ParameterError
from dprox_core.lp.across import Across
from dprox_core.lp.certificate import Certificate, Limits, measure
from dprox_core.lp.halpern import Check, Verdict, iterate
from dprox_core.lp.model import LinearProgram
from dprox_core.lp.operators import SparseOperator
from dprox_core.lp.outcome import LPResult
from dprox_core.lp.pdhg import PdhgStep
from dprox_core.lp.scaling import Scaled, scale
from dprox_core.result import Status

__all__ = ["partition", "solve_distributed"]

Array = NDArray[np.float64]


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


def solve_distributed(
    program: LinearProgram,
    *,
    whole: bool = True,
    tol: float = 1e-6,
    max_iter: int = 1_000_000,
    device: str | torch.device = "cpu",
) -> LPResult:
    """Solve a linear program by PDHG under ``torchrun``, its rows spread over the processes.

    Iterates are those of one process up to the rounding of sums in another order. A process needs
    some 50 bytes for each entry of its rows and some twenty vectors of the length of the variables.

    Args:
        program: what to solve, the same in all processes; or, with ``whole=False``, this process's
            rows only, with all variables, and the same costs and bounds in all processes.
        whole: whether every process gives the whole program.
        tol: relative tolerance, as for ``solve_lp``.
        max_iter: the most steps.
        device: where each process computes: "cpu" with the gloo backend, "cuda" with NCCL.

    Returns:
        The result: x, z, objective and certificate are the same in all processes; y holds the
        duals of the rows that were given.

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
    across, minimum = Processes(target), program.minimized()
    mine = slice(0, minimum.m)
    if whole:
        mine = partition(minimum.A, dist.get_world_size())[dist.get_rank()]
        minimum = _rows(minimum, mine)
    scaled = scale(minimum, across)
    step = RowStep(scaled, target, across)
    judge = _Judge(minimum, scaled, step, tol, target, across)
    zeros = torch.zeros(minimum.n, dtype=torch.float64, device=target)
    own = torch.zeros(minimum.m, dtype=torch.float64, device=target)
    before = across.summed
    iterations = iterate(step, zeros, own, max_iter, judge)
    bytes_each = (across.summed - before) / max(iterations, 1)
    sign = 1.0 if program.sense == "min" else -1.0
    y, z = judge.y, judge.z
    if whole:
        y = np.zeros(program.m)
        y[mine] = judge.y
        y = across.total(y)
    return LPResult(
        program,
        judge.x,
        sign * y,
        sign * z,
        program.objective(judge.x),
        judge.status,
        judge.certificate,
        iterations,
        time.perf_counter() - begun,
        {"iterate": time.perf_counter() - begun},
        "pdhg",
        f"Rows are spread over {dist.get_world_size()} processes, which sum {bytes_each:.0f} bytes "
        "in an iteration.",
        message=judge.status.sentence,
    )


def _rows(program: LinearProgram, mine: slice) -> LinearProgram:
    return LinearProgram(
        program.c,
        program.A[mine],
        program.row_lower[mine],
        program.row_upper[mine],
        program.lower,
        program.upper,
        c0=program.c0,
    )


class _Judge:
    """Every process measures its rows, and all come to the same verdict on the whole."""

    def __init__(
        self,
        minimum: LinearProgram,
        scaled: Scaled,
        step: RowStep,
        tol: float,
        device: torch.device,
        across: Processes,
    ) -> None:
        self._step, self._tol, self._across = step, tol, across
        self._limits = Limits(minimum, device, across)
        self._factors = [
            torch.from_numpy(part).to(device)
            for part in (scaled.rows, scaled.columns, scaled.duals, scaled.costs)
        ]
        self.status = Status.ITERATION_LIMIT
        self.certificate: Certificate | None = None
        self.x, self.y, self.z = np.zeros(minimum.n), np.zeros(minimum.m), minimum.c

    def __call__(self, check: Check) -> Verdict:
        rows, columns, duals, costs = self._factors
        operator, limits = self._step.operator, self._limits
        x, y = columns * check.x, duals * check.y
        activity, adjoint = rows * operator.forward(check.x), costs * operator.adjoint(check.y)
        certificate = measure(limits, x, y, activity, adjoint, self._across)
        self.x, self.y = x.cpu().numpy(), y.cpu().numpy()
        self.z, self.certificate = (limits.c - adjoint).cpu().numpy(), certificate
        # One process decides, so that none goes on while another stops.
        facts = torch.tensor(
            [
                float(certificate.worst <= self._tol),
                certificate.dual_relative / max(certificate.primal_relative, 1e-300),
            ],
            dtype=torch.float64,
            device=x.device,
        )
        dist.broadcast(facts, 0)
        done, imbalance = facts.tolist()
        if done:
            self.status = Status.OPTIMAL
        return Verdict(bool(done), imbalance)
