"""The leaves: what is sought, what is given, what will be given."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch

from dprox_core.compat.arrays import as_data
from dprox_core.compat.linop.base import LinOp, Shape
from dprox_core.compat.scope import Scope
from dprox_core.errors import ParameterError

__all__ = ["Constant", "Placeholder", "Variable"]


class Variable(LinOp):
    """An unknown. Its shape may be left open until a solve gives a start or data.

    Args:
        shape: its shape, None to have it found.
        value: a value, which also tells the shape.
        name: its name in plans and errors.

    Attributes:
        value: the last value: as set, or the solution of the last solve.

    Example:
        >>> import torch, dprox_core.compat as dp
        >>> x = dp.Variable()
        >>> b = torch.tensor([3.0, -2.0])
        >>> dp.Problem(dp.sum_squares(x - b)).solve(x0=torch.zeros(2))
        tensor([ 3., -2.])
        >>> x.value
        tensor([ 3., -2.])
    """

    def __init__(
        self, shape: int | Sequence[int] | None = None, value: Any = None, name: str | None = None
    ) -> None:
        super().__init__()
        self.name = name or ""
        self._declared: Shape | None = None
        if shape is not None:
            extents = [shape] if isinstance(shape, int) else shape
            self._declared = tuple(operator.index(extent) for extent in extents)
        self._value: torch.Tensor | None = None
        if value is not None:
            self.value = value

    @property
    def shape(self) -> Shape | None:
        """The declared shape, None where it is open."""
        return self._declared

    @property
    def value(self) -> torch.Tensor | None:
        """The last value, None before there is one."""
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        self._value = None if value is None else as_data(value, "value")

    def required(self) -> torch.Tensor:
        """The value.

        Raises:
            ParameterError: there is none.
        """
        if self._value is None:
            raise ParameterError(
                f"{self.name or 'The variable'} has no value yet: set .value or solve first.",
                expected="a value",
                where=self.name or "x",
            )
        return self._value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x."""
        return x

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """y."""
        return y

    def _expression(self, scope: Scope) -> Any:
        return scope.variables[self]

    def _push(self, shape: Shape | None, found: dict[Any, Shape]) -> None:
        if shape is not None:
            found.setdefault(self, shape)


class Constant(LinOp):
    """Given data inside an expression; made for you where a tensor is written."""

    def __init__(self, value: Any = None) -> None:
        super().__init__()
        self._value = None if value is None else as_data(value, "value")

    @property
    def value(self) -> Any:
        """The tensor."""
        return self._value

    @property
    def shape(self) -> Shape | None:
        """The shape of the tensor."""
        return None if self._value is None else tuple(self._value.shape)

    def forward(self) -> torch.Tensor:
        """The tensor."""
        return self.required()

    def required(self) -> torch.Tensor:
        """The tensor.

        Raises:
            ParameterError: there is none yet.
        """
        if self._value is None:
            raise ParameterError(
                "A placeholder has no value: set its .value before solving.",
                expected="a value",
                where="placeholder",
            )
        return self._value

    def _expression(self, scope: Scope) -> Any:
        return scope.data(self.required())

    def _push(self, shape: Shape | None, found: dict[Any, Shape]) -> None:
        return


class Placeholder(Constant):
    """Data that is given later; gradients reach the very tensor that is given.

    Args:
        default: the value to begin with.

    Example:
        >>> import torch, dprox_core.compat as dp
        >>> x, b = dp.Variable(), dp.Placeholder()
        >>> problem = dp.Problem(dp.sum_squares(x - b))
        >>> b.value = torch.ones(2)
        >>> problem.solve()
        tensor([1., 1.])
    """

    def __init__(self, default: Any = None) -> None:
        super().__init__(default)
        self._watchers: list[Callable[[Any], object]] = []

    @property
    def value(self) -> Any:
        """The value in use."""
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        self._value = as_data(value, "value")
        for watcher in self._watchers:
            watcher(self._value)

    def change(self, callback: Callable[[Any], object]) -> None:
        """Call a function with each new value."""
        self._watchers.append(callback)
