"""Views of an energy system's optimum: dispatch, capacity, storage, prices; and of a solve."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dprox_core.errors import DataError
from dprox_core.lp.charts import bars, lines, save_chart, stacked
from dprox_core.lp.energy import EnergySystem
from dprox_core.lp.language import LinearResult
from dprox_core.lp.outcome import LPResult

__all__ = [
    "plot_capacity",
    "plot_convergence",
    "plot_dispatch",
    "plot_prices",
    "plot_storage",
    "plot_values",
]

Array = NDArray[np.float64]
# Up to so many variables each has a bar and a name.
_BARS = 40
_SOURCES = {
    "wind_dispatch": "wind",
    "solar_dispatch": "solar",
    "gas_dispatch": "gas",
    "discharge": "battery",
    "lost": "lost load",
}


def plot_dispatch(path: str | os.PathLike[str], result: LPResult) -> Path:
    """What generates and stores in each hour, stacked, all places together, and the demand.

    Args:
        path: of the picture, ending in .png; the numbers are written beside it as .csv.
        result: of an energy system.

    Returns:
        The path of the picture.

    Raises:
        DataError: the result is of no energy system, or has no optimum.

    Example:
        >>> import dprox_core as dp, tempfile, pathlib
        >>> result = dp.capacity_expansion(hours=48).solve(tol=1e-3)
        >>> folder = tempfile.TemporaryDirectory()
        >>> dp.plot_dispatch(pathlib.Path(folder.name) / "dispatch.png", result).name
        'dispatch.png'
    """
    system = _system(result, "plot_dispatch")
    areas = {name: _sum(system, result.x, key) for key, name in _SOURCES.items()}
    areas["charging"] = -_sum(system, result.x, "charge")
    shown = {name: values for name, values in areas.items() if np.abs(values).max() > 1e-6}
    demand = ("demand", system.demand.sum(0))
    return save_chart(path, stacked("Dispatch", "MW", "hour", shown or areas, demand))


def plot_capacity(path: str | os.PathLike[str], result: LPResult) -> Path:
    """What is built at each place: wind, solar and gas power, battery power and energy.

    Args:
        path: of the picture, ending in .png; the numbers are written beside it as .csv.
        result: of an energy system.

    Returns:
        The path of the picture.

    Raises:
        DataError: the result is of no energy system, or has no optimum.

    Example:
        >>> import dprox_core as dp, tempfile, pathlib
        >>> result = dp.capacity_expansion(hours=48, nodes=2).solve(tol=1e-3)
        >>> folder = tempfile.TemporaryDirectory()
        >>> dp.plot_capacity(pathlib.Path(folder.name) / "capacity.png", result).name
        'capacity.png'
    """
    system = _system(result, "plot_capacity")
    names = {
        "wind": "wind, MW",
        "solar": "solar, MW",
        "gas": "gas, MW",
        "power": "battery, MW",
        "store": "battery, MWh",
    }
    series = {name: result.x[system.columns[key]] for key, name in names.items()}
    places = [f"place {i + 1}" for i in range(system.nodes)]
    return save_chart(path, bars("Installed capacity", "", places, series))


def plot_storage(path: str | os.PathLike[str], result: LPResult) -> Path:
    """What the battery of each place holds in each hour.

    Args:
        path: of the picture, ending in .png; the numbers are written beside it as .csv.
        result: of an energy system.

    Returns:
        The path of the picture.

    Raises:
        DataError: the result is of no energy system, or has no optimum.

    Example:
        >>> import dprox_core as dp, tempfile, pathlib
        >>> result = dp.capacity_expansion(hours=48).solve(tol=1e-3)
        >>> folder = tempfile.TemporaryDirectory()
        >>> dp.plot_storage(pathlib.Path(folder.name) / "storage.png", result).name
        'storage.png'
    """
    system = _system(result, "plot_storage")
    levels = _by_place(system, result.x[system.columns["level"]])
    hours = np.arange(system.hours, dtype=float)
    return save_chart(path, lines("State of charge", "MWh", "hour", hours, levels))


def plot_prices(path: str | os.PathLike[str], result: LPResult) -> Path:
    """What one more megawatt hour would cost at each place and hour: the duals of the balances.

    Args:
        path: of the picture, ending in .png; the numbers are written beside it as .csv.
        result: of an energy system.

    Returns:
        The path of the picture.

    Raises:
        DataError: the result is of no energy system, or has no optimum.

    Example:
        >>> import dprox_core as dp, tempfile, pathlib
        >>> result = dp.capacity_expansion(hours=48).solve(tol=1e-3)
        >>> folder = tempfile.TemporaryDirectory()
        >>> dp.plot_prices(pathlib.Path(folder.name) / "prices.png", result).name
        'prices.png'
    """
    system = _system(result, "plot_prices")
    prices = _by_place(system, result.y[system.rows["balance"]])
    hours = np.arange(system.hours, dtype=float)
    return save_chart(path, lines("Price", "euro per MWh", "hour", hours, prices))


def plot_values(path: str | os.PathLike[str], result: LPResult | LinearResult) -> Path:
    """How large each variable of a linear program is at its optimum.

    Args:
        path: of the picture, ending in .png; the numbers are written beside it as .csv.
        result: of any linear program.

    Returns:
        The path of the picture: bars, or a line where there are many variables.

    Raises:
        DataError: there is no optimum.

    Example:
        >>> import dprox_core as dp, tempfile, pathlib
        >>> result = dp.LinearProgram(c=[1.0, 2.0], A=[[1.0, 1.0]], row_lower=3.0).solve()
        >>> folder = tempfile.TemporaryDirectory()
        >>> dp.plot_values(pathlib.Path(folder.name) / "values.png", result).name
        'values.png'
    """
    held = _program_result(result)
    if not np.isfinite(held.x).all():
        raise DataError(
            f"plot_values: there is no optimum to show. {held.message}",
            got=held.status.value,
            where="result",
        )
    if held.x.size > _BARS:
        places = np.arange(held.x.size, dtype=float)
        return save_chart(path, lines("Values", "", "variable", places, {"value": held.x}))
    names = held.program.column_names
    if isinstance(result, LinearResult):
        names = tuple(
            f"{name} {i + 1}" for name, v in result.values.items() for i in range(v.numel())
        )
    labels = names or tuple(f"x{i + 1}" for i in range(held.x.size))
    return save_chart(path, bars("Values", "", labels, {"value": held.x}))


def plot_convergence(path: str | os.PathLike[str], result: LPResult | LinearResult) -> Path:
    """How residuals and gap of a linear program fell, on a logarithmic scale.

    Args:
        path: of the picture, ending in .png; the numbers are written beside it as .csv.
        result: of any linear program.

    Returns:
        The path of the picture.

    Raises:
        DataError: presolve decided the program, so that nothing was iterated.

    Example:
        >>> import dprox_core as dp, tempfile, pathlib
        >>> result = dp.capacity_expansion(hours=48).solve(tol=1e-3)
        >>> folder = tempfile.TemporaryDirectory()
        >>> dp.plot_convergence(pathlib.Path(folder.name) / "convergence.png", result).name
        'convergence.png'
    """
    held = _program_result(result)
    rows = list(held.history)
    if not rows:
        raise DataError(
            "plot_convergence: presolve decided this program, so that there are no iterations to "
            "show.",
            where="result",
        )
    curves = {
        "primal residual": np.array([row.primal_residual for row in rows]),
        "dual residual": np.array([row.dual_residual for row in rows]),
        "gap": np.array(held.gaps),
    }
    curves = {name: np.maximum(values, 1e-16) for name, values in curves.items()}
    iterations = np.array([float(row.iteration) for row in rows])
    return save_chart(path, lines("Convergence", "relative", "iteration", iterations, curves, True))


def _program_result(result: LPResult | LinearResult) -> LPResult:
    """What was found for the program that a problem was written as."""
    if isinstance(result, LinearResult):
        assert result.lp is not None
        return result.lp
    return result


def _system(found: LPResult | LinearResult, name: str) -> EnergySystem:
    result = _program_result(found)
    system = result.system
    if not isinstance(system, EnergySystem):
        raise DataError(
            f"{name} shows the optimum of an energy system, not that of {result.program!r}: solve "
            "what capacity_expansion made.",
            expected="a result of capacity_expansion(…).solve()",
            where="result",
        )
    if not np.isfinite(result.x).all() or not np.isfinite(result.y).all():
        raise DataError(
            f"{name}: there is no optimum to show. {result.message}",
            got=result.status.value,
            where="result",
        )
    return system


def _sum(system: EnergySystem, x: Array, name: str) -> Array:
    return np.asarray(x[system.columns[name]].sum(0))


def _by_place(system: EnergySystem, values: Array) -> dict[str, Array]:
    return {f"place {i + 1}": values[i] for i in range(system.nodes)}
