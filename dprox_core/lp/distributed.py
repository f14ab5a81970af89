"""The same solver over several processes: each holds and iterates on some rows of the matrix.

Every process runs the whole iteration on the variables and on its own rows' duals. The one thing
they tell each other is the product Aᵀ y, a sum over rows of the length of the variables, once an
iteration; checks add one more of that length and a few numbers.
"""

from __future__ import annotations

import math
import time
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from dprox_core.errors import ParameterError
from dprox_core.lp.certificate import Certificate, certify
from dprox_core.lp.fold import without_costs
from dprox_core.lp.halpern import iterate
from dprox_core.lp.model import LinearProgram
from dprox_core.lp.outcome import LPResult
from dprox_core.lp.presolve import presolve as reduce
from dprox_core.lp.scaling import scale
from dprox_core.lp.shared_rows import Processes, RowJudge, RowStep
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


def solve_distributed(
    program: LinearProgram,
    *,
    whole: bool = True,
    presolve: bool = True,
    tol: float = 1e-6,
    max_iter: int = 1_000_000,
    device: str | torch.device = "cpu",
) -> LPResult:
    """Solve a linear program by PDHG under ``torchrun``, its rows spread over the processes.

    Iterates are those of one process, in the units of the start, up to the rounding of sums in
    another order. A process needs some 50 bytes for each entry of its rows and some twenty vectors
    of the length of the variables.

    Args:
        program: what to solve, the same in all processes; or, with ``whole=False``, this process's
            rows only, with all variables, and the same costs and bounds in all processes.
        whole: whether every process gives the whole program.
        presolve: whether HiGHS reduces a whole program first, in process 0 for all.
        tol: relative tolerance, as for ``solve_lp``.
        max_iter: the most steps.
        device: where each process computes: "cpu" with the gloo backend, "cuda" with NCCL.

    Returns:
        The result: x, z, objective and certificate are the same in all processes; y, and the ray
        of an infeasible program, hold the duals of the rows that were given.

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
    return _Solve(program, whole, tol, max_iter, torch.device(device)).run(presolve)


class _Solve:
    """One solve, as every process goes through it."""

    def __init__(
        self, program: LinearProgram, whole: bool, tol: float, limit: int, device: torch.device
    ) -> None:
        self._begun = time.perf_counter()
        self._program, self._minimum = program, program.minimized()
        self._whole, self._tol, self._limit, self._device = whole, tol, limit, device
        self._across = Processes(device)
        self._steps, self._bytes = 0, 0.0

    def run(self, presolve: bool) -> LPResult:
        minimum = self._minimum
        if self._across.largest(np.array([float(minimum.contradiction() is not None)]))[0]:
            return self._without_point(Status.INFEASIBLE, None)
        x, y = np.zeros(minimum.n), np.zeros(minimum.m)
        if self._whole and presolve:
            held = _Reduced(minimum, self._device)
            if held.verdict == "infeasible":
                return self._without_point(Status.INFEASIBLE, None)
            if held.verdict == "infeasible or unbounded":
                return self._either(minimum, None)
            x_left, y_left = np.zeros(0), np.zeros(0)
            if held.program is not None:
                left = held.program
                judge = self._iterate(left, np.zeros(left.n), np.zeros(left.m))
                if judge.status in (Status.INFEASIBLE, Status.UNBOUNDED):
                    return self._ended(judge, minimum, None)
                x_left, y_left = judge.x, self._gathered(judge, left.m)
            if held.verdict != "unchanged":
                x, y = held.restore(x_left, y_left)
                certificate = certify(minimum, x, y)
                if certificate.meets(self._tol) or self._steps >= self._limit:
                    done = certificate.meets(self._tol)
                    status = Status.OPTIMAL if done else Status.ITERATION_LIMIT
                    return self._made(status, x, y, minimum.c - minimum.A.T @ y, certificate)
        judge = self._iterate(minimum, x, y)
        if judge.status in (Status.INFEASIBLE, Status.UNBOUNDED):
            return self._ended(judge, minimum, judge.ray)
        y = self._gathered(judge, minimum.m)
        return self._made(judge.status, judge.x, y, judge.z, judge.certificate)

    def _iterate(self, minimum: LinearProgram, x: Array, y: Array) -> RowJudge:
        mine = slice(0, minimum.m)
        if self._whole:
            mine = partition(minimum.A, dist.get_world_size())[dist.get_rank()]
            minimum = _rows(minimum, mine)
        scaled = scale(minimum, self._across)
        step = RowStep(scaled, self._device, self._across)
        judge = RowJudge(minimum, scaled, step, self._tol, self._device, self._across, mine)
        start = torch.from_numpy(x / scaled.columns).to(self._device)
        own = torch.from_numpy(y[mine] / scaled.duals).to(self._device)
        size_x, size_y = self._lengths(start, own)
        weight = size_y / size_x if min(size_x, size_y) > 0 else 1.0
        before = self._across.summed
        done = iterate(step, start, own, max(self._limit - self._steps, 1), judge, weight=weight)
        self._bytes = (self._across.summed - before) / max(done, 1)
        self._steps += done
        return judge

    def _lengths(self, x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
        rows = self._across.total((y @ y).reshape(1).cpu().numpy())[0]
        return float(torch.linalg.vector_norm(x)), float(rows) ** 0.5

    def _gathered(self, judge: RowJudge, m: int) -> Array:
        if not self._whole:
            return judge.y
        y = np.zeros(m)
        y[judge.mine] = judge.y
        return self._across.total(y)

    def _ended(self, judge: RowJudge, minimum: LinearProgram, ray: Array | None) -> LPResult:
        """Infeasible, or a direction of endless descent is known; ``ray`` in original units."""
        if judge.status is Status.UNBOUNDED:
            return self._either(minimum, ray)
        if ray is not None and self._whole:
            full = np.zeros(minimum.m)
            full[judge.mine] = ray
            ray = self._across.total(full)
        return self._without_point(Status.INFEASIBLE, ray)

    def _either(self, minimum: LinearProgram, ray: Array | None) -> LPResult:
        """A direction of endless descent is known: is there a point to start from?"""
        left = max(self._limit - self._steps, 1)
        rest = _Solve(without_costs(minimum), self._whole, min(self._tol, 1e-6), left, self._device)
        feasible = rest.run(False)
        self._steps += feasible.iterations
        if feasible.status is Status.OPTIMAL:
            return self._without_point(Status.UNBOUNDED, ray, feasible.x)
        return self._without_point(feasible.status, feasible.ray)

    def _without_point(self, status: Status, ray: Array | None, x: Array | None = None) -> LPResult:
        n, m = self._minimum.n, self._minimum.m
        x = np.full(n, np.nan) if x is None else x
        return self._made(status, x, np.full(m, np.nan), np.full(n, np.nan), None, ray)

    def _made(
        self,
        status: Status,
        x: Array,
        y: Array,
        z: Array,
        certificate: Certificate | None,
        ray: Array | None = None,
    ) -> LPResult:
        sign = 1.0 if self._program.sense == "min" else -1.0
        nothing = {Status.INFEASIBLE: math.inf, Status.UNBOUNDED: -math.inf}
        objective = sign * nothing[status] if status in nothing else self._program.objective(x)
        seconds = time.perf_counter() - self._begun
        return LPResult(
            self._program,
            x,
            sign * y,
            sign * z,
            objective,
            status,
            certificate,
            self._steps,
            seconds,
            {"iterate": seconds},
            "pdhg",
            f"Rows are spread over {dist.get_world_size()} processes, which sum "
            f"{self._bytes:.0f} bytes in an iteration.",
            ray,
            message=status.sentence,
        )


class _Reduced:
    """A whole program reduced by process 0, and told to all."""

    def __init__(self, minimum: LinearProgram, device: torch.device) -> None:
        self._device, self._held = device, None
        found: list[object] = [None, None]
        if dist.get_rank() == 0:
            self._held = reduce(minimum)
            found = [self._held.verdict, self._held.program]
        dist.broadcast_object_list(found, 0, device=device)
        self.verdict, left = str(found[0]), found[1]
        self.program = left if isinstance(left, LinearProgram) else None

    def restore(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Variables and duals of the program as it was."""
        found: list[object] = [None]
        if self._held is not None:
            found = [self._held.restore(x, y)]
        dist.broadcast_object_list(found, 0, device=self._device)
        restored = found[0]
        assert isinstance(restored, tuple)
        return restored


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
