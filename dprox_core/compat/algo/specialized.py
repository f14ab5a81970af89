"""Solvers made for a purpose: unrolled, at equilibrium, tuned."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn

import dprox_core
from dprox_core.compat.algo.schedule import LAM, RHO, Schedule
from dprox_core.compat.algo.solver import Algorithm
from dprox_core.compat.algo.train import train
from dprox_core.compat.algo.tuned import AutoTuneSolver
from dprox_core.compat.proxfn.base import ProxFn
from dprox_core.compat.proxfn.deep import deep_prior
from dprox_core.errors import ParameterError

__all__ = [
    "AutoTuneSolver",
    "DEQSolver",
    "UnrolledSolver",
    "build_unrolled_solver",
    "specialize",
    "train_deq",
]


class UnrolledSolver(nn.Module):
    """A solver of a fixed number of iterations, whose numbers can be trained.

    Args:
        solver: what to unroll.
        max_iter: how many iterations.
        share: whether all iterations use the same networks; otherwise each gets a copy.
        learned_params: whether ρ and λ of each iteration are trained too.
        rhos: ρ to begin with.
        lams: λ to begin with.
    """

    def __init__(
        self,
        solver: Algorithm,
        max_iter: int,
        share: bool = False,
        learned_params: bool = False,
        rhos: Any = None,
        lams: Any = None,
    ) -> None:
        super().__init__()
        self.max_iter = max_iter
        self.solver = solver if share else _unshared(solver, max_iter)
        self.rhos: Any = rhos
        self.lams: Any = lams
        if learned_params:
            self.rhos = nn.Parameter(_listed(RHO if rhos is None else rhos, max_iter))
            self.lams = nn.Parameter(_listed(LAM if lams is None else lams, max_iter))

    def __getattr__(self, name: str) -> Any:
        # The iteration taken in hand, and what it is made of, are those of the solver.
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "solver":
                raise
            return getattr(super().__getattr__("solver"), name)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """``solve``."""
        return self.solve(*args, **kwargs)

    def solve(self, x0: Any = None, rhos: Any = None, lams: Any = None, **options: Any) -> Any:
        """The solution after ``max_iter`` iterations; learned ρ and λ win over given ones."""
        options.setdefault("max_iter", self.max_iter)
        learned = isinstance(self.rhos, nn.Parameter)
        rho = self.rhos if learned or rhos is None else rhos
        lam = self.lams if learned or lams is None else lams
        return self.solver.solve(x0=x0, rhos=rho, lams=lam, **options)


class DEQSolver(nn.Module):
    """A solver run to its fixed point, whose gradient comes from the fixed point.

    Args:
        solver: what to run.
        learned_params: whether ρ and λ are trained too.
        rhos: ρ, one number.
        lams: λ, one number.
        max_iter: the most iterations.
    """

    def __init__(
        self,
        solver: Algorithm,
        learned_params: bool = False,
        rhos: Any = None,
        lams: Any = None,
        max_iter: int = 200,
    ) -> None:
        super().__init__()
        self.solver = solver
        self.max_iter = max_iter
        self.rhos: Any = rhos
        self.lams: Any = lams
        if learned_params:
            self.rhos = nn.Parameter(_listed(RHO if rhos is None else rhos, 1))
            self.lams = nn.Parameter(_listed(LAM if lams is None else lams, 1))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """``solve``."""
        return self.solve(*args, **kwargs)

    def load(self, state_dict: Mapping[str, Any], strict: bool = True) -> Any:
        """``load_state_dict``."""
        return self.load_state_dict(state_dict, strict=strict)

    def solve(self, x0: Any = None, rhos: Any = None, lams: Any = None, **options: Any) -> Any:
        """The fixed point for the last of the given ρ and λ, with implicit gradients."""
        options["max_iter"] = max(self.max_iter, options.get("max_iter") or 0)
        learned = isinstance(self.rhos, nn.Parameter)
        rho = self.rhos if learned or rhos is None else rhos
        lam = self.lams if learned or lams is None else lams
        if not torch.is_grad_enabled():
            return self.solver.solve(x0=x0, rhos=_final(rho), lams=_final(lam), **options)
        return equilibrium(self.solver, x0, _final(rho), _final(lam), options)


def equilibrium(solver: Algorithm, x0: Any, rhos: Any, lams: Any, options: dict[str, Any]) -> Any:
    """A solve with the library's own implicit engine."""
    limit = options.pop("max_iter")
    for name in ("pbar", "callback", "return_full_states"):
        options.pop(name, None)
    settings = {"abs_tol": 1e-6, "rel_tol": 1e-5, **options}
    translated = solver.translate(x0, rhos, lams, None, equilibrium=True, **settings)
    given = dict(translated.options)
    start = given.pop("x0", None)
    layer = dprox_core.specialize(
        translated.problem, "deq", algorithm=solver.method, max_iter=limit, **given
    )
    answer = layer(x0=start)
    for variable, ours in translated.variables.items():
        tensor = answer[ours.name] if isinstance(answer, dict) else answer
        variable.value = tensor.detach()
    return list(answer.values()) if isinstance(answer, dict) else answer


