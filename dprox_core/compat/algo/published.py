"""The published algorithms as classes, and their iterations one step at a time.

A solve goes through the compiler of this library. Whoever takes the iteration in hand
(``initialize``, ``iter``, ``iters``) gets its textbook form: with an x-update
(Σ AᴴA + ρ Σ KᴴK) x = … and proxes of step λ, all six have the solution of
½‖A x − b‖² + ρ Σ λ f(K x) as their fixed point (HQS that of its penalty problem, and proximal
gradient descent, whose ρ is its step, that with λ/ρ in place of ρ λ).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch

from dprox_core.compat.algo.solver import Algorithm, linear_options
from dprox_core.compat.arrays import as_data
from dprox_core.compat.linop.algebra import vstack
from dprox_core.compat.linop.graph import CompGraph, adjoint, eval
from dprox_core.compat.linop.leaves import Variable
from dprox_core.compat.proxfn.base import ProxFn
from dprox_core.compat.proxfn.least_squares import least_squares
from dprox_core.errors import ParameterError

__all__ = [
    "ADMM",
    "HQS",
    "SOLVERS",
    "ADMM_vxu",
    "LinearizedADMM",
    "PockChambolle",
    "ProximalGradientDescent",
    "get_least_square_solver",
    "solver_class",
]

State = list[Any]


class _Published(Algorithm):
    """A published algorithm.

    Args:
        psi_fns: the functions that are split off.
        omega_fns: sums of squares, which the linear solve takes.
        try_diagonalize: whether to solve linear systems directly, element by element.
        try_freq_diagonalize: whether to solve them directly, frequency by frequency.
        linear_solve_config: how systems without a closed form are solved.
        settings: further options of a solve.
    """

    name: ClassVar[str]
    # How the state is made up after x: lists with a part for each of psi_fns, then single parts.
    lists: ClassVar[int] = 2
    singles: ClassVar[int] = 0

    def __init__(
        self,
        psi_fns: Sequence[ProxFn],
        omega_fns: Sequence[ProxFn] = (),
        try_diagonalize: bool = True,
        try_freq_diagonalize: bool = True,
        linear_solve_config: Any = None,
        **settings: Any,
    ) -> None:
        forced = not (try_diagonalize or try_freq_diagonalize)
        settings = {**linear_options(linear_solve_config, forced), **settings}
        super().__init__([*omega_fns, *psi_fns], self.name, **settings)

    @property
    def K(self) -> CompGraph:
        """The expressions of ``psi_fns``, stacked."""
        return CompGraph(vstack([f.linop for f in self.psi_fns]), zero_out_constant=True)

    @property
    def least_square(self) -> least_squares:
        """The x-update."""
        return least_squares(self.omega_fns, self.psi_fns)

    @property
    def state_split(self) -> list[Any]:
        """How many parts the state has: one for x, then lists of them."""
        return [1, *([len(self.psi_fns)] for _ in range(self.lists)), *[1] * self.singles]

    @property
    def state_dim(self) -> int:
        """How many tensors the state has."""
        return 1 + self.lists * len(self.psi_fns) + self.singles

    @property
    def nparams(self) -> int:
        """How many numbers an iteration takes: ρ, and λ for each of ``psi_fns``."""
        return 1 + len(self.psi_fns)

    def pack(self, state: State) -> torch.Tensor:
        """The state as one tensor, its parts side by side along the channels."""
        parts = [part if isinstance(part, list) else [part] for part in state]
        return torch.cat([tensor for listed in parts for tensor in listed], dim=1)

    def unpack(self, tensor: torch.Tensor) -> State:
        """The state from one tensor whose parts are of one size."""
        parts = list(torch.chunk(tensor, self.state_dim, dim=1))
        state: State = []
        for count in self.state_split:
            listed = isinstance(count, list)
            state.append([parts.pop(0) for _ in range(count[0])] if listed else parts.pop(0))
        return state

    def initialize(self, x0: Any) -> State:
        """The state to begin with."""
        x = as_data(x0, "x0")
        images = self._images(x)
        return [x, images, [torch.zeros_like(v) for v in images]][: 1 + self.lists]

    def iter(self, state: State, rho: Any, lam: Any) -> State:
        """One iteration.

        Args:
            state: as ``initialize`` or the last iteration gave it.
            rho: ρ, one number or one for each sample.
            lam: λ: a number, or a mapping with one for each of ``psi_fns``.
        """
        steps = {f: _by_sample(_step(lam, f), state[0]) for f in self.psi_fns}
        return self._iter(state, _by_sample(rho, state[0]), steps)

    def _iter(self, state: State, rho: Any, lam: Any) -> State:
        raise NotImplementedError

    def _images(self, x: torch.Tensor) -> list[Any]:
        return [eval(f.linop, x) for f in self.psi_fns]

    def _curvature(self, rho: Any) -> tuple[Any, least_squares]:
        """ρ‖K‖², and the x-update beside ρ‖K‖² ‖x − v‖²."""
        (variable,) = {v: None for f in self.functions for v in f.variables}
        bound = max(self.K.norm_bound() ** 2, torch.finfo(torch.float32).tiny)
        return rho * bound, least_squares(self.omega_fns, [ProxFn(variable)])

    def _pulled(self, parts: Sequence[torch.Tensor]) -> Any:
        """Σ Kᴴ v."""
        found: Any = sum(adjoint(f.linop, v) for f, v in zip(self.psi_fns, parts, strict=True))
        return found


class ADMM(_Published):
    """x, then the proxes, then the scaled duals. State: x, [z], [u]."""

    name = "admm"

    def _iter(self, state: State, rho: Any, lam: Any) -> State:
        _, z, u = state
        x = self.least_square.solve([a - b for a, b in zip(z, u, strict=True)], rho)
        return [x, *_prox_and_dual(self, x, u, lam)]


class ADMM_vxu(_Published):
    """The proxes, then x, then the scaled duals. State: x, [v], [u]."""

    name = "admm_vxu"

    def _iter(self, state: State, rho: Any, lam: Any) -> State:
        x, _, u = state
        moved = [k + b for k, b in zip(self._images(x), u, strict=True)]
        v = [f.prox(m, lam[f]) for f, m in zip(self.psi_fns, moved, strict=True)]
        x = self.least_square.solve([a - b for a, b in zip(v, u, strict=True)], rho)
        images = zip(u, self._images(x), v, strict=True)
        return [x, v, [b + k - a for b, k, a in images]]


class LinearizedADMM(_Published):
    """ADMM whose coupling ρ‖K x − z + u‖² is linearized at the last x. State: x, [z], [u]."""

    name = "ladmm"

    def _iter(self, state: State, rho: Any, lam: Any) -> State:
        x, z, u = state
        curvature, update = self._curvature(rho)
        misfits = [k - a + b for k, a, b in zip(self._images(x), z, u, strict=True)]
        x = update.solve([x - (rho / curvature) * self._pulled(misfits)], curvature)
        return [x, *_prox_and_dual(self, x, u, lam)]


class HQS(_Published):
    """x, then the proxes. State: x, [z]."""

    name = "hqs"
    lists = 1

    def _iter(self, state: State, rho: Any, lam: Any) -> State:
        x = self.least_square.solve(state[1], rho)
        images = zip(self.psi_fns, self._images(x), strict=True)
        return [x, [f.prox(k, lam[f]) for f, k in images]]


class PockChambolle(_Published):
    """Dual steps at an extrapolated x, then x. State: x, [u] scaled by 1/ρ, x̄."""

    name = "pc"
    lists = 1
    singles = 1

    def initialize(self, x0: Any) -> State:
        """x, duals of zero, and x once more."""
        x = as_data(x0, "x0")
        return [x, [torch.zeros_like(v) for v in self._images(x)], x]

    def _iter(self, state: State, rho: Any, lam: Any) -> State:
        x, u, ahead = state
        moved = [b + k for b, k in zip(u, self._images(ahead), strict=True)]
        u = [m - f.prox(m, lam[f]) for f, m in zip(self.psi_fns, moved, strict=True)]
        curvature, update = self._curvature(rho)
        following = update.solve([x - (rho / curvature) * self._pulled(u)], curvature)
        return [following, u, 2.0 * following - x]


class ProximalGradientDescent(_Published):
    """A gradient step on the sums of squares, then one prox of x itself. State: x."""

    name = "pgd"
    lists = 0

    def _iter(self, state: State, rho: Any, lam: Any) -> State:
        if len(self.psi_fns) > 1 or not all(isinstance(f.linop, Variable) for f in self.psi_fns):
            raise ParameterError(
                "An iteration of proximal gradient descent has one prox, of x itself: take admm "
                "for more of them, or for a prox of K x.",
                expected="one function of x",
                got=len(self.psi_fns),
                where="psi_fns",
            )
        (x,) = state
        slope: Any = torch.zeros_like(x)
        curvature = 0.0
        for f in self.omega_fns:
            slope = slope + 0.5 * f.grad(x)
            curvature += abs(f.alpha) * f.beta**2 * CompGraph(f.linop).norm_bound() ** 2
        x = x - slope / max(curvature, torch.finfo(torch.float32).tiny)
        for f in self.psi_fns:
            x = f.prox(x, lam[f] / (rho * curvature))
        return [x]


def _prox_and_dual(
    solver: _Published, x: torch.Tensor, u: Sequence[torch.Tensor], lam: Any
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    moved = [k + b for k, b in zip(solver._images(x), u, strict=True)]
    z = [f.prox(m, lam[f]) for f, m in zip(solver.psi_fns, moved, strict=True)]
    return z, [m - a for m, a in zip(moved, z, strict=True)]


def _by_sample(value: Any, x: torch.Tensor) -> Any:
    """A tensor of one number, or of one for each sample, so that it broadcasts to x."""
    if not isinstance(value, torch.Tensor) or value.ndim != 1:
        return value
    if len(value) == 1:
        return value[0]
    return value.reshape(-1, *(1,) * (x.ndim - 1)).to(x.real.dtype)


def _step(lam: Any, function: ProxFn) -> Any:
    """λ of a function, from a number or a mapping by function, by the one it was scaled from."""
    if not isinstance(lam, dict):
        return lam
    for key, value in lam.items():
        if function.known_as(key):
            return value
    raise ParameterError(
        f"lam has no value for {type(function).__name__}: give one for each function, or a number "
        "for all.",
        expected="a value for each function",
        where="lam",
    )


SOLVERS: dict[str, type[_Published]] = {
    kind.name: kind
    for kind in (ADMM, ADMM_vxu, LinearizedADMM, HQS, PockChambolle, ProximalGradientDescent)
}
"""Published name → class."""


def get_least_square_solver(
    psi_fns: Sequence[ProxFn],
    omega_fns: Sequence[ProxFn],
    try_diagonalize: bool = True,
    try_freq_diagonalize: bool = True,
    linear_solve_config: Any = None,
) -> least_squares:
    """The x-update of a splitting."""
    return least_squares(
        omega_fns,
        psi_fns,
        try_diagonalize,
        try_freq_diagonalize,
        linear_solve_config=linear_solve_config,
    )


def solver_class(method: str) -> type[_Published] | None:
    """The class of a published method, None for one that only this library has."""
    return SOLVERS.get(method)
