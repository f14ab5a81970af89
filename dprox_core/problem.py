"""A problem: what is to be minimized, under which conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import nn

from dprox_core.arguments import whole_number
from dprox_core.compiler.canonicalize import canonicalize
from dprox_core.compiler.compile import ABS_TOL, REL_TOL, compile_problem
from dprox_core.errors import ParameterError
from dprox_core.expressions.base import Expression
from dprox_core.expressions.binding import Binding
from dprox_core.expressions.constraints import Constraint
from dprox_core.expressions.leaves import Constant, Variable, as_tensor
from dprox_core.given import refuse_complex, refuse_other_shape
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Objective
from dprox_core.proxfns.linear import linear
from dprox_core.result import Result
from dprox_core.solver import Solver

__all__ = ["Problem", "as_problem", "compile"]

Constraints = (
    Sequence[Constraint | Objective] | Mapping[str, Constraint | Objective] | Constraint | Objective
)


class Problem:
    """Minimize an objective over its variables, under constraints.

    Args:
        objective: a sum of penalties or a list of them, or one linear number such as ``c @ x``.
        constraints: conditions such as ``x >= 0``, ``A @ x == b`` and ``0 <= conv(x, k) <= 1``, or
            indicators such as ``nonneg(x)``; a list, or a mapping from names to them.
        sense: "min", or "max" for a linear objective.

    A problem with a linear objective and linear constraints only is a linear program, and solved
    as such (``solve_lp``).

    Raises:
        ParameterError: the objective is no penalty, a constraint is neither, or two constraints
            have one name.

    Example:
        >>> import torch, dprox_core as dp
        >>> x = dp.Variable("x", shape=(3,))
        >>> b = torch.tensor([3.0, -2.0, 0.1])
        >>> problem = dp.Problem(dp.sum_squares(x - b) + dp.norm1(x), [x >= 0])
        >>> [round(value, 3) for value in problem.solve()[x].tolist()]
        [2.5, 0.0, 0.0]

    References:
        F. Heide et al., ProxImaL: Efficient Image Optimization using Proximal Algorithms, 2016.
    """

    def __init__(
        self,
        objective: Objective | Expression,
        constraints: Constraints = (),
        sense: Literal["min", "max"] = "min",
    ) -> None:
        if sense not in ("min", "max"):
            raise ParameterError(
                f'The sense of a problem is "min" or "max", not {sense!r}.',
                expected=("min", "max"),
                got=sense,
                where="sense",
            )
        if isinstance(objective, (list, tuple)) and objective:
            objective = sum(objective[1:], start=objective[0])
        if isinstance(objective, Expression) and objective.is_one_number:
            objective = linear(objective)
        if not isinstance(objective, Objective):
            raise ParameterError(
                f"A problem minimizes a penalty, such as sum_squares(x - b), or one linear number, "
                f"such as c @ x, not {objective!s:.60}.",
                expected="a penalty, or a linear expression of one number",
                got=type(objective).__name__,
                where="objective",
            )
        self.objective = objective
        self.constraints = _listed(constraints)
        _refuse_one_name(self.constraints)
        self.sense = sense
        self._whole = sum((_indicator(c) for c in self.constraints), start=objective)
        if sense == "max" and not _is_linear(self):
            raise ParameterError(
                "Only linear objectives under linear constraints are maximized: write the negative "
                "of the objective and minimize it.",
                expected="min",
                got="max",
                where="sense",
            )

    @property
    def whole(self) -> Objective:
        """The objective with the constraints as indicators."""
        return self._whole

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The unknowns, in the order of first appearance."""
        return self._whole.variables

    def parameters(self) -> tuple[torch.Tensor, ...]:
        """The numbers to be trained, each once, for an optimizer.

        Those of priors and learned operators, and data that is a ``torch.nn.Parameter``.
        """
        found: dict[int, torch.Tensor] = {}
        for term in self._whole.terms:
            held = list(term.function.parameters(term.options))
            for expression in term.expressions():
                for node in expression.walk():
                    held.extend(t for t in node.held_tensors() if t.requires_grad)
                    if isinstance(node, Constant) and isinstance(node.tensor, nn.Parameter):
                        held.append(node.tensor)
            found |= {id(tensor): tensor for tensor in held}
        return tuple(found.values())

    def describe(self) -> str:
        """The problem as written."""
        return f"{self.sense}imize {self._whole.describe()}"

    def __repr__(self) -> str:
        return f"<problem {self.describe()}>"

    def value(self, values: object) -> float:
        """The written objective at given values; infinite where a constraint is not met.

        Args:
            values: a tensor for the only variable, a mapping from variables (or their names), or a
                result.

        Raises:
            ShapeError: a value does not have its variable's shape.
            ParameterError: a variable has no value.
        """
        tensors = self._values(values)
        expressions = [e for term in self._whole.terms for e in term.expressions()]
        binding = Binding(expressions, extra=tensors)
        with torch.no_grad():
            model = canonicalize(self._whole, binding)
            x = tuple(binding.cast(tensor) for tensor in tensors)
            return reductions.number(model.constant) + sum(
                reductions.number(term.value(x)) for term in model.terms
            )

    def compile(
        self,
        method: str = "admm",
        *,
        abs_tol: float = ABS_TOL,
        rel_tol: float = REL_TOL,
        device: str | torch.device | None = None,
        **options: Any,
    ) -> Solver:
        """Prepare a solver: choose what solves what, compute spectra, norms and step sizes.

        Args:
            method: "admm" (or "admm_vxu", "dr") for any sum of penalties; "ladmm", "pdhg" (also
                "pc") and "pd3o" for the same without a linear system; "fista" or "pgd" for smooth
                terms plus one penalty; "hqs" for deep priors, which the others take too.
            abs_tol: absolute tolerance of the residuals, per element.
            rel_tol: relative tolerance of the residuals.
            device: "auto", "cpu", "cuda"; None computes where the data is.
            options: of the method. admm and dr: ``rho``, ``relaxation``, ``linear_solver`` ("cg" or
                "minres" where no closed form is wanted), ``split`` (a list of terms of the
                objective that proxes take, all other squares joining the linear solve); admm_vxu
                and hqs: ``rho``, ``linear_solver``, ``split``; hqs also ``dual_step``, from 0 (a
                penalty method, as with a list of ``rho``) to 1; ladmm: ``rho``; pdhg: ``step``,
                ``weight`` (the ratio of dual to primal steps), ``relaxation``, ``adaptive``,
                ``preconditioned``; pd3o: the same without relaxation, ``variant`` ("pd3o" or
                "condat_vu"); pgd: ``step``, ``backtracking``; fista: ``step``, ``restart``; with a
                deep prior: ``sigmas`` (noise levels, one for each iteration), ``steps``. ``rho``,
                the ``weight`` of pdhg and pd3o and the ``step`` of pgd and fista may be a list with
                one for each iteration, the last one kept, such as ``log_descent(8.0, 0.5, 20)``.
                For all: ``anderson`` (how many points to extrapolate from, such as 5), ``passes``
                (a mapping that switches passes of the compiler off, such as {"absorb": False}).

        Returns:
            A solver with ``.plan``, ``.init``, ``.step`` and ``.solve``.

        Raises:
            CompileError: the method does not accept the problem; the sentence says which part.
            ParameterError: an option is unknown or out of range.
            DataError: data holds NaN or infinity.
        """
        return compile_problem(self._whole, method, device, abs_tol, rel_tol, (), options)

    def solve(
        self,
        method: str = "auto",
        *,
        x0: object = None,
        max_iter: int | None = None,
        rho: float | torch.Tensor | Sequence[float] | None = None,
        abs_tol: float = ABS_TOL,
        rel_tol: float = REL_TOL,
        truth: object = None,
        device: str | torch.device | None = None,
        **options: Any,
    ) -> Result:
        """Find the variables that minimize the objective.

        Args:
            method: "admm" (or "admm_vxu", "dr") for any sum of penalties; "ladmm", "pdhg" (also
                "pc") and "pd3o" for the same without a linear system; "fista" or "pgd" for smooth
                terms plus one penalty; "hqs" for deep priors, which the others take too; "pdhg"
                or "admm" for a linear program; "auto" chooses.
            x0: where to start: a tensor, a mapping from variables, or an earlier result; None for
                zeros, or for a smooth image that fits the data where there is a deep prior.
            max_iter: the most iterations, from 1; None for 500, and a million for a linear program.
            rho: the penalty parameter of methods that split, above 0; None chooses and balances
                it; a list has one for each iteration.
            abs_tol: absolute tolerance of the residuals, per element.
            rel_tol: relative tolerance of the residuals.
            truth: the true values, if known, for PSNR in the history.
            device: "auto", "cpu", "cuda"; None computes where the data is.
            options: further options of the method, as for ``compile``; for a linear program those
                of ``solve_lp``: ``tol``, ``time_limit``, ``presolve``, ``crossover``, ….

        Returns:
            The result: ``result[x]``, ``.status``, ``.objective``, ``.history``, ``.plan``.

        Raises:
            CompileError: the method does not accept the problem; the sentence says which part.
            ParameterError: an option is unknown or out of range.
            DataError: data or x0 holds NaN or infinity.
            DeviceError: the device is missing or out of memory.
        """
        if rho is not None:
            options["rho"] = rho
        if method in ("auto", "pdhg", "admm") and rho is None and _is_linear(self):
            from dprox_core.lp.language import solve_linear

            chosen = options if rel_tol == REL_TOL else {"tol": rel_tol, **options}
            return solve_linear(self, method, x0, max_iter, device, chosen)
        method = "admm" if method == "auto" else method
        max_iter = 500 if max_iter is None else max_iter
        start = x0.values() if isinstance(x0, Mapping) else [x0]
        extra = tuple(t for t in start if isinstance(t, torch.Tensor))
        whole_number("max_iter", max_iter, "max_iter")
        solver = compile_problem(self._whole, method, device, abs_tol, rel_tol, extra, options)
        return solver.solve(x0, max_iter, truth)

    def _values(self, values: object) -> tuple[torch.Tensor, ...]:
        variables = self.variables
        values = values.values if isinstance(values, Result) else values
        if not isinstance(values, Mapping):
            if len(variables) != 1:
                raise ParameterError(
                    "This problem has several variables: give value a mapping from each to a "
                    "tensor.",
                    expected=[v.name for v in variables],
                    got=type(values).__name__,
                    where="values",
                )
            values = {variables[0]: values}
        by_name = {getattr(key, "name", key): value for key, value in values.items()}
        tensors = []
        for variable in variables:
            if variable.name not in by_name:
                raise ParameterError(
                    f"{variable.name} has no value: give one for each variable.",
                    expected=variable.name,
                    got=[str(name) for name in by_name],
                    where="values",
                )
            tensor = as_tensor(by_name[variable.name], f"The value for {variable.name}")
            refuse_other_shape(tensor, variable, "The value")
            refuse_complex(tensor, variable, "The value")
            tensors.append(tensor)
        return tuple(tensors)


