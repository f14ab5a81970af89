"""States of complex variables in files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from solver_cases import goes_on_from_a_file, noise

import dprox_core as dp


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("method", ["admm", "admm_vxu", "dr", "ladmm", "pdhg", "pd3o", "fista"])
def test_a_complex_state_goes_on_from_a_file(method: str, dtype: str, tmp_path: Path) -> None:
    x = dp.Variable("x", (2, 1, 5, 3), dtype=dtype)
    b = noise(3, (2, 1, 5, 3), complex=True)
    mask = (noise(4, (5, 3)) > 0).double()
    problem = dp.Problem(dp.csmri(x, mask, mask * b) + 0.1 * dp.norm1(x))
    goes_on_from_a_file(problem, x, method, str(tmp_path / "state"), 12, 32)


def test_a_state_is_no_longer_the_file_that_it_came_from(tmp_path: Path) -> None:
    x = dp.Variable("x", (300,), dtype="float64")
    solver = dp.Problem(dp.sum_squares(x - 1.0) + dp.norm1(x)).compile("admm")
    path = solver.save_state(solver.init(2.0 * torch.ones(300)), tmp_path / "state")
    held = solver.load_state(path)
    path.write_bytes(bytes(path.stat().st_size))
    assert torch.equal(held.x[0], 2.0 * torch.ones(300, dtype=torch.float64))
