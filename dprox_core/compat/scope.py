"""From the names of the published reference to our own language.

There a variable has no shape until it is solved for, so an expression is kept as written and
turned into one of ``dprox_core`` each time shapes and data are known: from a starting point, from
a declared shape, or from the data it is compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch

from dprox_core.errors import ShapeError
from dprox_core.expressions.leaves import Variable as CoreVariable

if TYPE_CHECKING:
    from dprox_core.compat.linop.base import LinOp
    from dprox_core.compat.linop.leaves import Variable

__all__ = ["Scope", "infer_shapes", "precision_of"]

Shape = tuple[int, ...]


class Scope:
    """One translation: which variable became which, and every shared node once.

    Args:
        shapes: the shape of each variable.
        dtype: the dtype of all variables, None for that of the data.
    """

    def __init__(self, shapes: Mapping[Variable, Shape], dtype: torch.dtype | None = None) -> None:
        self.variables: dict[Variable, CoreVariable] = {}
        names: set[str] = set()
        for variable, shape in shapes.items():
            name = variable.name or "x"
            while name in names:
                name = f"{name}_{len(names) + 1}"
            names.add(name)
            self.variables[variable] = CoreVariable(name, shape, dtype)
        self.dtype = dtype
        self._held: dict[int, tuple[LinOp, Any]] = {}

    def expression(self, node: LinOp) -> Any:
        """The expression of our language that a node stands for."""
        held = self._held.get(id(node))
        if held is None:
            held = (node, node._expression(self))
            self._held[id(node)] = held
        return held[1]

    def data(self, tensor: torch.Tensor) -> torch.Tensor:
        """Data in the precision of the variables, so that a kernel in double stays a detail."""
        if self.dtype is None or tensor.ndim == 0:
            return tensor
        real = self.dtype.to_real() if self.dtype.is_complex else self.dtype
        return tensor.to(real.to_complex() if tensor.is_complex() else real)


def infer_shapes(
    ends: Iterable[tuple[LinOp, Shape | None]], given: Mapping[Variable, Shape]
) -> dict[Variable, Shape]:
    """The shape of every variable below some expressions.

    Args:
        ends: expressions, each with the shape of its value where that is known.
        given: shapes that are known already; they win.

    Raises:
        ShapeError: nothing says what shape a variable has.
    """
    found: dict[Variable, Shape] = dict(given)
    listed = list(ends)
    variables = {variable: None for end, _ in listed for variable in end.variables}
    for variable in variables:
        if variable not in found and variable.shape is not None:
            found[variable] = variable.shape
    for end, shape in listed:
        end._push(shape, found)
    for variable in variables:
        if variable not in found and variable.value is not None:
            found[variable] = tuple(variable.value.shape)
    for variable in variables:
        if variable not in found:
            raise ShapeError(
                f"Nothing tells the shape of {variable.name or 'the variable'}: give a starting "
                "point, x0=…, or a shape, Variable((1, 3, 256, 256)).",
                expected="a shape",
                where=variable.name or "x",
            )
    return {variable: found[variable] for variable in variables}


def precision_of(tensors: Iterable[torch.Tensor]) -> torch.dtype:
    """The real working precision that a start or data asks for."""
    double = any(t.dtype in (torch.float64, torch.complex128) for t in tensors if t.ndim > 0)
    return torch.float64 if double else torch.float32
