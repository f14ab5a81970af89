"""The solver over two processes gives what it gives in one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from programs import random_program

import dprox_core as dp
from dprox_core.lp import LinearProgram, capacity_expansion, certify, solve_lp
from dprox_core.lp.certificate import Limits, measure
from dprox_core.lp.distributed import partition, solve_distributed
from dprox_core.lp.halpern import Check, Verdict, iterate
from dprox_core.lp.pdhg import PdhgStep
from dprox_core.lp.scaling import scale

SCRIPT = """
import sys
import numpy as np
import torch.distributed as dist
from dprox_core.lp import capacity_expansion
from dprox_core.lp import LinearProgram
from dprox_core.lp.distributed import partition, solve_distributed
dist.init_process_group("gloo")
program = capacity_expansion(24, 2).program
few = solve_distributed(program, max_iter=120, presolve=False)
full = solve_distributed(program, tol=1e-4)
mine = partition(program.A, 2)[dist.get_rank()]
part = LinearProgram(
    program.c, program.A[mine], program.row_lower[mine], program.row_upper[mine],
    program.lower, program.upper, c0=program.c0,
)
own = solve_distributed(part, whole=False, max_iter=120)
assert np.abs(own.y - few.y[mine]).max() <= 1e-12 * np.abs(few.y).max()
rough = solve_distributed(program, tol=1e-2, presolve=False)
A = [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, -1.0]]
for presolve in (False, True):
    no = solve_distributed(
        LinearProgram([1.0, 2, 0], A, [2.0, -np.inf, 0], [np.inf, 1.0, 0]), presolve=presolve
    )
    assert no.status.value == "infeasible" and no.objective == np.inf, no
    if no.ray is not None:
        assert no.ray.shape == (3,) and no.ray[0] > 0 > no.ray[1]
    down = solve_distributed(
        LinearProgram([-1.0, 2, 0], [[1.0, 1, 0], [0, 1, -1]], [2.0, 0.5]), presolve=presolve
    )
    assert down.status.value == "unbounded" and down.objective == -np.inf, down
    assert down.x[0] + down.x[1] >= 2 - 1e-4, down.x
np.savez(f"{sys.argv[1]}/{dist.get_rank()}.npz", few=few.x, few_y=few.y, x=full.x, y=full.y,
         own=own.x, rough=rough.objective, status=full.status.value,
         worst=full.certificate.worst, reason=few.reason)
dist.destroy_process_group()
"""


def test_two_processes_are_one_to_rounding(tmp_path: Path) -> None:
    (tmp_path / "plan.py").write_text(SCRIPT)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", str(tmp_path / "plan.py"), str(tmp_path)),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = (np.load(tmp_path / f"{rank}.npz") for rank in (0, 1))
    for name in ("few", "few_y", "x", "y"):
        np.testing.assert_array_equal(first[name], second[name])
    program = capacity_expansion(24, 2).program
    for name, alone in zip(("few", "few_y"), _alone(program, 120), strict=True):
        np.testing.assert_allclose(first[name], alone, atol=1e-9 * np.abs(alone).max())
    np.testing.assert_array_equal(first["own"], first["few"])
    assert str(first["status"]) == "optimal"
    held = certify(program, first["x"], first["y"])
    assert float(first["worst"]) == pytest.approx(held.worst, rel=1e-6)
    # A sum of the length of the variables in each step, and little more for the checks.
    summed = int(str(first["reason"]).split("sum ")[1].split(" bytes")[0])
    assert 8 * program.n <= summed <= 1.1 * 8 * program.n
    full = solve_lp(program, "pdhg", tol=1e-6)
    assert float(first["rough"]) == pytest.approx(full.objective, rel=2e-2)
    assert program.objective(first["x"]) == pytest.approx(full.objective, rel=2e-4)


def _alone(program: LinearProgram, steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The iterate of one process after some steps."""
    scaled, cpu = scale(program), torch.device("cpu")
    step = PdhgStep(scaled, cpu)
    columns, duals = torch.from_numpy(scaled.columns), torch.from_numpy(scaled.duals)
    rows, costs = torch.from_numpy(scaled.rows), torch.from_numpy(scaled.costs)

    last: list[torch.Tensor] = []

    def judge(check: Check) -> Verdict:
        last[:] = [check.x.clone(), check.y.clone()]
        activity = rows * step.operator.forward(check.x)
        adjoint = costs * step.operator.adjoint(check.y)
        limits = Limits(program, cpu)
        held = measure(limits, columns * check.x, duals * check.y, activity, adjoint)
        return Verdict(False, held.dual_relative / held.primal_relative)

    start = torch.zeros(program.n, dtype=torch.float64), torch.zeros(program.m, dtype=torch.float64)
    iterate(step, *start, steps, judge)
    x, y = last
    return (columns * x).numpy(), (duals * y).numpy()


def test_rows_are_shared_out_by_their_entries() -> None:
    program, _ = random_program("plain", 0)
    for parts in (1, 2, 3, 5):
        slices = partition(program.A, parts)
        assert [s.start for s in slices[1:]] == [s.stop for s in slices[:-1]]
        assert (slices[0].start, slices[-1].stop) == (0, program.m)
        assert max(program.A[s].nnz for s in slices) <= program.nnz / parts + program.n
    assert partition(sp.csr_array((0, 3)), 2) == [slice(0, 0), slice(0, 0)]


def test_outside_torchrun_it_says_how_to_start() -> None:
    program, _ = random_program("plain", 0)
    with pytest.raises(dp.ParameterError, match="start them with torchrun"):
        solve_distributed(program)
