"""The leaves of expressions: what is sought, what is given, what will be given."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from dprox_core.arguments import from_array, with_numbers
from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.base import Expression, Shape, broadcasts_into, number_text, shape_text

if TYPE_CHECKING:
    from dprox_core.expressions.affine import Affine
    from dprox_core.expressions.binding import Binding

__all__ = ["Constant", "Placeholder", "Variable"]

_DOUBLE = {torch.float32: torch.float64, torch.complex64: torch.complex128}
_DTYPES = (torch.float32, torch.float64, torch.complex64, torch.complex128)


class Variable(Expression):
    """An unknown, to be found by a solve.

    Args:
        name: its name in results, plans and formulae.
        shape: its shape, usually (B, C, H, W); any number of axes.
        dtype: float32, float64, complex64 or complex128, of torch or as text; None takes the
            precision of the data (float32 unless some data is float64) and real values.

    Raises:
        ParameterError: the name is empty or the dtype is not one of these.
        ShapeError: an extent is not a whole number from 1.

    Example:
        >>> import dprox_core as dp
        >>> x = dp.Variable("x", shape=(1, 3, 64, 64))
        >>> dp.grad(x).shape
        (1, 3, 64, 64, 2)
    """

    def __init__(
        self, name: str, shape: int | Sequence[int], dtype: torch.dtype | str | None = None
    ) -> None:
        if not isinstance(name, str) or not name:
            raise ParameterError(
                f'A variable needs a name, such as "x", not {name!r}.',
                expected="a non-empty string",
                got=name,
                where="name",
            )
        known = {str(held).removeprefix("torch."): held for held in _DTYPES}
        dtype = known.get(dtype, dtype) if isinstance(dtype, str) else dtype
        if dtype is not None and (isinstance(dtype, str) or dtype not in _DTYPES):
            raise ParameterError(
                f'Variable "{name}": dtype must be float32, float64, complex64 or complex128, '
                f"not {dtype}.",
                expected=_DTYPES,
                got=dtype,
                where=name,
            )
        self.name = name
        self.shape: Shape = _checked_shape(shape, f'Variable "{name}"')
        self.dtype = dtype
        self.is_complex = dtype is not None and dtype.is_complex

    @property
    def children(self) -> tuple[Expression, ...]:
        """None: a variable is a leaf."""
        return ()

    def describe(self) -> str:
        """Its name."""
        return self.name

    def affine(self, binding: Binding) -> Affine:
        """The identity on itself."""
        from dprox_core.expressions.affine import Affine
        from dprox_core.linops.algebra import Identity

        return Affine({self: Identity(binding.space(self))}, None)


class Constant(Expression):
    """A given tensor or number inside an expression; made for you where a tensor is written.

    Args:
        value: a tensor (its gradient is kept), an array or a number.
        role: the name it goes by in descriptions.

    Example:
        >>> import torch, dprox_core as dp
        >>> b = dp.Constant(torch.zeros(1, 1, 8, 8))
        >>> (dp.Variable("x", (1, 1, 8, 8)) - b).shape
        (1, 1, 8, 8)
    """

    def __init__(self, value: object, role: str = "b") -> None:
        self.is_number = isinstance(value, (bool, int, float, complex, np.number))
        self.tensor = as_tensor(value, role)
        # Numbers written out say nothing of the precision, and so must have all of theirs.
        self.is_written = self.is_number or isinstance(value, (list, tuple))
        if self.is_written and self.tensor.dtype in (torch.float32, torch.complex64):
            self.tensor = torch.as_tensor(value, dtype=_DOUBLE[self.tensor.dtype])
        self.role = role
        self.shape: Shape = tuple(self.tensor.shape)
        self.is_complex = self.tensor.is_complex()

    @property
    def children(self) -> tuple[Expression, ...]:
        """None: a constant is a leaf."""
        return ()

    def describe(self) -> str:
        """The number, or the role a tensor plays."""
        if self.is_number:
            return number_text(self.tensor.item())
        return self.role

    def affine(self, binding: Binding) -> Affine:
        """Itself as the offset."""
        from dprox_core.expressions.affine import Affine

        return Affine({}, binding.value(self))


class Placeholder(Expression):
    """Data that is given later and may change between solves, kept attached to autograd.

    Args:
        name: its name in descriptions.
        shape: the shape that values must have, or broadcast to; None takes that of the value.
        value: the value now; set ``.value`` at any time before a solve.

    Raises:
        ParameterError: the name is no string.
        ShapeError: a value does not broadcast to the shape declared.

    Example:
        >>> import torch, dprox_core as dp
        >>> b = dp.Placeholder("b", shape=(1, 1, 8, 8))
        >>> x = dp.Variable("x", shape=(1, 1, 8, 8))
        >>> problem = dp.Problem(dp.sum_squares(x - b))
        >>> b.value = torch.ones(1, 1, 8, 8)
        >>> float(problem.solve()[x].mean())
        1.0
    """

    def __init__(
        self,
        name: str | None = None,
        shape: int | Sequence[int] | None = None,
        value: object = None,
    ) -> None:
        if name is not None and not isinstance(name, str):
            raise ParameterError(
                f'The name of a placeholder is a string, such as "b", not {name!r:.60}; its value '
                "is given with value=.",
                expected="a string",
                got=name,
                where="name",
            )
        self.name = name
        self._declared = None if shape is None else _checked_shape(shape, self.describe())
        self._value: torch.Tensor | None = None
        if value is not None:
            self.value = value

    @property
    def shape(self) -> Shape | None:  # type: ignore[override]
        """The declared shape, else that of the value, else None."""
        if self._declared is not None:
            return self._declared
        return None if self._value is None else tuple(self._value.shape)

    @property
    def is_typed(self) -> bool:
        """Whether a shape was declared, so that every value has it."""
        return self._declared is not None

    @property
    def is_complex(self) -> bool:  # type: ignore[override]
        """Whether the value is complex; False while there is none."""
        return self._value is not None and self._value.is_complex()

    @property
    def value(self) -> torch.Tensor | None:
        """The value in use, the very tensor that was given."""
        return self._value

    @value.setter
    def value(self, value: object) -> None:
        tensor = as_tensor(value, f"The value of {self.describe()}")
        if self._declared is not None and not broadcasts_into(tuple(tensor.shape), self._declared):
            raise ShapeError(
                f"{self.describe()} was declared {shape_text(self._declared)}; a value of shape "
                f"{tuple(tensor.shape)} does not fit.",
                expected=self._declared,
                got=tuple(tensor.shape),
                where=self.describe(),
            )
        self._value = tensor

    @property
    def children(self) -> tuple[Expression, ...]:
        """None: a placeholder is a leaf."""
        return ()

    def describe(self) -> str:
        """Its name."""
        return self.name or "placeholder"

    def affine(self, binding: Binding) -> Affine:
        """Its value as the offset."""
        from dprox_core.expressions.affine import Affine

        return Affine({}, binding.value(self))


def as_tensor(value: object, what: str) -> torch.Tensor:
    """Data as a tensor: tensors as they are, arrays, numbers, lists, sparse matrices of scipy.

    Raises:
        ParameterError: it is nothing of these; ``what`` names it.
        DataError: it holds no numbers, or masked ones.
    """
    if isinstance(value, torch.Tensor):
        return with_numbers(value, what)
    if isinstance(value, (bool, int, float, np.floating, np.integer)):
        return torch.tensor(float(value), dtype=torch.float64)
    if hasattr(value, "tocoo"):
        # A sparse matrix of scipy, whose format stays the same through gradients.
        entries = value.tocoo()
        places = torch.from_numpy(np.vstack([entries.row, entries.col]).astype(np.int64))
        data = torch.from_numpy(np.array(entries.data))
        # scipy has checked that the entries lie inside.
        made = torch.sparse_coo_tensor(places, data, entries.shape, check_invariants=False)
        return made.coalesce()
    try:
        # A copy of an array, because the caller may change it.
        return from_array(value, what) if isinstance(value, np.ndarray) else torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ParameterError(
            f"{what} must be a tensor, an array or numbers, not {type(value).__name__} "
            f"{value!r:.60}.",
            expected="a tensor",
            got=type(value).__name__,
            where=what,
        ) from error


def _checked_shape(shape: int | Sequence[int], owner: str) -> Shape:
    try:
        several = shape if isinstance(shape, Iterable) else (shape,)
        extents = tuple(operator.index(n) for n in several if not isinstance(n, bool))
        good = len(extents) == len(tuple(several)) and all(n >= 1 for n in extents)
    except TypeError:
        good = False
    if not good:
        raise ShapeError(
            f"{owner}: a shape is whole numbers from 1, such as (1, 3, 480, 640), not {shape!r}.",
            expected="whole numbers from 1",
            got=shape,
            where=owner,
        )
    return extents
