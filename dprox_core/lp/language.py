"""From problems written with ``c @ x`` and ``A @ x <= b`` to linear programs and back."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from dprox_core.errors import ParameterError, ShapeError, nearest
from dprox_core.expressions.base import Expression, as_expression
from dprox_core.expressions.binding import Binding
from dprox_core.expressions.constraints import Constraint
from dprox_core.expressions.leaves import Variable
from dprox_core.lp.certificate import Certificate
from dprox_core.lp.extract import entries
from dprox_core.lp.gradient import attach, parameters
from dprox_core.lp.model import LinearProgram
from dprox_core.lp.outcome import LPResult
from dprox_core.lp.presolve import crossover
from dprox_core.lp.solve import solve_lp
from dprox_core.lp.view import View
from dprox_core.proxfns.base import Objective, Term
from dprox_core.proxfns.indicators import Box, Nonneg
from dprox_core.proxfns.linear import Linear
from dprox_core.proxfns.sets import Equal
from dprox_core.result import Result, Status

if TYPE_CHECKING:
    from dprox_core.problem import Problem

__all__ = ["Duals", "LinearResult", "Written", "is_linear", "solve_linear", "write_program"]

Array = NDArray[np.float64]
Limit = tuple[Constraint | None, Expression, Expression | None, Expression | None]
"""A condition lower ≤ expression ≤ upper, and the constraint it came from."""


class Duals(Mapping[Any, torch.Tensor]):
    """The duals of a problem's constraints, by constraint, name or position."""

    def __init__(self, held: list[tuple[Constraint | None, torch.Tensor]]) -> None:
        self._held = held

    def __getitem__(self, key: object) -> torch.Tensor:
        for i, (constraint, dual) in enumerate(self._held):
            name = None if constraint is None else constraint.name
            if constraint is key or (isinstance(key, int) and key == i):
                return dual
            if isinstance(key, str) and name == key:
                return dual
        raise ParameterError(
            f"{key} is no constraint of this problem: name one with .named(…), or give the "
            f"constraint itself or its number from 0 to {len(self._held) - 1}.",
            expected=[c.name for c, _ in self._held if c is not None and c.name],
            got=str(key),
            where="duals",
        )

    def __iter__(self) -> Iterator[Any]:
        return iter(
            c.name if c is not None and c.name else i for i, (c, _) in enumerate(self._held)
        )

    def __len__(self) -> int:
        return len(self._held)


@dataclass(repr=False)
class LinearResult(Result):
    """The outcome of a problem that is a linear program.

    Attributes:
        duals: how the optimum changes with each constraint's limit, in the constraint's shape; by
            constraint, name or position.
        reduced_costs: how it would change with each variable's own bound, by variable.
        certificate: residuals and gap in original units; None where there is no solution.
        timings: seconds by part.
        lp: the program, its solution and everything else as vectors.
    """

    duals: Duals = field(default_factory=lambda: Duals([]))
    reduced_costs: dict[Variable, torch.Tensor] = field(default_factory=dict)
    certificate: Certificate | None = None
    timings: dict[str, float] = field(default_factory=dict)
    lp: LPResult | None = None


