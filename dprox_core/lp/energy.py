"""Capacity expansion of an energy system, as a linear program, deterministic from a seed.

What to build and how to run it, hour by hour, so that demand is met at the least yearly cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from dprox_core.errors import ParameterError
from dprox_core.lp.model import LinearProgram
from dprox_core.lp.outcome import LPResult

__all__ = ["EnergySystem", "capacity_expansion", "profiles"]

Array = NDArray[np.float64]

# Euro per MW (MWh for the store) and year: investment times annuity factor plus fixed costs.
_CAPITAL = {"wind": 97_000.0, "solar": 41_000.0, "gas": 48_000.0, "power": 19_000.0}
_CAPITAL_STORE = 14_000.0
_CAPITAL_LINE = 22_000.0
# Euro per MWh.
_RUNNING = {"wind": 0.02, "solar": 0.01, "gas": 71.0}
_LOST_LOAD = 3_000.0
_EFFICIENCY = 0.95
_STANDING = 0.9999
_TONNES_PER_MWH = 0.37


@dataclass(frozen=True)
class EnergySystem:
    """The model with the meaning of its columns and rows.

    Attributes:
        program: the linear program; euros, MW and MWh.
        hours: how many.
        nodes: how many places.
        columns: name of a quantity to its columns: capacities ``(nodes,)``, dispatch
            ``(nodes, hours)``, flows ``(lines, hours)``.
        rows: name of a condition to its rows, of the same shapes; the duals of ``balance`` are the
            prices in euro per MWh.
        demand: in MW, ``(nodes, hours)``.
    """

    program: LinearProgram
    hours: int
    nodes: int
    columns: dict[str, NDArray[np.int64]]
    rows: dict[str, NDArray[np.int64]]
    demand: Array

    def solve(
        self,
        method: str = "auto",
        *,
        tol: float = 1e-6,
        max_iter: int = 1_000_000,
        time_limit: float | None = None,
        presolve: bool = True,
        crossover: bool = False,
        device: str | torch.device = "cpu",
    ) -> LPResult:
        """Find what to build and how to run it, at the least cost; as ``LinearProgram.solve``."""
        from dprox_core.lp.solve import solve_lp

        result = solve_lp(
            self.program,
            method,
            tol=tol,
            max_iter=max_iter,
            time_limit=time_limit,
            presolve=presolve,
            crossover=crossover,
            device=device,
        )
        result.system = self
        return result


def profiles(hours: int, nodes: int = 1, seed: int = 0) -> tuple[Array, Array, Array]:
    """Hourly demand in MW and the availability of wind and sun, each ``(nodes, hours)``.

    Wind is a Weibull variable made from an autoregressive process shared in part by the nodes; the
    sun follows its height over a place at 50° north under random clouds; demand has a daily, a
    weekly and a yearly rhythm.

    Args:
        hours: how many hours from 1 January on, from 1.
        nodes: how many places, from 1.
        seed: of the random numbers.

    Returns:
        Demand, wind and sun.

    Example:
        >>> from dprox_core.lp.energy import profiles
        >>> demand, wind, sun = profiles(24)
        >>> bool(sun[0, 0] == 0 and sun[0, 12] > 0 and 0 <= wind.min() and wind.max() <= 1)
        True
    """
    rng = np.random.default_rng([seed, nodes])
    hour = np.arange(hours)
    day, year = 2 * np.pi * hour / 24, 2 * np.pi * hour / 8760
    common = _smooth_noise(rng, 1, hours, 36.0)
    gauss = 0.7 * common + np.sqrt(1 - 0.49) * _smooth_noise(rng, nodes, hours, 18.0)
    uniform = 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (gauss + 0.044715 * gauss**3)))
    speed = (7.5 + 1.5 * np.cos(year)) * (-np.log(np.clip(1 - uniform, 1e-9, 1))) ** 0.5
    wind = np.clip((speed / 13.0) ** 3, 0, 1) * (speed < 25)
    declination = -0.409 * np.cos(year + 2 * np.pi * 10 / 365)
    height = np.sin(0.873) * np.sin(declination) - np.cos(0.873) * np.cos(declination) * np.cos(day)
    clouds = 1 / (1 + np.exp(-1.2 * _smooth_noise(rng, nodes, hours, 12.0) - 0.5))
    sun = np.clip(height, 0, None) * (0.25 + 0.75 * clouds) * 0.95
    rhythm = 1 - 0.18 * np.cos(day - 0.6) - 0.06 * np.cos(2 * day) + 0.12 * np.cos(year)
    weekend = np.where((hour // 24) % 7 >= 5, 0.86, 1.0)
    size = rng.uniform(400, 1600, (nodes, 1))
    demand = size * rhythm * weekend * (1 + 0.02 * _smooth_noise(rng, nodes, hours, 5.0))
    return demand, wind, sun


def _smooth_noise(rng: np.random.Generator, series: int, hours: int, memory: float) -> Array:
    """Standard normal autoregressive noise that forgets in ``memory`` hours, (series, hours)."""
    from scipy.signal import lfilter

    keep = float(np.exp(-1 / memory))
    shocks = rng.standard_normal((series, hours)) * np.sqrt(1 - keep**2)
    shocks[:, 0] /= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], shocks, axis=1))


def capacity_expansion(
    hours: int = 8760, nodes: int = 1, seed: int = 0, emissions: float | None = 0.15
) -> EnergySystem:
    """Wind, sun, gas and batteries at several nodes of a ring, hour by hour.

    minimize    capital·capacity + running·dispatch + 3000 · lost load
    subject to  generation + discharge − charge + inflow + lost = demand      (node, hour)
                level = 0.9999 · level before + 0.95 · charge − discharge / 0.95, cyclic
                dispatch ≤ availability · capacity, charge, discharge ≤ power, level ≤ store
                −line ≤ flow ≤ line, tonnes of all gas ≤ budget

    Args:
        hours: from 2; capital costs are charged for this part of a year.
        nodes: from 1.
        seed: of demand and weather.
        emissions: the budget in tonnes per MWh of demand; None for no budget.

    Returns:
        The system; ``.program`` is the linear program.

    Raises:
        ParameterError: hours or nodes are too few.

    Example:
        >>> import dprox_core as dp
        >>> system = dp.capacity_expansion(hours=48, nodes=2)
        >>> result = system.solve(tol=1e-4)
        >>> prices = result.y[system.rows["balance"]]
        >>> prices.shape
        (2, 48)

    References:
        T. Brown, J. Hörsch, D. Schlachtberger, PyPSA: Python for Power System Analysis, 2018.
    """
    if hours < 2 or nodes < 1:
        raise ParameterError(
            f"A capacity expansion needs at least 2 hours and 1 node, not {hours} and {nodes}.",
            expected="hours ≥ 2, nodes ≥ 1",
            got=(hours, nodes),
            where="hours" if hours < 2 else "nodes",
        )
    demand, wind, sun = profiles(hours, nodes, seed)
    build = _Builder(hours, nodes)
    share = hours / 8760
    for name, cost in _CAPITAL.items():
        build.column(name, (nodes,), cost * share)
    build.column("store", (nodes,), _CAPITAL_STORE * share)
    for name in ("wind", "solar", "gas"):
        build.column(f"{name}_dispatch", (nodes, hours), _RUNNING[name])
    for name, cost in (("charge", 0.0), ("discharge", 0.05), ("level", 0.0), ("lost", _LOST_LOAD)):
        build.column(name, (nodes, hours), cost)
    lines = 0 if nodes == 1 else (1 if nodes == 2 else nodes)
    if lines:
        build.column("line", (lines,), _CAPITAL_LINE * share)
        build.column("flow", (lines, hours), 0.0, lower=-np.inf)
    columns = build.columns
    balance = build.row("balance", (nodes, hours), demand, demand)
    for name in ("wind_dispatch", "solar_dispatch", "gas_dispatch", "discharge", "lost"):
        build.entries(balance, columns[name], 1.0)
    build.entries(balance, columns["charge"], -1.0)
    if lines:
        start = np.arange(lines)
        build.entries(balance[start], columns["flow"], -1.0)
        build.entries(balance[(start + 1) % nodes], columns["flow"], 1.0)
    storage = build.row("storage", (nodes, hours), 0.0, 0.0)
    build.entries(storage, columns["level"], 1.0)
    build.entries(storage, np.roll(columns["level"], 1, axis=1), -_STANDING)
    build.entries(storage, columns["charge"], -_EFFICIENCY)
    build.entries(storage, columns["discharge"], 1 / _EFFICIENCY)
    limits: list[tuple[str, str, Array | float]] = [
        ("wind_dispatch", "wind", wind),
        ("solar_dispatch", "solar", sun),
        ("gas_dispatch", "gas", 1.0),
        ("charge", "power", 1.0),
        ("discharge", "power", 1.0),
        ("level", "store", 1.0),
    ]
    for name, capacity, available in limits:
        build.limit(f"{name}_limit", columns[name], columns[capacity], 1.0, available)
    if lines:
        build.limit("flow_limit", columns["flow"], columns["line"], 1.0, 1.0)
        build.limit("back_flow_limit", columns["flow"], columns["line"], -1.0, 1.0)
    if emissions is not None:
        budget = build.row("emissions", (1,), -np.inf, emissions * float(demand.sum()))
        build.entries(
            np.broadcast_to(budget, (nodes, hours)), columns["gas_dispatch"], _TONNES_PER_MWH
        )
    return EnergySystem(build.program(), hours, nodes, columns, build.rows, demand)


class _Builder:
    """Collects columns, rows and entries."""

    def __init__(self, hours: int, nodes: int) -> None:
        self.name = f"capacity expansion, {hours} hours, {nodes} nodes"
        self.columns: dict[str, NDArray[np.int64]] = {}
        self.rows: dict[str, NDArray[np.int64]] = {}
        self._cost: list[Array] = []
        self._lower: list[Array] = []
        self._row_lower: list[Array] = []
        self._row_upper: list[Array] = []
        self._entries: list[tuple[NDArray[np.int64], NDArray[np.int64], Array]] = []
        self._n = self._m = 0

    def column(
        self, name: str, shape: tuple[int, ...], cost: float, lower: float = 0.0
    ) -> NDArray[np.int64]:
        size = int(np.prod(shape))
        self.columns[name] = np.arange(self._n, self._n + size).reshape(shape)
        self._n += size
        self._cost.append(np.full(size, cost))
        self._lower.append(np.full(size, lower))
        return self.columns[name]

    def row(
        self, name: str, shape: tuple[int, ...], lower: Array | float, upper: Array | float
    ) -> NDArray[np.int64]:
        size = int(np.prod(shape))
        self.rows[name] = np.arange(self._m, self._m + size).reshape(shape)
        self._m += size
        self._row_lower.append(np.broadcast_to(lower, shape).ravel().astype(float))
        self._row_upper.append(np.broadcast_to(upper, shape).ravel().astype(float))
        return self.rows[name]

    def entries(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64], values: Array | float
    ) -> None:
        rows, columns, filled = np.broadcast_arrays(rows, columns, np.asarray(values, float))
        self._entries.append((rows.ravel(), columns.ravel(), filled.ravel()))

    def limit(
        self,
        name: str,
        quantity: NDArray[np.int64],
        capacity: NDArray[np.int64],
        sign: float,
        available: Array | float,
    ) -> None:
        """sign · quantity − available · capacity ≤ 0, hour by hour."""
        rows = self.row(name, quantity.shape, -np.inf, 0.0)
        self.entries(rows, quantity, sign)
        self.entries(rows, capacity[:, None], -np.asarray(available, float))

    def program(self) -> LinearProgram:
        rows, columns, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        matrix = sp.csr_array((values, (rows, columns)), shape=(self._m, self._n))
        matrix.eliminate_zeros()
        return LinearProgram(
            c=np.concatenate(self._cost),
            A=matrix,
            row_lower=np.concatenate(self._row_lower),
            row_upper=np.concatenate(self._row_upper),
            lower=np.concatenate(self._lower),
            upper=np.full(self._n, np.inf),
            name=self.name,
        )
