"""The published algorithms as classes, stepped by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import dprox_core.compat as dp
from dprox_core.compat.algo.published import SOLVERS
from dprox_core.compat.errors import MissingError

GENERATOR = torch.Generator().manual_seed(3)
B = torch.rand(1, 1, 6, 5, generator=GENERATOR, dtype=torch.float64)
K = torch.tensor([[0.0, 0.1, 0.0], [0.1, 0.6, 0.1], [0.0, 0.1, 0.0]], dtype=torch.float64)


def terms(method: str) -> tuple[list[Any], list[Any]]:
    x = dp.Variable()
    psi = [dp.norm1(dp.grad(x, dim=0)), dp.norm1(dp.grad(x, dim=1))]
    return psi if method != "pgd" else [dp.norm1(x)], [dp.sum_squares(dp.conv(x, K) - B)]


@pytest.mark.parametrize("method", [name for name in SOLVERS if name != "hqs"])
def test_steps_by_hand_reach_what_a_solve_reaches(method: str) -> None:
    psi, omega = terms(method)
    solver = SOLVERS[method](psi, omega)
    state = solver.initialize(B)
    assert sum(len(p) if isinstance(p, list) else 1 for p in state) == solver.state_dim
    state = solver.unpack(solver.pack(solver.iter(state, 0.5, {f: 0.1 for f in psi})))
    state = solver.iters(state, rhos=0.5, lams=[0.2, 0.1], max_iter=80)
    # In proximal gradient descent ρ is a step, so that λ/ρ is what ρ λ is elsewhere.
    rho = 1 / 0.5 if method == "pgd" else 0.5
    best = dp.compile(omega + psi).solve(x0=B, rhos=rho, lams=0.1, max_iter=600)
    assert torch.allclose(state[0], best, atol=3e-3)


def test_half_quadratic_splitting_minimizes_its_penalty_problem() -> None:
    """½‖Kx − b‖² + ½ρ‖x − z‖² + ρ λ ‖z‖₁: x solves its system, z is its prox."""
    x = dp.Variable()
    solver = dp.HQS([dp.norm1(x)], [dp.sum_squares(2 * x - B)])
    found, (z,) = solver.iters(solver.initialize(B), 0.5, 0.1, 60)
    assert torch.allclose(4.5 * found, 2 * B + 0.5 * z)
    assert torch.allclose(z, (found - 0.1).clamp_min(0.0), atol=1e-8)


def test_compile_gives_the_class_of_the_method() -> None:
    psi, omega = terms("admm")
    for method, kind in SOLVERS.items():
        solver = dp.compile(psi + omega, method=method)
        assert type(solver) is kind
        assert [f is g for f, g in zip(solver.functions, psi + omega, strict=True)] == [True] * 3
        assert (solver.psi_fns, solver.omega_fns) == (psi, omega)
    with pytest.raises(MissingError, match="no published iteration"):
        dp.compile(psi + omega, method="fista").initialize(B)


def test_a_class_of_ones_own_changes_the_iteration() -> None:
    class Twice(dp.ADMM):
        def _iter(self, state: Any, rho: Any, lam: Any) -> Any:
            return super()._iter(super()._iter(state, rho, lam), rho, lam)

    seen: list[int] = []
    options: dict[str, Any] = {"x0": B, "rhos": 1.0, "lams": 0.1}
    psi, omega = terms("admm")
    found, state = Twice(psi, omega).solve(
        **options, max_iter=5, callback=lambda iter, **_: seen.append(iter), return_full_states=True
    )
    plain = dp.ADMM(psi, omega)
    assert torch.allclose(found, plain.iters(plain.initialize(B), 1.0, 0.1, 10)[0])
    assert seen == [0, 1, 2, 3, 4]
    assert len(state[1]) == len(state[2]) == 2


def test_defaults_are_the_published_ones() -> None:
    psi, omega = terms("admm")
    _, rhos, lams, count = dp.ADMM(psi, omega).defaults(B)
    assert count == len(rhos) == 24
    assert set(rhos.tolist()) == {1.0}
    assert list(lams) == psi
    assert set(lams[psi[0]].tolist()) == {0.02}
