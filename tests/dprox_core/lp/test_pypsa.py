"""Models of PyPSA and linopy, where the extra ``energy`` is installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dprox_core as dp
from dprox_core.lp import assign_linopy, from_linopy, read_lp, solve_lp, solve_network


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypsa", None)
    (tmp_path / "grid.nc").write_bytes(b"")
    with pytest.raises(dp.ParameterError, match=r"pip install dprox-studio\[energy\]"):
        read_lp(tmp_path / "grid.nc")


def _model(sense: str = "max", limit: float = 12.0) -> Any:
    linopy = pytest.importorskip("linopy", reason='the extra "energy" is not installed')
    xarray = pytest.importorskip("xarray")
    model = linopy.Model()
    items = xarray.DataArray([3.0, 2.0, 4.0], coords={"item": [0, 1, 2]}, name="value")
    x = model.add_variables(0, 5, coords=items.coords, name="x", mask=items > 2.5)
    y = model.add_variables(-1, 3, name="y")
    model.add_constraints(x.sum() + 2 * y <= limit, name="room")
    model.add_constraints(x.sel(item=0) - y >= 1, name="apart")
    model.add_constraints(x.sel(item=2) + y == 4, name="same")
    model.add_objective((items * x).sum() + y, sense=sense)
    return model


@pytest.mark.parametrize("sense", ["max", "min"])
def test_a_linopy_model_gets_its_solution_back(sense: str) -> None:
    model, other = _model(sense), _model(sense)
    result = from_linopy(model).solve(tol=1e-8)
    assert assign_linopy(model, result) == ("ok", "optimal")
    other.solve(solver_name="highs", output_flag=False)
    assert model.objective.value == pytest.approx(other.objective.value, rel=1e-6)
    for name in ("x", "y"):
        found, best = (held.variables[name].solution.values for held in (model, other))
        np.testing.assert_allclose(found, best, atol=1e-5)
    assert np.isnan(model.variables["x"].solution.values).tolist() == [False, True, False]
    for name in ("room", "apart", "same"):
        found, best = (held.constraints[name].dual.values for held in (model, other))
        np.testing.assert_allclose(found, best, atol=1e-5)


def test_an_infeasible_linopy_model_is_called_so() -> None:
    model = _model(limit=-50.0)
    result = from_linopy(model).solve()
    assert result.status is dp.Status.INFEASIBLE
    assert assign_linopy(model, result) == ("warning", "infeasible")


def test_what_is_no_linear_program_is_refused() -> None:
    model = _model()
    model.add_objective(model.variables["y"] * model.variables["y"], overwrite=True, sense="min")
    with pytest.raises(dp.DataError, match="quadratic"):
        from_linopy(model)


def _network() -> Any:
    pypsa = pytest.importorskip("pypsa", reason='the extra "energy" is not installed')
    network = pypsa.Network()
    network.set_snapshots(range(12))
    hours = np.arange(12)
    network.add("Bus", ["north", "south"])
    network.add("Load", "town", bus="south", p_set=80 + 20 * np.sin(hours / 2))
    network.add(
        "Generator",
        "wind",
        bus="north",
        p_nom_extendable=True,
        capital_cost=60.0,
        p_max_pu=0.5 + 0.5 * np.cos(hours),
    )
    network.add("Generator", "gas", bus="south", p_nom=200.0, marginal_cost=70.0)
    network.add("Link", "line", bus0="north", bus1="south", p_nom=90.0, efficiency=0.97, p_min_pu=0)
    network.add("Store", "cave", bus="north", e_nom=60.0, e_cyclic=True)
    return network


def test_a_network_gets_its_result_frames_filled(tmp_path: Path) -> None:
    network, other = _network(), _network()
    network.export_to_netcdf(tmp_path / "grid.nc")
    result = solve_network(network, tol=1e-7)
    assert result.converged
    other.optimize(solver_name="highs", log_to_console=False)
    assert network.objective == pytest.approx(other.objective, rel=1e-5)
    wind = network.generators.p_nom_opt["wind"]
    assert wind == pytest.approx(other.generators.p_nom_opt["wind"], rel=1e-3)
    # The optimum is not unique hour by hour: what must hold is the balance, and the sums.
    supply = network.generators_t.p["gas"] - network.links_t.p1["line"]
    np.testing.assert_allclose(supply, network.loads_t.p["town"], atol=1e-3)
    assert network.generators_t.p["gas"].sum() == pytest.approx(
        other.generators_t.p["gas"].sum(), rel=1e-3
    )
    assert (network.stores_t.e["cave"].between(-1e-3, 60 + 1e-3)).all()
    np.testing.assert_allclose(
        network.buses_t.marginal_price["south"].max(),
        other.buses_t.marginal_price["south"].max(),
        rtol=1e-3,
    )
    read = read_lp(tmp_path / "grid.nc")
    assert solve_lp(read, tol=1e-6).objective == pytest.approx(result.objective, rel=1e-4)