@dataclass(frozen=True)
class Written:
    """A problem as a linear program.

    Attributes:
        program: the vectors and the matrix.
        variables: each with its columns.
        constraints: each (None for a term of the objective) with its shape and its rows.
        costs: the terms of the objective.
        limits: the conditions as expressions, in the order of ``constraints``.
        binding: the numbers behind all expressions.
    """

    program: LinearProgram
    variables: dict[Variable, slice]
    constraints: tuple[tuple[Constraint | None, tuple[int, ...], slice], ...]
    costs: tuple[Term, ...]
    limits: tuple[Limit, ...]
    binding: Binding

    def expressions(self) -> list[Expression]:
        """Everything that holds data."""
        return _expressions(self.costs, self.limits)

    def cost(self, u: Array) -> torch.Tensor:
        """cᵀ u with c attached to its data."""
        values, total = self.values(u), torch.zeros((), dtype=torch.float64)
        for term in self.costs:
            weight = torch.tensor(term.number, dtype=torch.float64)
            for factor in term.factors:
                weight = weight * self.binding.value(factor).reshape(())
            coefficient = weight * self.binding.value(term.operands[0])
            affine = self.binding.affine(term.expression)
            for variable, operator in affine.operators.items():
                total = total + (coefficient * operator.forward(values[variable])).sum()
        return total

    def image(self, limit: Limit, u: Array, offset: bool = False) -> torch.Tensor:
        """A u of one condition, flat, with A attached to its data; plus the constant part."""
        values, expression = self.values(u), limit[1]
        affine = self.binding.affine(expression)
        assert expression.shape is not None
        total = torch.zeros(expression.shape, dtype=torch.float64)
        for variable, operator in affine.operators.items():
            total = total + operator.forward(values[variable])
        if offset and affine.offset is not None:
            total = total + affine.offset
        return total.reshape(-1)

    def limit(self, limit: Limit, at_lower: NDArray[np.bool_]) -> torch.Tensor:
        """The limit that each row of a condition is at; zero where it has none."""
        _, expression, lower, upper = limit
        assert expression.shape is not None
        zero = torch.zeros(expression.shape, dtype=torch.float64)
        low, high = (
            zero if e is None else self.binding.value(e, infinite=True).expand(expression.shape)
            for e in (lower, upper)
        )
        chosen = torch.where(torch.from_numpy(at_lower), low.reshape(-1), high.reshape(-1))
        return torch.where(chosen.isfinite(), chosen, 0.0)

    def values(self, x: Array | torch.Tensor) -> dict[Variable, torch.Tensor]:
        """A vector cut into the variables."""
        vector = x if isinstance(x, torch.Tensor) else torch.from_numpy(np.array(x))
        return {v: vector[place].reshape(v.shape) for v, place in self.variables.items()}

    def join(self, given: object) -> Array | None:
        """The vector of values given for some of the variables; zeros for the others."""
        if given is None:
            return None
        if not isinstance(given, Mapping):
            given = {next(iter(self.variables)): given}
        x = np.zeros(self.program.n)
        for key, value in given.items():
            match = [v for v in self.variables if v is key or v.name == key]
            if not match:
                raise ParameterError(
                    f"x0 names {getattr(key, 'name', key)}, which is no variable of this problem.",
                    expected=[v.name for v in self.variables],
                    got=str(getattr(key, "name", key)),
                    where="x0",
                )
            tensor = torch.as_tensor(value, dtype=torch.float64).detach().cpu()
            if tuple(tensor.shape) != match[0].shape:
                raise ShapeError(
                    f"x0 for {match[0].name} has shape {tuple(tensor.shape)}, but {match[0].name} "
                    f"has shape {match[0].shape}.",
                    expected=match[0].shape,
                    got=tuple(tensor.shape),
                    where="x0",
                )
            x[self.variables[match[0]]] = tensor.reshape(-1).numpy()
        return x


def is_linear(problem: Problem) -> bool:
    """Whether a problem has a linear objective and otherwise only limits of linear expressions."""
    terms = problem.objective.terms
    limits = [term for term in terms if term.function is not Linear]
    for constraint in problem.constraints:
        if isinstance(constraint, Objective):
            limits += constraint.terms
    real = not any(variable.is_complex for variable in problem.variables)
    return (
        real
        and len(limits) < len(terms) + len(problem.constraints)
        and (
            any(term.function is Linear for term in terms)
            and all(term.function in (Box, Nonneg, Equal) for term in limits)
        )
    )


def write_program(problem: Problem) -> Written:
    """The linear program of a problem.

    Args:
        problem: one for which ``is_linear`` holds.

    Raises:
        CompileError: an operator gives no matrix.
        DataError: data holds NaN.
    """
    limits = _limits(problem)
    costs = [term for term in problem.objective.terms if term.function is Linear]
    binding = Binding(_expressions(costs, limits), device="cpu")
    binding.dtype = torch.float64
    columns: dict[Variable, slice] = {}
    for variable in problem.variables:
        start = max((place.stop for place in columns.values()), default=0)
        columns[variable] = slice(start, start + int(np.prod(variable.shape)))
    n = max(place.stop for place in columns.values())
    c, c0 = np.zeros(n), problem.objective.offset
    for term in costs:
        weight = term.number * float(
            np.prod([binding.value(factor).detach().item() for factor in term.factors])
        )
        rows, offset = _rows(term.expression, binding, columns, n)
        coefficient = weight * _limit(term.operands[0], 0.0, term.expression, binding)
        c += rows.T @ coefficient
        c0 += float(coefficient @ offset)
    blocks, lows, highs, places, m = [], [], [], [], 0
    for constraint, expression, lower, upper in limits:
        block, offset = _rows(expression, binding, columns, n)
        blocks.append(block)
        lows.append(_limit(lower, -np.inf, expression, binding) - offset)
        highs.append(_limit(upper, np.inf, expression, binding) - offset)
        assert expression.shape is not None
        places.append((constraint, expression.shape, slice(m, m + block.shape[0])))
        m += block.shape[0]
    program = LinearProgram(
        c,
        sp.vstack(blocks, format="csr") if blocks else None,
        np.concatenate(lows) if lows else np.zeros(0),
        np.concatenate(highs) if highs else np.zeros(0),
        -np.inf,
        np.inf,
        c0=c0,
        sense=problem.sense,
    )
    return Written(program, columns, tuple(places), tuple(costs), tuple(limits), binding)