def build_unrolled_solver(solver: Algorithm, share: bool = True, **options: Any) -> UnrolledSolver:
    """An ``UnrolledSolver``, of 24 iterations unless ``max_iter`` says otherwise."""
    return UnrolledSolver(solver, **{"max_iter": 24, "share": share, **options})


def train_deq(
    args: Any,
    dataset: Iterable[torch.Tensor],
    solver: nn.Module,
    step_fn: Callable[..., Any],
    on_epoch_end: Callable[[], object] | None = None,
) -> nn.Module:
    """``train`` for a solver at its fixed point.

    Args:
        args: an object or mapping with any of savedir, epochs, bs, lr, weight_decay and resume.
        dataset: pictures.
        solver: the solver.
        step_fn: truth ↦ (truth, input, prediction).
        on_epoch_end: called after each epoch.
    """
    held = args if isinstance(args, Mapping) else vars(args)
    names = ("savedir", "epochs", "bs", "lr", "weight_decay", "resume")
    given = {n: held[n] for n in names if n in held}
    return train(solver, step_fn, dataset, **given, on_epoch_end=on_epoch_end)


def specialize(solver: Algorithm, method: str = "deq", device: Any = None, **options: Any) -> Any:
    """A solver made for a purpose.

    Args:
        solver: what ``compile`` gave.
        method: "unroll" for a fixed number of trainable iterations, "deq" for gradients at the
            fixed point, "rl" for a policy that chooses ρ and noise levels.
        device: where to compute; None leaves it.
        options: of ``UnrolledSolver``, ``DEQSolver`` or ``AutoTuneSolver``.

    Raises:
        ParameterError: there is no such method.
    """
    if device is not None:
        solver.device = device
    if method == "unroll":
        return build_unrolled_solver(solver, **options)
    if method == "deq":
        return DEQSolver(solver, **options)
    if method == "rl":
        return AutoTuneSolver(solver, **options)
    raise ParameterError(
        f'There is no specialization "{method}": choose "unroll", "deq" or "rl".',
        expected='"unroll", "deq" or "rl"',
        got=method,
        where="method",
    )


def _listed(given: Any, count: int) -> torch.Tensor:
    schedule = _course(given)
    return torch.stack([torch.as_tensor(schedule.at(k)) for k in range(count)]).detach().float()


def _final(given: Any) -> Any:
    if isinstance(given, dict):
        return {key: _final(value) for key, value in given.items()}
    return None if given is None else _course(given).at(10**9)


def _course(given: Any) -> Schedule:
    """The schedule that a whole batch follows."""
    course = Schedule(given, "rhos or lams")
    if course.each:
        raise ParameterError(
            "Here rhos and lams are those of every sample: give one number, or one for each "
            f"iteration, not {len(course.values.mT)} courses.",
            expected="one course",
            got=tuple(course.values.mT.shape),
            where="rhos or lams",
        )
    return course


def _unshared(solver: Algorithm, count: int) -> Algorithm:
    """The solver with a copy of each network for each iteration."""
    functions: list[ProxFn] = []
    for function in solver.functions:
        if isinstance(function, deep_prior) and len(function.prior.steps) == 1:
            function = function.unrolled(count)
        functions.append(function)
    other = copy.copy(solver)
    other._modules = dict(solver._modules)
    other.prox_fns = nn.ModuleList(functions)
    return other
