"""A compiled problem: the solver, under the names of the published reference."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from dprox_core.compat.algo.schedule import LAM, RHO, Schedule, read_schedules
from dprox_core.compat.algo.solution import solution
from dprox_core.compat.algo.translate import ITERATIONS, Translated, translate
from dprox_core.compat.constraints import Constraint
from dprox_core.compat.linop.base import LinOp
from dprox_core.compat.proxfn.base import ProxFn, as_functions
from dprox_core.compiler.methods import METHODS as OURS
from dprox_core.errors import ParameterError
from dprox_core.linsolve.base import LinearSolve
from dprox_core.monitoring import Iteration, monitor
from dprox_core.result import Result

__all__ = ["METHODS", "Algorithm", "available_device", "linear_options", "method_of"]

_log = logging.getLogger(__name__)

_HERE = __name__.rpartition(".")[0]
METHODS = ("admm", "admm_vxu", "ladmm", "hqs", "pc", "pgd")
# Plug-and-play knows two iterations; the others are these with their updates in another order, or
# with a step in place of a solve that is done exactly here.
_PLUG_AND_PLAY = {"admm_vxu": "admm", "ladmm": "admm", "pc": "admm", "pdhg": "admm", "pgd": "hqs"}


class Algorithm(nn.Module):
    """A solver for one objective and method; shapes and data are looked at by each ``solve``.

    Args:
        prox_fns: the terms.
        method: "admm", "admm_vxu", "ladmm", "hqs", "pc" or "pgd", or any of ``dprox_core``.
        device: where to compute; None where the data is.
        constraints: conditions.
        settings: further options of the method.
    """

    def __init__(
        self,
        prox_fns: Any,
        method: str = "admm",
        device: Any = None,
        constraints: Sequence[Constraint] = (),
        **settings: Any,
    ) -> None:
        super().__init__()
        functions = as_functions(prox_fns)
        self.prox_fns = nn.ModuleList(functions)
        self.constraints = list(constraints)
        self.method = method_of(method, any(f.is_prior for f in functions))
        self.device = device
        # Methods without a linear system have no use for how one is solved.
        if "linear_solver" not in OURS.get(self.method, ((),))[0]:
            settings.pop("linear_solver", None)
        self.settings = settings

    @property
    def functions(self) -> list[ProxFn]:
        """The terms."""
        return [f for f in self.prox_fns if isinstance(f, ProxFn)]

    @property
    def psi_fns(self) -> list[ProxFn]:
        """The terms that are split off."""
        return self.partition(self.functions)[0]

    @property
    def omega_fns(self) -> list[ProxFn]:
        """The sums of squares, which the linear solve takes."""
        return self.partition(self.functions)[1]

    @staticmethod
    def partition(prox_fns: Any) -> tuple[list[ProxFn], list[ProxFn]]:
        """The terms that are split off, and the sums of squares."""
        psi: list[ProxFn] = []
        omega: list[ProxFn] = []
        for function in as_functions(prox_fns):
            (omega if getattr(function, "is_square", False) else psi).append(function)
        return psi, omega

    @classmethod
    def create(cls, prox_fns: Any, **settings: Any) -> Any:
        """A solver of this class for a sum of penalties.

        Args:
            prox_fns: the sum.
            settings: options of the class.
        """
        listed = as_functions(prox_fns)
        kind: Any = cls
        if cls is Algorithm:
            return kind(listed, **settings)
        solver = kind(*cls.partition(listed), **settings)
        solver.prox_fns = nn.ModuleList(listed)
        return solver

    def initialize(self, x0: Any) -> list[Any]:
        """The state to begin with, of the published iteration.

        Raises:
            MissingError: the method has no published iteration.
        """
        from dprox_core.compat.errors import MissingError

        raise MissingError(
            f'"{self.method}" is no published iteration: compile with one of {", ".join(METHODS)}, '
            "or step a solver of dprox_core.",
            expected=METHODS,
            got=self.method,
            where="method",
        )

    def iter(self, state: list[Any], rho: Any, lam: Any) -> list[Any]:
        """One published iteration."""
        return self.initialize(state)

    def iters(
        self,
        state: list[Any],
        rhos: Any = None,
        lams: Any = None,
        max_iter: int = ITERATIONS,
        pbar: bool = False,
        callback: Callable[..., object] | None = None,
    ) -> list[Any]:
        """So many published iterations.

        Args:
            state: as ``initialize`` gave it.
            rhos: ρ: one number or one for each iteration.
            lams: λ: one number, one for each iteration, or such for each function by a mapping.
            max_iter: how many.
            pbar: whether the end is logged.
            callback: called after each iteration with ``iter, state, rho, lam``.
        """
        _, rho, steps, count = self.defaults(None, rhos, lams, max_iter)
        for k in range(count):
            self._announce(k)
            lam = {f: listed[k] for f, listed in steps.items()}
            state = self.iter(state, rho[k], lam)
            if callback is not None:
                callback(iter=k, state=state, rho=rho[k], lam=lam)
        if pbar:
            _log.info("%s: %d iterations.", self.method, count)
        self._announce(0)
        return state

    def _announce(self, step: int) -> None:
        """Tell every function and operator which iteration it is."""
        for function in self.functions:
            function.step = step
        for node in self._nodes():
            node.step = step

    def _nodes(self) -> list[LinOp]:
        ends = [f.linop for f in self.functions] + [c.expression for c in self.constraints]
        return [node for end in ends for node in end.walk()]

    def _is_asked(self) -> bool:
        """Whether a function or operator of the user's own may ask which iteration it is."""
        own = any(not type(f).__module__.startswith("dprox_core.") for f in self.functions)
        return own or any(node.counts for node in self._nodes())

    def defaults(
        self, x0: Any = None, rhos: Any = None, lams: Any = None, max_iter: int = ITERATIONS
    ) -> tuple[Any, torch.Tensor, dict[ProxFn, torch.Tensor], int]:
        """The start, and ρ and λ for each iteration, 1 and 0.02 where none are given."""
        rho, found = read_schedules(self.functions, RHO if rhos is None else rhos, lams)
        assert rho is not None
        spare = Schedule(LAM, "lams")
        steps = {f: found.get(i, spare) for i, f in enumerate(self.functions) if f in self.psi_fns}
        listed = {f: schedule.listed(max_iter) for f, schedule in steps.items()}
        return x0, rho.listed(max_iter), listed, max_iter

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """``solve``."""
        return self.solve(*args, **kwargs)

    def translate(
        self,
        x0: Any,
        rhos: Any,
        lams: Any,
        max_iter: int | None,
        equilibrium: bool = False,
        **settings: Any,
    ) -> Translated:
        """The problem in our own language, with the data as they are now."""
        together = {**self.settings, **settings}
        if self.device is not None:
            together.setdefault("device", available_device(self.device))
        return translate(
            self.functions,
            self.constraints,
            self.method,
            x0,
            rhos,
            lams,
            max_iter,
            together,
            equilibrium,
        )

    def solve(
        self,
        x0: Any = None,
        rhos: Any = None,
        lams: Any = None,
        max_iter: int | None = None,
        pbar: bool = False,
        callback: Callable[..., object] | None = None,
        return_full_states: bool = False,
        **settings: Any,
    ) -> Any:
        """The solution as a tensor; a list where there are several variables.

        Without rhos and lams the objective is minimized as it is written, until the stopping rule
        holds. With them every term but the sums of squares counts as the published iteration has
        it: a prox of step λ beside an x-update (AᵀA + ρ KᵀK) x = … Where the samples of a batch
        have courses of their own, the published iteration itself is done, so many times.

        Args:
            x0: a start: a tensor, a list or a mapping; None leaves it to the method.
            rhos: ρ: one number, one for each iteration, or (B, K) numbers, K for each of B samples.
            lams: λ: the same, or such for each term by a mapping.
            max_iter: how many iterations; None for 24 with rhos or lams, else for as many as it
                takes.
            pbar: whether the end is logged.
            callback: called after each iteration with ``iter, state, rho, lam``.
            return_full_states: return the list of all states too, the variables first.
            settings: further options of ``dprox_core.Problem.solve``.
        """
        if self._has_own_iteration() or self._differs_by_sample(rhos, lams):
            count = ITERATIONS if max_iter is None else max_iter
            state = self.iters(self.initialize(x0), rhos, lams, count, pbar, callback)
            return (state[0], state) if return_full_states else state[0]
        translated = self.translate(x0, rhos, lams, max_iter, **settings)
        result = self._run(translated, callback)
        if pbar:
            _log.info("%s: %d iterations. %s", self.method, result.iterations, result)
        return self._answer(translated, result, return_full_states)

    def _has_own_iteration(self) -> bool:
        """Whether a class of the user's own changes the iteration."""
        return any(
            "_iter" in vars(kind) or "iter" in vars(kind)
            for kind in type(self).__mro__
            if issubclass(kind, Algorithm) and not kind.__module__.startswith(_HERE)
        )

    def _differs_by_sample(self, rhos: Any, lams: Any) -> bool:
        rho, steps = read_schedules(self.functions, rhos, lams)
        each = [s for s in (rho, *steps.values()) if s is not None and s.each]
        if each and self.constraints:
            raise ParameterError(
                "A batch whose samples have rhos and lams of their own is solved without "
                "constraints: write them as penalties, such as nonneg(x).",
                expected="penalties",
                got=f"{len(self.constraints)} constraints",
                where="constraints",
            )
        return bool(each)

    def _run(self, translated: Translated, callback: Callable[..., object] | None) -> Result:
        asked = self._is_asked()
        last = translated.options.get("max_iter", 10**9) - 1
        if callback is None and not asked:
            return translated.problem.solve(self.method, **translated.options)

        def tell(event: Iteration) -> None:
            if asked:
                # What is computed after the last iteration belongs to it.
                self._announce(min(event.iteration, last))
            if callback is None:
                return
            place = event.iteration - 1
            callback(
                iter=place,
                state=list(event.iterate.values()),
                rho=None if translated.rho is None else torch.as_tensor(translated.rho.at(place)),
                lam={
                    self.functions[i]: torch.as_tensor(s.at(place))
                    for i, s in translated.lams.items()
                },
            )

        self._announce(0)
        try:
            with monitor(tell):
                return translated.problem.solve(self.method, **translated.options)
        finally:
            self._announce(0)

    def _answer(self, translated: Translated, result: Result, full: bool) -> Any:
        found = []
        for variable, ours in translated.variables.items():
            tensor = result[ours]
            variable.value = tensor.detach()
            found.append(solution(tensor, result, self))
        answer = found[0] if len(found) == 1 else found
        if not full:
            return answer
        state: Any = result.state
        others = [list(getattr(state, name)) for name in ("z", "u") if hasattr(state, name)]
        return answer, [answer, *others]


