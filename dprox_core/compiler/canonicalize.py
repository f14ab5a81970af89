"""From expressions to a model: one linear operator per variable and term, numbers in place."""

from __future__ import annotations

import cmath
import math

import torch

from dprox_core.compiler.model import BoundTerm, Model, Penalty, Row
from dprox_core.errors import CompileError, DataError, ParameterError
from dprox_core.expressions.affine import dense
from dprox_core.expressions.algebra import Apply
from dprox_core.expressions.base import Expression
from dprox_core.expressions.binding import Binding
from dprox_core.linops.algebra import Composition
from dprox_core.linops.base import LinOp
from dprox_core.linops.parts import Embedded
from dprox_core.proxfns.base import Objective, ProxFn, Step, Term, bind
from dprox_core.proxfns.indicators import Box

__all__ = ["canonicalize"]


def canonicalize(objective: Objective, binding: Binding) -> Model:
    """The model of an objective.

    Args:
        objective: what is to be minimized, constraints included as indicators.
        binding: where numbers come from.

    Raises:
        CompileError: the objective depends on no variable.
        ParameterError: two variables share a name, or a weight is negative.
        DataError: an operand holds NaN or infinity.
    """
    variables = objective.variables
    if not variables:
        raise CompileError(
            f"The objective {objective.describe()} depends on no variable: there is nothing to "
            "solve for.",
            expected="a variable",
            got=objective.describe(),
            where=objective.describe(),
        )
    names = [variable.name for variable in variables]
    for name in names:
        if names.count(name) > 1:
            raise ParameterError(
                f'Two different variables are called "{name}": give each a name of its own.',
                expected="different names",
                got=name,
                where=name,
            )
    terms: list[BoundTerm] = []
    constant: torch.Tensor | float = objective.offset
    for term in objective.terms:
        penalty, row, known = _bound(term, binding, {v: i for i, v in enumerate(variables)})
        constant = constant + known
        if row is None:
            assert penalty.offset is not None
            constant = constant + penalty.value(torch.zeros_like(penalty.offset))
        else:
            found = _lowest_obstacle(term.expression, binding, penalty.function)
            hindered = () if found is None else tuple(v.name for v in found.variables)
            shown = "" if found is None else found.describe()
            argument = term.expression.describe()
            terms.append(BoundTerm(penalty, row, term.describe(), argument, shown, hindered))
    spaces = tuple(binding.space(variable) for variable in variables)
    return Model(variables, spaces, tuple(terms), constant)


def _bound(
    term: Term, binding: Binding, index: dict[object, int]
) -> tuple[Penalty, Row | None, torch.Tensor | float]:
    """The function, the operators inside it, and what the term adds whatever the variables."""
    affine = binding.affine(term.expression)
    function = bind(term.function, binding, term.expression, term.operands, term.options)
    weight, offset = _weight(term, binding), affine.offset
    entries = sorted(
        ((index[v], operator) for v, operator in affine.operators.items()), key=lambda e: e[0]
    )
    known: torch.Tensor | float = 0.0
    kinds = {operator.range.is_complex for _, operator in entries}
    if kinds == {False} and function.is_sum_squares and offset is not None and offset.is_complex():
        # ‖A x + b‖² = ‖A x + Re b‖² + ‖Im b‖².
        known, offset = weight * offset.imag.square().sum(), offset.real
        function = type(function)(entries[0][1].range)
    elif False in kinds and (True in kinds or (offset is not None and offset.is_complex())):
        entries = [(i, o if o.range.is_complex else _embedded(o)) for i, o in entries]
    penalty = Penalty(function, weight, None, offset)
    return penalty, Row(tuple(entries)) if entries else None, known


def _embedded(operator: LinOp) -> LinOp:
    """The operator with its real values among complex ones."""
    return Composition(Embedded(operator.range), operator)


def _lowest_obstacle(
    expression: Expression, binding: Binding, function: ProxFn
) -> Expression | None:
    """The lowest part of an argument that no prox absorbs; None for none."""
    # Orthogonal operators are absorbed where nothing else is in the way.
    found = _obstacle(expression, binding, function, rotates=True)
    return _obstacle(expression, binding, function, rotates=False) if found is None else found


def _obstacle(
    expression: Expression, binding: Binding, function: ProxFn, rotates: bool
) -> Expression | None:
    for child in expression.children:
        if child.variables:
            found = _obstacle(child, binding, function, rotates)
            if found is not None:
                return found
    if len(expression.variables) > 1:
        return expression
    if not isinstance(expression, Apply):
        return None
    operator = binding.operator(expression)
    diagonal = operator.diagonal()
    if diagonal is not None:
        return expression if diagonal.ndim and not function.separable else None
    turned = rotates and operator.is_orthogonal and not isinstance(function, Box)
    return None if turned else expression


def _weight(term: Term, binding: Binding) -> Step:
    """The product of a weight's factors, a number unless it wants a gradient."""
    weight: Step = term.number
    for factor in term.factors:
        value = dense(binding.value(factor)).reshape(())
        number = value.item()
        if isinstance(number, complex) or not (math.isfinite(number) and number >= 0):
            why = ": a negative weight is not convex." if number == -abs(number) else "."
            raise (ParameterError if cmath.isfinite(number) else DataError)(
                f"The weight {factor.describe()} of {term.describe_function()} must be a real "
                f"number from 0, not {number:g}{why}",
                expected="a real number from 0",
                got=number,
                where=term.describe_function(),
            )
        weight = weight * (value if value.requires_grad else number)
    return weight
