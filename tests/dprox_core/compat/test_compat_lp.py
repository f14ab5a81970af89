"""Linear programs under the published names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import dprox_core
import dprox_core.compat as dp
from dprox_core.compat import contrib
from dprox_core.compat.algo.lp import LPConvergenceLoss


def test_the_energy_model_is_its_own_program() -> None:
    c, a_ub, a_eq, b_ub, b_eq = contrib.load_simple_cep_model(4)
    assert a_ub.shape == (b_ub.size, c.size)
    assert a_eq.shape == (b_eq.size, c.size)
    solver, program = dp.LPSolverADMM(), dp.LPProblem(c, a_ub, b_ub, a_eq, b_eq)
    found, history, last = solver.solve(program)
    *given, lower, upper = program.unpack()
    assert [p is q for p, q in zip(given, (c, a_ub, b_ub, a_eq, b_eq), strict=True)] == [True] * 5
    assert set(lower.flatten()) == {0.0}
    assert set(upper.flatten()) == {np.inf}
    assert program.problem_scale == (b_ub.size + b_eq.size + c.size, c.size)
    assert found.result.status.name == "OPTIMAL"
    assert found.shape == (c.size, 1)
    assert last[0] == pytest.approx(float(c @ found.numpy()[:, 0]), rel=1e-6)
    assert len(history["r_norm"]) == len(history["objval"]) > 0
    assert np.all(a_ub @ found.numpy()[:, 0] <= b_ub + 1e-3)
    other = dp.LPSolverADMM().solve(dp.LPProblem(c, a_ub, b_ub, a_eq, b_eq), rho=100.0)[0].result
    assert other.objective == pytest.approx(found.result.objective, rel=1e-5)
    assert other.history.rows[0].rho == 100 * found.result.history.rows[0].rho
    nothing = dp.LPProblem([1.0], [[1.0]], [-1.0])
    assert solver.solve(nothing)[0].result.status.name == "INFEASIBLE"


def test_the_parameters_of_linear_programs_are_learned() -> None:
    c, a_ub, a_eq, b_ub, b_eq = contrib.load_simple_cep_model(4)
    program = dp.LPProblem(c, a_ub, b_ub, a_eq, b_eq)
    exact = dp.LPSolverADMM().solve(program)[0]
    given = {"rho": 2.0, "sigma": 0.3, "alpha": 1.5}
    solver, loss_of = dp.LPSolverADMM(**given), LPConvergenceLoss()
    assert {name for name, _ in solver.named_parameters()} == set(given)

    def loss(**changed: float) -> Any:
        return loss_of(*dp.LPSolverADMM(**{**given, **changed}).residuals(program, 15)).detach()

    loss_of(*solver.residuals(program, 15)).backward()
    for name, value in given.items():
        slope = (loss(**{name: value + 1e-6}) - loss(**{name: value - 1e-6})) / 2e-6
        assert float(getattr(solver, name).grad) == pytest.approx(float(slope), rel=1e-4)
    # Many steps solve it: they are ADMM's.
    with torch.no_grad():
        last = [float(v) for v in solver.residuals(program, 1000)]
    assert last[0] < last[2]
    assert last[1] < last[3]
    losses = solver.adapt(program, steps=15)
    assert min(losses) < losses[0]
    r, s, *allowed = (v.detach() for v in solver.residuals(program, 20))
    kept = loss_of(max(r, allowed[0]), max(s, allowed[1]), *allowed)
    assert float(kept) == pytest.approx(min(losses), rel=1e-9)
    assert torch.isfinite(loss_of(torch.zeros(()), 1.0, 1e-3, 1e-3))
    found = solver.solve(program)[0].result
    assert found.objective == pytest.approx(exact.result.objective, rel=1e-5)
    assert found.history.rows[0].rho != exact.result.history.rows[0].rho
    for name, value in {"rho": 0.0, "sigma": -1.0, "alpha": 2.0}.items():
        with pytest.raises(dprox_core.ParameterError, match=f"{name} must be above 0"):
            dp.LPSolverADMM(**{name: value})
