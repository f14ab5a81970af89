"""Putting numbers into expressions: one device, one precision, every operand checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch

from dprox_core.arguments import is_traced
from dprox_core.errors import DataError, ParameterError
from dprox_core.expressions.affine import dense
from dprox_core.expressions.base import Expression
from dprox_core.expressions.leaves import Constant, Placeholder, Variable
from dprox_core.linops.space import Space
from dprox_core.sessions import default_device, resolve_device

if TYPE_CHECKING:
    from dprox_core.expressions.affine import Affine
    from dprox_core.expressions.algebra import Apply
    from dprox_core.linops.base import LinOp

__all__ = ["Binding", "evaluate"]


class Binding:
    """The numbers behind a set of expressions, each read, moved and checked once.

    Args:
        expressions: all expressions that will be bound.
        device: where to compute; None takes the device of the largest tensor among them, or the
            session's where there is none.
        extra: further tensors with a say in device and precision, such as a starting point.
        precision: the real working precision; None takes that of the variables, or of the data.

    Attributes:
        device: where everything lies.
        dtype: the real working precision, float32 or float64.
        requires_grad: whether some data wants a gradient.
        is_traced: whether torch.func or forward-mode differentiation watches some data.
    """

    def __init__(
        self,
        expressions: Iterable[Expression],
        device: str | torch.device | None = None,
        extra: Iterable[torch.Tensor] = (),
        precision: torch.dtype | None = None,
    ) -> None:
        nodes: dict[int, Expression] = {}
        for expression in expressions:
            for node in expression.walk():
                nodes.setdefault(id(node), node)
        self._parents = {id(c): n for n in nodes.values() for c in n.children}
        tensors = [t for t in (_leaf_tensor(node) for node in nodes.values()) if t is not None]
        tensors += [t for node in nodes.values() for t in node.held_tensors()]
        tensors += list(extra)
        variables = [node for node in nodes.values() if isinstance(node, Variable)]
        self.requires_grad = any(tensor.requires_grad for tensor in tensors)
        self.is_traced = any(is_traced(tensor) for tensor in tensors)
        self.device = _choose_device(device, tensors)
        self.dtype = precision or _choose_precision(variables, tensors)
        # The expression is kept beside its value so that its id stays its own.
        self._values: dict[tuple[int, bool], tuple[Expression, torch.Tensor]] = {}
        self._operators: dict[int, LinOp] = {}
        self._affine: dict[int, tuple[Expression, Affine]] = {}

    def affine(self, expression: Expression) -> Affine:
        """The expression as operators plus offset; shared sub-expressions are bound once."""
        held = self._affine.get(id(expression))
        if held is None:
            held = (expression, expression.affine(self))
            self._affine[id(expression)] = held
        return held[1]

    def value(self, expression: Expression, infinite: bool = False) -> torch.Tensor:
        """The value of a constant expression, on the device and in the working precision."""
        # What was let through as a bound is looked at again where it is data.
        held = self._values.get((id(expression), infinite))
        if held is None:
            if isinstance(expression, (Constant, Placeholder)):
                value = self._leaf(expression, infinite)
            else:
                value = expression.evaluate(self)
            held = (expression, value)
            self._values[id(expression), infinite] = held
        return held[1]

    def operator(self, node: Apply) -> LinOp:
        """The operator of a node with its operands' values put in."""
        held = self._operators.get(id(node))
        if held is None:
            # Shapes of placeholders may have been open when the node was made.
            node.operator.infer(node.argument, node.operands, **node.options)
            kind = node.operator
            operands = self.operands(
                node.operands, kind.keeps_numbers, keep_sparse=kind.keeps_sparse
            )
            held = node.operator(self.space(node.argument), *operands, **node.options)
            self._operators[id(node)] = held
        return held

    def operands(
        self,
        operands: Iterable[Expression],
        keep_numbers: bool = False,
        infinite: bool = False,
        keep_sparse: bool = False,
    ) -> list[Any]:
        """Operand values for a constructor.

        Args:
            operands: constant expressions.
            keep_numbers: whether plain numbers stay numbers instead of becoming tensors.
            infinite: whether infinite values mean something here, as they do in bounds.
            keep_sparse: whether sparse tensors stay so.
        """

        def form(tensor: torch.Tensor) -> torch.Tensor:
            return tensor if keep_sparse else dense(tensor)

        return [
            operand.tensor.item()
            if keep_numbers and isinstance(operand, Constant) and operand.is_number
            else form(self.value(operand, infinite))
            for operand in operands
        ]

    def space(self, expression: Expression) -> Space:
        """The space in which an expression takes its values."""
        assert expression.shape is not None
        return Space(expression.shape, expression.is_complex, self.dtype, self.device)

    def cast(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor on the device and in the working precision, complex where it was."""
        dtype = self.dtype.to_complex() if tensor.is_complex() else self.dtype
        return tensor.to(device=self.device, dtype=dtype)

    def _leaf(self, leaf: Constant | Placeholder, infinite: bool) -> torch.Tensor:
        tensor = _leaf_tensor(leaf, numbers=True)
        if tensor is None:
            raise ParameterError(
                f"{leaf.describe()} has no value: set its .value before solving.",
                expected="a value",
                got=None,
                where=leaf.describe(),
            )
        if leaf.shape is not None and tuple(tensor.shape) != leaf.shape:
            # A value that broadcasts to the declared shape; what holds it counts on that.
            tensor = dense(tensor).expand(leaf.shape)
        bound = self.cast(tensor)
        check_finite(bound, leaf.describe(), self._context(leaf), infinite)
        return bound

    def _context(self, leaf: Expression) -> str:
        parent = self._parents.get(id(leaf))
        while parent is not None and parent.is_constant and id(parent) in self._parents:
            parent = self._parents[id(parent)]
        return "" if parent is None else f" in {parent.describe()}"


# Numbers that are looked at in one go.
_AT_ONCE = 2**15


def check_finite(
    tensor: torch.Tensor, name: str, context: str = "", infinite: bool = False
) -> None:
    """Refuse data that holds NaN, or infinity unless that means something.

    Raises:
        DataError: with the operand's name and how many values are at fault.
    """
    values = tensor.detach()
    while torch._C._functorch.is_functorch_wrapped_tensor(values):
        values = torch._C._functorch.get_unwrapped(values)
    if values.layout is torch.sparse_coo:
        values = values.coalesce().values()
    elif values.layout is not torch.strided:
        values = values.values()
    # Piece by piece: in one go it takes as much memory as the data and half as much again.
    pieces = values.reshape(-1).split(_AT_ONCE)
    bad = sum(int((torch.isnan(v) if infinite else ~torch.isfinite(v)).sum()) for v in pieces)
    if bad:
        raise DataError(
            f"The operand {name}{context}, of shape {tuple(tensor.shape)}, holds {bad} "
            f"{'value that is' if bad == 1 else 'values that are'} NaN or infinite: replace or "
            "mask them first.",
            expected="finite values",
            got=f"{bad} NaN or infinite",
            where=name,
        )


def evaluate(expression: Expression) -> torch.Tensor:
    """The value of a constant expression in the precision of its own tensors."""
    return Binding([expression]).value(expression)


def _leaf_tensor(node: Expression, numbers: bool = False) -> torch.Tensor | None:
    if isinstance(node, Constant):
        return node.tensor if numbers or not node.is_written else None
    return node.value if isinstance(node, Placeholder) else None


def _choose_device(device: str | torch.device | None, tensors: list[torch.Tensor]) -> torch.device:
    if device is not None:
        return resolve_device(device)
    if tensors:
        return max(tensors, key=lambda tensor: tensor.numel()).device
    return default_device()


def _choose_precision(variables: list[Variable], tensors: list[torch.Tensor]) -> torch.dtype:
    declared = [v.dtype for v in variables if v.dtype is not None]
    # A single number in double precision, such as a weight, does not make the data double.
    given = declared or [t.dtype for t in tensors if t.ndim > 0]
    double = any(dtype in (torch.float64, torch.complex128) for dtype in given)
    return torch.float64 if double else torch.float32