def _expressions(costs: Sequence[Term], limits: Sequence[Limit]) -> list[Expression]:
    used: list[Expression] = [e for term in costs for e in term.expressions()]
    for _, expression, lower, upper in limits:
        used += [e for e in (expression, lower, upper) if e is not None]
    return used


def _limits(problem: Problem) -> list[Limit]:
    """All conditions as lower ≤ expression ≤ upper, constraints first."""
    found: list[Limit] = []
    terms: list[Term] = [t for t in problem.objective.terms if t.function is not Linear]
    for constraint in problem.constraints:
        if isinstance(constraint, Constraint):
            found.append((constraint, constraint.expression, constraint.lower, constraint.upper))
        else:
            found += [_limit_of(term) for term in constraint.terms]
    return found + [_limit_of(term) for term in terms]


def _limit_of(term: Term) -> Limit:
    if term.function is Nonneg:
        return None, term.expression, as_expression(0.0), None
    # An equality has one operand, which is both limits.
    lower, upper = term.operands[0], term.operands[-1]
    return None, term.expression, lower, upper


def _rows(
    expression: Expression, binding: Binding, columns: dict[Variable, slice], n: int
) -> tuple[sp.csr_array, Array]:
    """Matrix and constant of an expression, over all variables."""
    affine = binding.affine(expression)
    assert expression.shape is not None
    m = int(np.prod(expression.shape))
    parts = []
    for variable, operator in affine.operators.items():
        part = entries(operator).tocoo()
        place = part.row, part.col + columns[variable].start
        parts.append(sp.coo_array((part.data, place), shape=(m, n)))
    rows = sp.csr_array((m, n))
    for part in parts:
        rows = rows + part.tocsr()
    if affine.offset is None:
        return rows, np.zeros(m)
    offset = affine.offset.detach().expand(expression.shape).reshape(-1)
    return rows, offset.to(torch.float64).numpy().copy()


def _limit(
    limit: Expression | None, missing: float, expression: Expression, binding: Binding
) -> Array:
    assert expression.shape is not None
    if limit is None:
        return np.full(int(np.prod(expression.shape)), missing)
    value = binding.value(limit, infinite=True).detach().to(torch.float64)
    return value.expand(expression.shape).reshape(-1).numpy().copy()


def solve_linear(
    problem: Problem,
    method: str,
    x0: object,
    max_iter: int | None,
    device: str | torch.device | None,
    options: Mapping[str, Any],
) -> LinearResult:
    """Solve a problem as the linear program that it is.

    Args:
        problem: one for which ``is_linear`` holds.
        method: as for ``solve_lp``.
        x0: values of some of the variables to start from.
        max_iter: None for ``solve_lp``'s own limit.
        device: None for the CPU.
        options: further options of ``solve_lp``.
    """
    known = inspect.signature(solve_lp).parameters
    for name in options:
        if name not in known or name in ("program", "view"):
            allowed = ", ".join(n for n in known if n not in ("program", "method", "view"))
            raise ParameterError(
                f'A linear program has no option "{name}": '
                + nearest(name, allowed.split(", "), f"it has {allowed}."),
                expected=allowed,
                got=name,
                where=name,
            )
    written = write_program(problem)
    more = dict(options) if max_iter is None else {**options, "max_iter": max_iter}
    view = View(lambda result: _result(written, view, result), written.values, problem.describe())
    solve_lp(
        written.program, method, x0=written.join(x0), device=device or "cpu", view=view, **more
    )
    result = view.result
    assert isinstance(result, LinearResult)
    return result


def _result(written: Written, view: View, found: LPResult) -> LinearResult:
    x, y = torch.from_numpy(np.array(found.x)), torch.from_numpy(np.array(found.y))
    held = parameters(written)
    if held and found.status is Status.OPTIMAL and torch.is_grad_enabled():
        sign = 1.0 if written.program.sense == "min" else -1.0
        basis = crossover(written.program.minimized(), found.x, sign * found.y)
        if basis is not None:
            x, y = attach(written, basis, sign, held)
    plan, metrics = view.summary(found)
    return LinearResult(
        values=written.values(x),
        objective=found.objective,
        status=found.status,
        history=found.history,
        iterations=found.iterations,
        seconds=found.seconds,
        plan=plan,
        device=view.device,
        metrics=metrics,
        duals=Duals([(c, y[place].reshape(shape)) for c, shape, place in written.constraints]),
        reduced_costs=written.values(found.z),
        certificate=found.certificate,
        timings=found.timings,
        lp=found,
    )
