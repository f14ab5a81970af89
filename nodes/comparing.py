"""Conditions and matrix products of a script: ``x >= 0``, ``0 <= x <= 1``, ``A @ x == b``."""

from __future__ import annotations

import ast
import math
from abc import abstractmethod

from nodes.analysis import Analysis
from nodes.catalogue import CATALOGUE
from nodes.grammars import GRAMMARS, whole_numbers
from nodes.literals import number_of, refusal, short
from nodes.making import Maker, Ref, Value
from nodes.shapes import Shape, Shapes
from nodes.spec import NodeSpec, PortType

__all__ = ["Comparing"]

# A bound: a number, or data of the script.
_Bound = float | Value


class Comparing(Maker):
    """Makes the nodes of comparisons and of ``@``."""

    @abstractmethod
    def value(self, expression: ast.expr, name: str | None) -> Value:
        """What an expression gives."""

    def comparison(self, expression: ast.Compare, name: str | None) -> Ref:
        """A constraint node for a condition.

        Raises:
            ImportScriptError: no node says this.
        """
        sides = [expression.left, *expression.comparators]
        kinds = {type(operation) for operation in expression.ops}
        if kinds <= {ast.Lt, ast.Gt, ast.LtE, ast.GtE} and kinds & {ast.Lt, ast.Gt}:
            raise refusal("a strict inequality has no nearest point: write <= or >=.", expression)
        single = len(sides) == 2
        if kinds == {ast.GtE}:
            sides.reverse()
        elif kinds != {ast.LtE} and not (kinds == {ast.Eq} and single):
            raise refusal(
                f"“{short(expression)}” is no condition: write x >= 0, 0 <= x <= 1 or A @ x == b.",
                expression,
            )
        given = [self._side(side) for side in sides]
        unknown = [index for index, side in enumerate(given) if self._is_unknown(side)]
        if single and len(unknown) == 2:
            # x >= y is x − y >= 0.
            low, high = given
            given, unknown = [0.0, self._difference(high, low, expression)], [1]
        if not (len(unknown) == 1 and (single or (len(sides) == 3 and unknown == [1]))):
            raise refusal(
                f"“{short(expression)}” must have an unknown on one side, or between two bounds.",
                expression,
            )
        held = given[unknown[0]]
        assert not isinstance(held, float)
        if kinds == {ast.Eq}:
            return self._constraint("equal", name, held, {"b": given[1 - unknown[0]]}, expression)
        lower = given[unknown[0] - 1] if unknown[0] else None
        upper = given[unknown[0] + 1] if unknown[0] + 1 < len(given) else None
        if upper is None and lower == 0.0:
            return self._constraint("nonneg", name, held, {}, expression)
        if isinstance(lower, float) and isinstance(upper, float):
            made = self._constraint("box", name, held, {}, expression)
            self.give(made, "lower", lower)
            self.give(made, "upper", upper)
            return made
        bounds = {"lower": lower, "upper": upper}
        return self._constraint("limits", name, held, bounds, expression)

    def product(self, expression: ast.BinOp, name: str | None) -> Ref:
        """A matrix node for ``A @ x``: down the rows of a picture, along a vector.

        Raises:
            ImportScriptError: the matrix stands on the right, or nothing is known about x.
        """
        matrix, operand = self.value(expression.left, None), self.value(expression.right, None)
        if self._is_unknown(matrix):
            raise refusal("write the matrix on the left, A @ x.", expression)
        assert isinstance(operand, Ref)
        shape = self._shape(operand)
        if shape is None:
            raise refusal(
                "the shape of what is multiplied is not known here: write matrix(x, A, axis=-1), "
                "with the axis along which the matrix acts.",
                expression.right,
            )
        spec = CATALOGUE["matrix"]
        made = self.make(spec, name, {"axis": -1 if len(shape) < 2 else -2})
        for port, value in zip(spec.inputs, (operand, matrix), strict=True):
            self.wire(value, made, port, expression)
        return made

    def term(self, value: Value, place: ast.expr) -> Value:
        """A value where a term must stand; one number, such as c @ x, is a linear term."""
        shape = self._shape(value) if isinstance(value, Ref) and self._is_unknown(value) else None
        if shape is not None and math.prod(shape) == 1:
            return self._constraint("linear", None, value, {}, place, weight=1.0)
        return value

    def of_shape(self, spec: NodeSpec, shape: ast.expr) -> Ref:
        """Zeros of a shape that is written out, for what takes the shape of a picture.

        Raises:
            ImportScriptError: it is no shape.
        """
        text = GRAMMARS["shape"].text(shape)
        if text is None or any(extent < 1 for extent in whole_numbers(text)):
            raise refusal(
                f"{spec.function} takes NAME.shape here, the shape of an image of the script, or "
                "whole numbers from 1 such as (1, 1, 64, 64).",
                shape,
            )
        zero = self.make(CATALOGUE["array"], None, {"values": "0"})
        wide = CATALOGUE["broadcast_to"]
        made = self.make(wide, None, {"shape": text})
        self.wire(zero, made, wide.inputs[0], shape)
        return made

    def _shape(self, value: Ref) -> Shape | None:
        return Shapes(Analysis.of(self.document)).of.get(value.node)

    def _side(self, side: ast.expr) -> _Bound:
        number = number_of(side)
        return self.value(side, None) if number is None else float(number)

    def _is_unknown(self, value: _Bound | None) -> bool:
        if value is None or isinstance(value, float):
            return False
        return self.carried(value) is PortType.EXPRESSION

    def _difference(self, high: _Bound, low: _Bound, place: ast.expr) -> Ref:
        spec = CATALOGUE["subtract"]
        made = self.make(spec, None, {})
        for port, value in zip(spec.inputs, (high, low), strict=True):
            assert not isinstance(value, float)
            self.wire(value, made, port, place)
        return made

    def _constraint(
        self,
        kind: str,
        name: str | None,
        held: Value,
        bounds: dict[str, _Bound | None],
        place: ast.expr,
        **parameters: float,
    ) -> Ref:
        """A node on an expression, with numbers as arrays; the bound 0 of an equation is left."""
        spec = CATALOGUE[kind]
        made = self.make(spec, name, parameters)
        self.wire(held, made, spec.inputs[0], place)
        for port in spec.inputs[1:]:
            bound = bounds.get(port.name)
            if bound is None or (kind == "equal" and bound == 0.0):
                continue
            if isinstance(bound, float):
                bound = self.make(CATALOGUE["array"], None, {"values": f"{bound!r}"})
            self.wire(bound, made, port, place)
        return made