def as_problem(given: Problem | Objective | Expression) -> Problem:
    """A problem as it is; an objective as the problem to minimize it.

    Raises:
        ParameterError: it is neither.
    """
    return given if isinstance(given, Problem) else Problem(given)


def compile(problem: Problem | Objective, method: str = "admm", **options: Any) -> Solver:
    """Prepare a solver for a problem; ``problem.compile`` as a function.

    A name of the package that ``from dprox_core import *`` leaves out, for Python has a ``compile``
    of its own.

    Args:
        problem: the problem, or its objective.
        method: the algorithm, as for ``Problem.compile``.
        options: tolerances, device and the method's own options.

    Raises:
        CompileError: the method does not accept the problem; the sentence says which part.
        ParameterError: an option is unknown or out of range.

    Example:
        >>> import dprox_core as dp
        >>> x = dp.Variable("x", shape=(4,))
        >>> solver = dp.compile(dp.Problem(dp.sum_squares(x - 1) + dp.norm1(x)), method="fista")
        >>> solver.plan.method
        'fista'
    """
    return as_problem(problem).compile(method, **options)


def _is_linear(problem: Problem) -> bool:
    """Whether it is a linear program; only then is it worth importing what solves one."""
    if not any(term.function.name == "linear" for term in problem.objective.terms):
        return False
    from dprox_core.lp.language import is_linear

    return is_linear(problem)


