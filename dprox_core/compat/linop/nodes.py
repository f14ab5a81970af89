"""Anything as a node of an expression, and a node of a user's own in our language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from dprox_core.compat.arrays import as_data, is_data
from dprox_core.errors import ParameterError
from dprox_core.linops.custom import LinOpFactory as CoreFactory

if TYPE_CHECKING:
    from dprox_core.compat.linop.base import LinOp

__all__ = ["ModuleFactory", "as_node", "like_parameters"]


def like_parameters(
    parameters: Sequence[torch.Tensor], dtype: torch.dtype, device: torch.device
) -> tuple[torch.dtype, torch.device]:
    """The dtype and device in which a module can be tried."""
    if not parameters:
        return dtype, device
    held = parameters[0]
    real = held.dtype.to_real() if held.dtype.is_complex else held.dtype
    return real.to_complex() if dtype.is_complex else real, held.device


class ModuleFactory(CoreFactory):
    """A node of a user's own, for our language: its parameters keep their gradient."""

    def __init__(self, node: LinOp) -> None:
        super().__init__(node.forward, node.adjoint, name=type(node).__name__)
        self._node = node

    def probe(self, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        """What the node gives for zeros of the precision that its parameters have."""
        return super().probe(shape, *like_parameters(self.parameters(), dtype, device))

    def parameters(self) -> tuple[torch.Tensor, ...]:
        """Those of the node itself."""
        return tuple(self._node.parameters(recurse=False))


def as_node(value: Any) -> LinOp:
    """A node as it is; numbers, arrays and tensors as constants."""
    from dprox_core.compat.linop.base import LinOp

    if isinstance(value, LinOp):
        return value
    if not is_data(value):
        raise ParameterError(
            f"Expected an expression, a tensor or a number, not {value!r:.60}.",
            expected="an expression, a tensor or a number",
            got=type(value).__name__,
        )
    from dprox_core.compat.linop.leaves import Constant

    return Constant(as_data(value))
