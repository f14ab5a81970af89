"""Operators with counterparts in our language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

import dprox_core
from dprox_core.compat.arrays import as_tensor, kernel_tensor
from dprox_core.compat.errors import offered
from dprox_core.compat.linop.base import LinOp, Shape
from dprox_core.compat.linop.leaves import Constant
from dprox_core.compat.scope import Scope
from dprox_core.errors import ParameterError
from dprox_core.expressions.binding import Binding

__all__ = ["Operator", "conv", "conv_doe", "grad", "mosaic", "mul_color", "mul_elementwise"]


class Operator(LinOp):
    """A node that is an operator of our language, with at most one piece of data.

    Args:
        arg: what it is applied to.
        data: a tensor, an array or a placeholder; None for none.
    """

    # How the piece of data is called as an attribute.
    data_name = ""
    # Whether plain data becomes something to train in a view of the operator, ``.T`` or ``.gram``.
    trains = True

    def __init__(self, arg: Any, data: Any = None) -> None:
        super().__init__([arg])
        if data is None:
            return
        if isinstance(data, LinOp) and not isinstance(data, Constant):
            raise ParameterError(
                f"{type(self).__name__}: {self.data_name} must be data, not an expression of "
                "unknowns.",
                expected="a tensor or a placeholder",
                got=type(data).__name__,
                where=self.data_name,
            )
        if not isinstance(data, (Constant, nn.Parameter)):
            data = self._read(data)
        setattr(self, self.data_name, data)

    def _read(self, data: Any) -> torch.Tensor:
        """The piece of data as a tensor."""
        return as_tensor(data, self.data_name)

    @property
    def operand(self) -> torch.Tensor | None:
        """The piece of data now; a placeholder's value."""
        if not self.data_name:
            return None
        held = getattr(self, self.data_name)
        return held.required() if isinstance(held, Constant) else held

    def _core(self, argument: Any, operand: Any) -> Any:
        """The operator of our language on an expression or a tensor."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A x."""
        x, operand = _numbers(x), self.operand
        if isinstance(operand, torch.Tensor) and operand.ndim:
            real = x.real.dtype
            operand = operand.to(real.to_complex() if operand.is_complex() else real)
        result: torch.Tensor = self._core(x, operand)
        return result

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Aᴴ y."""
        y = _numbers(y)
        shape = self._domain(tuple(y.shape))
        assert shape is not None, "operators with open domains give an adjoint of their own"
        x = dprox_core.Variable("x", shape, dtype=y.dtype)
        expression = self._core(x, self.operand)
        back: torch.Tensor = Binding([expression]).affine(expression).operators[x].adjoint(y)
        return back

    def _expression(self, scope: Scope) -> Any:
        argument = scope.expression(self.arguments[0])
        operand = self.operand
        return self._core(argument, None if operand is None else scope.data(operand))


def _numbers(x: Any) -> torch.Tensor:
    """A tensor of real or complex numbers; whole numbers and pixels as float32."""
    tensor = as_tensor(x, "x")
    if tensor.is_complex() or tensor.dtype in (torch.float32, torch.float64):
        return tensor
    return tensor.to(torch.float32)


def folded(kernel: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """A kernel for circular convolution that is no larger than the picture.

    What reaches further than once around lands on what is there.
    """
    for axis in (-2, -1):
        before, after = kernel.shape[axis], int(shape[axis])
        if before > after:
            place = (torch.arange(before, device=kernel.device) - before // 2 + after // 2) % after
            wanted = list(kernel.shape)
            wanted[axis] = after
            kernel = kernel.new_zeros(wanted).index_add(axis, place, kernel)
    return kernel


class conv(Operator):
    """Circular convolution, k ∗ x, over the last two axes.

    Args:
        arg: an expression (..., H, W).
        kernel: (k, k), (k, k, C) as NumPy has it, or (C, k, k): one kernel, or one per channel.
    """

    data_name = "kernel"
    trains = False

    def __init__(self, arg: Any, kernel: Any) -> None:
        super().__init__(arg, kernel)

    def _read(self, data: Any) -> torch.Tensor:
        return data if isinstance(data, torch.Tensor) else kernel_tensor(data)

    def _core(self, argument: Any, operand: Any) -> Any:
        return dprox_core.conv(argument, folded(kernel_tensor(operand), argument.shape))


class conv_doe(Operator):
    """What a camera with a diffractive lens sees: psf ∗ x; gradients reach the psf.

    Args:
        arg: an expression (..., C, H, W).
        psf: (k, k), (C, k, k) or (1, C, k, k); a tensor or a placeholder.
        circular: whether the image continues on the other side, or is black beyond its edge.
    """

    data_name = "psf"

    def __init__(self, arg: Any, psf: Any, circular: bool = True) -> None:
        super().__init__(arg, psf)
        self.circular = circular

    def _read(self, data: Any) -> torch.Tensor:
        return data if isinstance(data, torch.Tensor) else kernel_tensor(data)

    def _core(self, argument: Any, operand: Any) -> Any:
        kernel = kernel_tensor(operand)
        if self.circular:
            return dprox_core.conv(argument, folded(kernel, argument.shape))
        convolve = offered("conv_doe", "take circular=True")
        return convolve(argument, kernel, circular=False)


class grad(Operator):
    """Forward differences along one axis, circular, in the shape of the image.

    Args:
        arg: an expression (..., C, H, W).
        dim: 0 for down, 1 for right, 2 for channels.
    """

    def __init__(self, arg: Any, dim: int = 1) -> None:
        super().__init__(arg)
        if dim not in (0, 1, 2):
            raise ParameterError(
                f"grad: dim is 0 (down), 1 (right) or 2 (channels), not {dim!r}.",
                expected="0, 1 or 2",
                got=dim,
                where="dim",
            )
        self.dim = dim

    def _core(self, argument: Any, operand: Any) -> Any:
        axis = (-2, -1, -3)[self.dim]
        return offered("index", "take dprox_core.grad")(
            dprox_core.grad(argument, axes=(axis,)), (Ellipsis, 0)
        )


class mosaic(Operator):
    """One colour per pixel under an RGGB colour filter array, zero elsewhere.

    Args:
        arg: an expression (..., 3, H, W).
    """

    def _core(self, argument: Any, operand: Any) -> Any:
        return dprox_core.mosaic(argument)


class mul_elementwise(Operator):
    """w ⊙ x.

    Args:
        arg: an expression.
        w: weights that broadcast to it.
    """

    data_name = "w"

    def __init__(self, arg: Any, w: Any) -> None:
        super().__init__(arg, w)

    def _core(self, argument: Any, operand: Any) -> Any:
        return dprox_core.mul_elementwise(argument, operand)


class mul_color(Operator):
    """Channels mixed by a matrix, such as a camera's spectral response.

    Args:
        arg: an expression (..., C, H, W).
        srf: the matrix (D, C), or (C, D) as spectra times responses are often kept.
    """

    data_name = "srf"

    def __init__(self, arg: Any, srf: Any) -> None:
        super().__init__(arg, srf)

    def _core(self, argument: Any, operand: Any) -> Any:
        matrix = as_tensor(operand, "srf")
        channels = argument.shape[-3]
        if matrix.shape[-1] != channels and matrix.shape[0] == channels:
            matrix = matrix.mT
        return offered("mul_color", "mix channels in the data")(argument, matrix)

    def _domain(self, shape: Shape) -> Shape | None:
        matrix = self.operand
        assert matrix is not None
        channels = matrix.shape[-1] if matrix.shape[0] == shape[-3] else matrix.shape[0]
        return (*shape[:-3], int(channels), *shape[-2:])