def _listed(constraints: Constraints) -> tuple[Constraint | Objective, ...]:
    """The constraints in order, those of a mapping under their names."""
    if isinstance(constraints, (Constraint, Objective)):
        return (constraints,)
    if not isinstance(constraints, Mapping):
        # An expression says why it is no list.
        if not isinstance(constraints, (list, tuple, set, Iterator)):
            return (constraints,)  # type: ignore[return-value]
        return tuple(constraints)
    return tuple(
        held.named(name) if isinstance(held, Constraint) else held
        for name, held in constraints.items()
    )


def _refuse_one_name(constraints: Sequence[Constraint | Objective]) -> None:
    """Duals are found by name."""
    names = [c.name for c in constraints if isinstance(c, Constraint) and c.name]
    for name in names:
        if names.count(name) > 1:
            raise ParameterError(
                f'Two constraints are called "{name}": give each a name of its own.',
                expected="different names",
                got=name,
                where="constraints",
            )


def _indicator(constraint: object) -> Objective:
    indicator = constraint.indicator if isinstance(constraint, Constraint) else constraint
    if not isinstance(indicator, Objective) or not all(
        term.function.is_indicator for term in indicator.terms
    ):
        raise ParameterError(
            f"A constraint is a condition such as x >= 0, not {constraint!s:.60}.",
            expected="a condition",
            got=type(constraint).__name__,
            where="constraints",
        )
    return indicator
