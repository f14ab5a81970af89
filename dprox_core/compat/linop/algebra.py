"""Nodes made of nodes: sums, scalings, stacks."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from dprox_core.compat.arrays import as_tensor
from dprox_core.compat.linop.base import LinOp, Shape
from dprox_core.compat.linop.leaves import Constant
from dprox_core.compat.linop.nodes import as_node
from dprox_core.compat.scope import Scope
from dprox_core.errors import ParameterError

__all__ = ["copy", "scale", "split", "sum", "vstack"]


class sum(LinOp):
    """The sum of expressions of one shape; data may broadcast into them.

    Args:
        input_nodes: the summands.
    """

    def __init__(self, input_nodes: Sequence[Any]) -> None:
        super().__init__(list(input_nodes))

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Σ x_i."""
        return builtins.sum(inputs[1:], start=inputs[0])

    def adjoint(self, y: torch.Tensor) -> list[torch.Tensor]:
        """y, for each summand."""
        return [y for _ in self.input_nodes]

    def _expression(self, scope: Scope) -> Any:
        first, *others = self.arguments
        # Two tensors side by side need no expression of our language.
        total: Any = scope.expression(first)
        for node in others:
            if isinstance(node, scale) and node.is_negation:
                # So that a plan reads x - b, not x + b with another b.
                total = total - scope.expression(node.arguments[0])
            else:
                total = total + scope.expression(node)
        return total

    def _bound_alone(self, mags: torch.Tensor) -> float:
        """The sum of all magnitudes."""
        return float(mags.sum())

    def _push(self, shape: Shape | None, found: dict[Any, Shape]) -> None:
        for node in self.arguments:
            held = constant_shape(node)
            if held and (shape is None or len(held) > len(shape)):
                shape = held
        super()._push(shape, found)


def constant_shape(node: Any) -> Shape | None:
    """The shape of a node that holds data only, scaled or not; None for all others."""
    while isinstance(node, scale):
        node = node.input_nodes[0]
    return node.shape if isinstance(node, Constant) else None


class scale(LinOp):
    """A number times an expression.

    Args:
        scalar: the number, or a tensor of one element.
        arg: the expression.
    """

    def __init__(self, scalar: Any, arg: Any) -> None:
        super().__init__([arg])
        if isinstance(scalar, Constant):
            scalar = scalar.required()
        elif isinstance(scalar, LinOp):
            raise ParameterError(
                "An expression is multiplied by a number, not by another expression: products of "
                "unknowns are not convex.",
                expected="a number",
                got=type(scalar).__name__,
                where="scale",
            )
        if not isinstance(scalar, (bool, int, float, complex)):
            scalar = as_tensor(scalar, "scalar")
            if scalar.numel() != 1:
                raise ParameterError(
                    f"An expression is multiplied by one number, not by a tensor of shape "
                    f"{tuple(scalar.shape)}: write mul_elementwise(x, w) for that.",
                    expected="one number",
                    got=tuple(scalar.shape),
                    where="scale",
                )
            scalar = scalar.reshape(())
        self.scalar = scalar

    @property
    def is_negation(self) -> bool:
        """Whether it is minus the expression."""
        return not isinstance(self.scalar, torch.Tensor) and self.scalar == -1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """s x."""
        return self.scalar * x

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """conj(s) y."""
        s = self.scalar
        return (s.conj() if isinstance(s, torch.Tensor) else s.conjugate()) * y

    def _expression(self, scope: Scope) -> Any:
        return self.scalar * scope.expression(self.arguments[0])


class copy(LinOp):
    """The same value once more.

    Args:
        arg: an expression.
    """

    def __init__(self, arg: Any) -> None:
        super().__init__([arg])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x."""
        return x

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """y."""
        return y

    def _expression(self, scope: Scope) -> Any:
        return scope.expression(self.arguments[0])


class vstack(LinOp):
    """Several expressions side by side; its value is the list of their values.

    A function of a stack, such as norm1, is the function of all parts together.

    Args:
        input_nodes: the parts, of any shapes.
    """

    def __init__(self, input_nodes: Sequence[Any]) -> None:
        super().__init__(list(input_nodes))

    def forward(self, *inputs: torch.Tensor) -> list[torch.Tensor]:
        """The parts, as a list."""
        return list(inputs)

    def adjoint(self, *outputs: Any) -> list[torch.Tensor]:
        """The parts, as a list."""
        first = outputs[0]
        return list(first) if len(outputs) == 1 and isinstance(first, (list, tuple)) else [*outputs]

    def _expression(self, scope: Scope) -> Any:
        from dprox_core.compat.errors import offered

        join = offered("vstack", "write the norm of each part and add them up")
        parts = [scope.expression(node) for node in self.arguments]
        if len({tuple(part.shape) for part in parts}) > 1:
            reshape = offered("reshape", "stack expressions of one shape")
            return join([reshape(part, (-1,)) for part in parts])
        return join(parts)

    def _bound_alone(self, mags: torch.Tensor) -> float:
        """The length of all magnitudes together."""
        return float(mags.norm())

    def _push(self, shape: Shape | None, found: dict[Any, Shape]) -> None:
        for node in self.arguments:
            node._push(None, found)


class split(LinOp):
    """The adjoint of a stack: its value is the sum of the copies it is given.

    Args:
        output_nodes: what the value goes to.
        input_nodes: the expression.
    """

    def __init__(self, output_nodes: Sequence[Any], input_nodes: Any = ()) -> None:
        super().__init__(input_nodes)
        self.output_nodes = nn.ModuleList(as_node(node) for node in output_nodes)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """A copy for each output."""
        return [x for _ in self.output_nodes]

    def adjoint(self, *outputs: Any) -> torch.Tensor:
        """The sum of what comes back."""
        first = outputs[0]
        listed = first if len(outputs) == 1 and isinstance(first, (list, tuple)) else outputs
        total: Any = builtins.sum(listed[1:], start=listed[0])
        return total
