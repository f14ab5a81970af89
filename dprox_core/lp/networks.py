"""Models of PyPSA and linopy: into our linear program, and the solution back into their frames.

Both are imported only here and only when asked for: ``pip install dprox-studio[energy]``.
"""

from __future__ import annotations

import logging
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from dprox_core.errors import DataError, ParameterError
from dprox_core.lp.model import LinearProgram
from dprox_core.lp.outcome import LPResult
from dprox_core.result import Status

__all__ = ["assign_linopy", "from_linopy", "read_network", "solve_network"]

log = logging.getLogger(__name__)

# Our statuses in linopy's words.
_CONDITIONS = {
    Status.OPTIMAL: "optimal",
    Status.INFEASIBLE: "infeasible",
    Status.UNBOUNDED: "unbounded",
    Status.ITERATION_LIMIT: "iteration_limit",
    Status.TIME_LIMIT: "time_limit",
    Status.STOPPED: "terminated_by_limit",
}


def from_linopy(model: Any) -> LinearProgram:
    """The linear program of a linopy model.

    Integer and binary variables are relaxed, with a warning in the log.

    Args:
        model: a ``linopy.Model``; of a PyPSA network, ``network.optimize.create_model()``.

    Returns:
        Its variables and rows in linopy's own order (``matrices.vlabels``, ``matrices.clabels``).

    Raises:
        DataError: a quadratic objective, or conditions that hold only sometimes (indicators, SOS).

    Example:
        >>> from dprox_core.lp.networks import from_linopy, assign_linopy  # doctest: +SKIP
        >>> program = from_linopy(model)                                   # doctest: +SKIP
        >>> assign_linopy(model, program.solve(tol=1e-4))                  # doctest: +SKIP

    References:
        F. Hofmann, Linopy: Linear optimization with n-dimensional labeled variables, 2023.
    """
    if model.is_quadratic:
        raise DataError(
            "The model's objective is quadratic; a linear program needs a linear one.",
            expected="a linear objective",
            where="model",
        )
    held = model.matrices
    if getattr(held, "indicator_A", None) is not None or _has_sos(model):
        raise DataError(
            "The model has indicator or SOS conditions; a linear program holds all of its "
            "conditions always: take them out first.",
            expected="linear conditions",
            where="model",
        )
    if not (np.asarray(held.vtypes) == "C").all():
        log.warning("The model has integer variables: its linear relaxation was taken.")
    n = held.lb.size
    rows = sp.csr_array((0, n)) if held.A is None else held.A
    sense, limits = np.asarray(held.sense), np.asarray(held.b, float)
    return LinearProgram(
        held.c,
        rows,
        np.where(sense == "<", -np.inf, limits),
        np.where(sense == ">", np.inf, limits),
        held.lb,
        held.ub,
        sense="max" if model.objective.sense == "max" else "min",
        name=str(getattr(model, "name", "") or ""),
    )


def assign_linopy(model: Any, result: LPResult) -> tuple[str, str]:
    """Write a result into the model it came from: solution, duals, objective and status.

    Args:
        model: the ``linopy.Model`` that ``from_linopy`` was given.
        result: of its program.

    Returns:
        linopy's status ("ok", "warning", …) and termination condition ("optimal", …).
    """
    constants = _library("linopy.constants")
    held = model.matrices
    status = constants.Status.from_termination_condition(
        _CONDITIONS.get(result.status, "internal_solver_error")
    )
    # Frames are laid out by label; where a label was masked out there is no value.
    primal = _by_label(held.vlabels, result.x, model.variables)
    dual = _by_label(held.clabels, result.y, model.constraints)
    solution = constants.Solution(primal, dual, result.objective)
    outcome = constants.Result(status, solution, solver_name="dprox")
    words = model.assign_result(outcome)
    return str(words[0]), str(words[1])


def solve_network(
    network: Any,
    method: str = "auto",
    *,
    tol: float = 1e-6,
    max_iter: int = 1_000_000,
    time_limit: float | None = None,
    presolve: bool = True,
    crossover: bool = False,
    device: str | torch.device = "cpu",
    **options: Any,
) -> LPResult:
    """Optimize a PyPSA network and fill its result frames, as ``network.optimize()`` does.

    Afterwards p, p_nom_opt, e, state_of_charge, flows, marginal prices and the objective stand in
    the network. They are left as they were unless an optimum was found.

    Args:
        network: a ``pypsa.Network``.
        method: "pdhg", "admm" or "auto".
        tol: relative tolerance, as for ``solve_lp``.
        max_iter: the most steps, from 1.
        time_limit: in seconds, None for none.
        presolve: whether HiGHS reduces the program first.
        crossover: whether HiGHS moves the solution to an optimal vertex at the end.
        device: "cpu", "cuda" or "auto".
        **options: for ``network.optimize.create_model``, such as snapshots.

    Returns:
        The result; its program's rows and variables are those of ``network.model``.

    Raises:
        DataError: the network is no linear program (quadratic costs).

    Example:
        >>> import pypsa                                                   # doctest: +SKIP
        >>> from dprox_core.lp.networks import solve_network               # doctest: +SKIP
        >>> network = pypsa.examples.ac_dc_meshed()                        # doctest: +SKIP
        >>> result = solve_network(network, tol=1e-4)                      # doctest: +SKIP
        >>> network.buses_t.marginal_price                                 # doctest: +SKIP

    References:
        T. Brown, J. Hörsch, D. Schlachtberger, PyPSA: Python for Power System Analysis, 2018.
    """
    from dprox_core.lp.solve import solve_lp

    model = network.optimize.create_model(**options)
    result = solve_lp(
        from_linopy(model),
        method,
        tol=tol,
        max_iter=max_iter,
        time_limit=time_limit,
        presolve=presolve,
        crossover=crossover,
        device=device,
    )
    if result.converged:
        assign_linopy(model, result)
        network.optimize.assign_solution()
        network.optimize.assign_duals()
        network.optimize.post_processing()
    return result


def read_network(path: str | os.PathLike[str]) -> LinearProgram:
    """The linear program of a PyPSA network in a file: .nc, or a folder of .csv files.

    Raises:
        ParameterError: PyPSA is not installed.
        DataError: there is no network there.
    """
    pypsa = _library("pypsa")
    target = Path(path)
    try:
        network = pypsa.Network(target)
        model = network.optimize.create_model()
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise DataError(
            f"{target.name} is damaged, or holds no network that can be planned: {error}.",
            where=str(path),
        ) from error
    program = from_linopy(model)
    program.name = target.stem
    return program


def _has_sos(model: Any) -> bool:
    variables = model.variables
    return any(len(getattr(variables, kind, ())) > 0 for kind in ("sos", "semi_continuous"))


def _by_label(
    labels: NDArray[np.int64], values: NDArray[np.float64], containers: Any
) -> NDArray[np.float64]:
    ends = [int(held.range[1]) for _, held in containers.items()]
    full = np.full(max(ends, default=0), np.nan)
    full[labels] = values
    return full


def _library(name: str) -> Any:
    package = name.split(".")[0]
    try:
        return import_module(name)
    except ImportError as error:
        raise ParameterError(
            f"Models of energy systems need {package}, which is not installed: run pip install "
            "dprox-studio[energy].",
            expected=package,
            where="energy",
        ) from error
