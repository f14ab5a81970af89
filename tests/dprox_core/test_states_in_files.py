"""States of complex variables in files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from solver_cases import goes_on_from_a_file, noise

import dprox_core as dp
from dprox_core.algorithms.evidence import Evidence
from dprox_core.search import Search


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


@pytest.mark.parametrize("method", ["pgd", "ladmm", "pd3o", "fista"])
def test_a_solve_that_creeps_goes_on_from_a_file(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Gradients look for lower points at 100, 150, 225 iterations and whenever they seem to be done.
    looks: list[int] = []
    finds = Search.finds

    def counted(search: Search, evidence: Evidence, iteration: int, allowed: list[float]) -> bool:
        looks.append(iteration)
        return finds(search, evidence, iteration, allowed)

    monkeypatch.setattr(Search, "finds", counted)
    basis, _ = torch.linalg.qr(noise(5, (30, 30)))
    matrix = basis * torch.logspace(0.0, -3.0, 30, dtype=torch.float64)
    x = dp.Variable("x", (30,), dtype="float64")
    misfit = dp.sum_squares(matrix @ x - matrix @ torch.ones(30, dtype=torch.float64))
    solver = dp.Problem(misfit + 1e-7 * dp.norm1(x)).compile(method)
    through = solver.solve(max_iter=300)
    at_once, looks = looks, []
    half = solver.solve(max_iter=120)
    path = solver.save_state(half.state, tmp_path / "state")
    rest = solver.solve(state=solver.load_state(path), max_iter=180)
    assert looks == at_once
    assert at_once
    assert half.iterations + rest.iterations == through.iterations
    torch.testing.assert_close(rest[x], through[x], rtol=0.0, atol=0.0)
