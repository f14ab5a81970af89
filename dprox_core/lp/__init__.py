"""Linear programs at scale: first-order solvers, certificates, models."""

from dprox_core.lp.certificate import Certificate, certify
from dprox_core.lp.energy import EnergySystem, capacity_expansion
from dprox_core.lp.model import LinearProgram
from dprox_core.lp.networks import assign_linopy, from_linopy, solve_network
from dprox_core.lp.outcome import LPResult
from dprox_core.lp.plots import (
    plot_capacity,
    plot_convergence,
    plot_dispatch,
    plot_prices,
    plot_storage,
    plot_values,
)
from dprox_core.lp.reading import read_lp, save_lp
from dprox_core.lp.solve import solve_lp

__all__ = [
    "Certificate",
    "EnergySystem",
    "LPResult",
    "LinearProgram",
    "assign_linopy",
    "capacity_expansion",
    "certify",
    "from_linopy",
    "plot_capacity",
    "plot_convergence",
    "plot_dispatch",
    "plot_prices",
    "plot_storage",
    "plot_values",
    "read_lp",
    "save_lp",
    "solve_lp",
    "solve_network",
]
