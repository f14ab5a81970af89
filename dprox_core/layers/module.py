"""A problem as a layer: placeholders in, solution out, gradients to everything inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from dprox_core.algorithms.base import State
from dprox_core.arguments import in_range, refuse_unless, whole_number
from dprox_core.compiler.compile import builder_of
from dprox_core.compiler.shared import choice
from dprox_core.errors import ParameterError
from dprox_core.layers.engines import ENGINES, Settled
from dprox_core.layers.exact import compiled, lent, may_be_double
from dprox_core.layers.inputs import give, named, placeholders
from dprox_core.layers.rl import Tuned, tuned
from dprox_core.numerics import reductions
from dprox_core.problem import Problem, as_problem
from dprox_core.proxfns.base import Objective

__all__ = ["Specialized", "specialize"]


class Specialized(nn.Module):
    """What ``specialize`` makes: a module whose forward pass solves the problem.

    Attributes:
        problem: the problem.
        max_iter: the number of iterations (the most, for a fixed point).
        engine: how gradients are taken.
        settled: for "deq", how well the last fixed point was reached, and after the way back how
            well its linear system was solved.
    """

    def __init__(
        self,
        problem: Problem,
        algorithm: str,
        max_iter: int,
        engine: str,
        learn: str | None,
        share: bool,
        options: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.problem = problem
        self.max_iter = max_iter
        self.engine = engine
        self.settled: Settled | None = None
        self._algorithm = algorithm
        self._options = dict(options)
        self._placeholders = placeholders(problem)
        held = problem.parameters()
        self.networks = nn.ParameterList([p for p in held if isinstance(p, nn.Parameter)])
        self._learn = learn
        self.logarithm: nn.Parameter | None = None
        if learn is not None:
            value = torch.tensor(self._first_value(learn), dtype=torch.float64).log()
            self.logarithm = nn.Parameter(value if share else value.repeat(max_iter))

    def _first_value(self, name: str) -> float:
        given = self._options.pop(name, None)
        if given is not None:
            fine = in_range(given, 0.0) and reductions.number(given) > 0.0
            refuse_unless(fine, "specialize", name, "a number above 0, to be learned from", given)
            return reductions.number(given)
        missing = [p for p in self._placeholders if p.value is None]
        if missing:
            return 1.0
        with torch.no_grad():
            return self.problem.compile(self._algorithm, **self._options).plan.parameters[name]

    def learned(self) -> torch.Tensor | None:
        """The learned parameter: one number, or one for each iteration; None where none is."""
        return None if self.logarithm is None else self.logarithm.exp()

    def _takes_a_list(self) -> bool:
        """Whether the algorithm follows a course of its own, given as a list."""
        courses = (term.function.methods for term in self.problem.objective.terms)
        return self._algorithm == "hqs" or any(methods is not None for methods in courses)

    def forward(
        self,
        inputs: Mapping[Any, torch.Tensor] | None = None,
        x0: object = None,
        **unknown: object,
    ) -> Any:
        """Solve with values for the placeholders.

        Args:
            inputs: placeholder, or its name → value; those left out keep theirs.
            x0: where to start, as for ``Solver.init``.
            unknown: none; values of placeholders are in the mapping.

        Returns:
            The variable, or a dictionary by name where there are several.

        Raises:
            ParameterError: the problem has no such placeholder.
        """
        give(self._placeholders, inputs, unknown)
        learned = self.learned()
        options = dict(self._options)
        if self.engine != "implicit":
            # A fixed number of steps: each is whole, so that the value is the same whether
            # gradients are asked for or not.
            options.update(abs_tol=0.0, rel_tol=0.0)
        scheduled = learned is not None and learned.ndim > 0 and self._takes_a_list()
        if learned is not None and self._learn is not None:
            options[self._learn] = list(learned.unbind()) if scheduled else learned.reshape(-1)[0]
        implicit = self.engine == "implicit"
        given = x0.values() if isinstance(x0, Mapping) else [x0]
        start = tuple(t for t in given if isinstance(t, torch.Tensor))
        solver = compiled(self.problem, self._algorithm, options, start)
        dtype = solver.model.spaces[0].precision
        if implicit and solver.differentiate and may_be_double(self.problem, solver):
            solver = compiled(self.problem, self._algorithm, options, start, torch.float64)

        def prepare(state: State, index: int) -> State:
            if learned is None or learned.ndim == 0 or scheduled:
                return state
            return solver.algorithm.with_parameter(state, learned[index])

        run = ENGINES[self.engine]
        if implicit:
            run = partial(run, note=self._note, lent=partial(lent, self.problem, solver, options))
        with torch.set_grad_enabled(solver.differentiate):
            answer = run(solver, solver.init(x0), self.max_iter, prepare)
        answer = tuple(v.to(dtype.to_complex() if v.is_complex() else dtype) for v in answer)
        if implicit and solver.differentiate:
            # A fixed point depends on no start and none of the method's numbers: zero gradients.
            held = [v for v in (*options.values(), *start) if isinstance(v, torch.Tensor)]
            own = [0.0 * t.sum().real for t in held if t.requires_grad]
            answer = tuple(sum((t.to(v.device, v.real.dtype) for t in own), v) for v in answer)
        return named(self.problem, answer)

    def _note(self, settled: Settled) -> None:
        self.settled = settled


def specialize(
    problem: Problem | Objective,
    method: str = "unroll",
    *,
    algorithm: str = "admm",
    max_iter: int | None = None,
    learn: str | None = None,
    share: bool = False,
    engine: str | None = None,
    pack: int = 5,
    price: float = 0.02,
    **options: Any,
) -> Specialized | Tuned:
    """A problem as a differentiable layer, a ``torch.nn.Module``.

    Its forward pass takes values for the problem's placeholders and gives the solution; gradients
    reach whatever the problem holds: data, kernels, weights, networks, and the algorithm's own
    parameter. What is a ``torch.nn.Parameter`` in there is one of the module.

    Args:
        problem: the problem, or its objective.
        method: "unroll" for a fixed number of steps, "deq" for the fixed point that they lead to,
            "rl" for a policy that looks at the iterate every few steps and chooses noise levels
            and ρ, or ends the solve (it takes no learn, share and engine).
        algorithm: the algorithm to iterate, as for ``Problem.solve``.
        max_iter: the number of steps, for "rl" the most, for "deq" the most until its tolerances
            are met; None for 10, and 500 for "deq". Where gradients are wanted, "deq" goes on from
            there until the fixed point is exact enough to be differentiated.
        learn: a parameter to learn along: "rho", "step" or "weight", whichever the algorithm has.
        share: whether one value serves all steps; "deq" always shares.
        engine: "autograd" (memory ∝ steps), "recompute" (∝ √steps) or "implicit" (constant; the
            only one for "deq"); None takes autograd for "unroll".
        pack: for "rl", the steps between two decisions.
        price: for "rl", what a decision to go on costs in training, in units of the loss (dB).
        options: further options of the algorithm and tolerances, as for ``Problem.compile``.

    Returns:
        A module: ``module({placeholder: value})``.

    Raises:
        ParameterError: an option is unknown or out of range, or does not fit the method.

    Example:
        >>> import torch, dprox_core as dp
        >>> b = dp.Placeholder("b", shape=(1, 1, 8, 8))
        >>> x = dp.Variable("x", shape=(1, 1, 8, 8))
        >>> problem = dp.Problem(dp.sum_squares(x - b) + 0.1 * dp.norm1(dp.grad(x)))
        >>> layer = dp.specialize(problem, max_iter=5, learn="rho")
        >>> layer({b: torch.ones(1, 1, 8, 8)}).shape
        torch.Size([1, 1, 8, 8])

    References:
        Z. Lai et al., ∇-Prox: Differentiable Proximal Algorithm Modeling for Large-Scale
        Optimization, 2023, section 4.
    """
    problem = as_problem(problem)
    choice("method", method, ("unroll", "deq", "rl"))
    if method == "rl" and (learn is not None or engine is not None):
        raise ParameterError(
            'Method "rl" takes no learn and no engine: its policy chooses σ and ρ.',
            got="learn" if learn is not None else "engine",
            where="method",
        )
    default = "implicit" if method == "deq" else "autograd"
    engine = choice("engine", engine or default, tuple(ENGINES))
    if (method == "deq") != (engine == "implicit"):
        raise ParameterError(
            f'Engine "{engine}" does not go with method "{method}": "deq" takes the implicit '
            "engine, and only it.",
            expected=default,
            got=engine,
            where="engine",
        )
    if max_iter is None:
        max_iter = 500 if method == "deq" else 10
    whole_number("max_iter", max_iter, "max_iter")
    if method == "rl":
        return tuned(problem, algorithm, max_iter, pack, price, options)
    builder_of(algorithm, options)  # refuses what there is not
    tunable = _tunable(algorithm)
    if learn is not None and learn != tunable:
        has = f'only "{tunable}"' if tunable else "nothing"
        raise ParameterError(
            f"{algorithm} has no {learn!r} to learn: it has {has}.",
            expected=tunable,
            got=learn,
            where="learn",
        )
    shared = share or method == "deq"
    return Specialized(problem, algorithm, max_iter, engine, learn, shared, options)


def _tunable(algorithm: str) -> str | None:
    from dprox_core.compiler.methods import ALIASES, METHODS

    name = ALIASES.get(algorithm, algorithm)
    known: Sequence[str] = METHODS[name][0] if name in METHODS else ()
    return next((option for option in ("rho", "weight", "step") if option in known), None)