def linear_options(config: Any, forced: bool = False) -> dict[str, Any]:
    """The option for linear systems, from a ``LinearSolveConfig`` or None.

    Args:
        config: the configuration.
        forced: whether systems with a closed form are solved step by step too.
    """
    if config is None:
        return {"linear_solver": "cg"} if forced else {}
    kind = "minres" if config.solver_type == "minres" else "cg"
    return {"linear_solver": LinearSolve(kind, config.rtol, config.max_iters, forced)}


def method_of(method: str, has_prior: bool) -> str:
    """The method of ours that a published name means.

    Raises:
        ParameterError: there is none of that name.
    """
    from dprox_core.compiler import methods

    name = getattr(methods, "ALIASES", {}).get(method, method)
    if method not in METHODS and name not in methods.METHODS:
        raise ParameterError(
            f'There is no method "{method}": choose one of {", ".join(METHODS)}.',
            expected=METHODS,
            got=method,
            where="method",
        )
    if has_prior:
        return _PLUG_AND_PLAY.get(name, name)
    if name not in methods.METHODS:
        from dprox_core.compat.errors import MissingError

        raise MissingError(
            f'This version of dprox_core has no method "{method}": choose one of '
            f"{', '.join(methods.METHODS)}.",
            expected=list(methods.METHODS),
            got=method,
            where="method",
        )
    return name


def available_device(device: Any) -> str:
    """The device, or the CPU with a warning where there is no CUDA."""
    name = str(device)
    if name.startswith("cuda") and not torch.cuda.is_available():
        warnings.warn(
            "There is no CUDA device on this machine: the solve runs on the CPU.", stacklevel=3
        )
        return "cpu"
    return name
