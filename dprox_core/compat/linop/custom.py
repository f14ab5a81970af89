"""Operators of a user's own: two functions, or something to be learned."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from dprox_core.compat.arrays import as_tensor, kernel_tensor
from dprox_core.compat.linop.base import LinOp
from dprox_core.compat.linop.nodes import like_parameters
from dprox_core.compat.linop.operators import conv
from dprox_core.compat.scope import Scope
from dprox_core.errors import ParameterError
from dprox_core.linops.custom import LearnedLinOp as CoreLearned
from dprox_core.linops.custom import LinOpFactory as CoreFactory

__all__ = ["BlackBox", "LearnedLinOp", "LinOpFactory"]


class BlackBox(LinOp):
    """An operator known by two functions.

    Args:
        args: the expression that it is applied to.
        forward: x ↦ A x; may take ``step``, the iteration of a solve from 0.
        adjoint: y ↦ Aᴴ y; None lets autograd transpose ``forward``.
        diag: d where A x = d ⊙ x. A function is taken for the published one, which gives the
            diagonal of Aᴴ A: no use is made of it.
        norm_bound: an upper bound of ‖A‖.
    """

    def __init__(
        self,
        *args: Any,
        forward: Callable[..., torch.Tensor],
        adjoint: Callable[..., torch.Tensor] | None = None,
        diag: Any = None,
        norm_bound: float | None = None,
    ) -> None:
        super().__init__(list(args))
        self._asks = any(map(_takes_step, (forward, adjoint)))
        self._forward = self._with_step(forward)
        self._adjoint = None if adjoint is None else self._with_step(adjoint)
        # Registered, so that a solver built on it knows them as its parameters.
        found = (_module(function) for function in (forward, adjoint))
        self.owners = nn.ModuleList({id(m): m for m in found if m is not None}.values())
        given = None if diag is None or callable(diag) else as_tensor(diag, "diag")
        self._core = _Factory(self._forward, self._adjoint, given, norm_bound, self._learned)

    @property
    def counts(self) -> bool:
        """Whether one of the functions takes ``step``."""
        return self._asks

    def _with_step(self, function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        """The function of one tensor; ``step`` is filled in where it is asked for."""
        if not _takes_step(function):
            return function
        return lambda x: function(x, step=self.step)

    def _learned(self) -> tuple[torch.Tensor, ...]:
        return tuple(self.owners.parameters())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The function's value."""
        return self._forward(x)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The other function's value, or autograd's transpose for a domain like the image."""
        if self._adjoint is not None:
            return self._adjoint(y)
        with torch.enable_grad():
            x = torch.zeros_like(y, requires_grad=True)
            (back,) = torch.autograd.grad(self._forward(x), x, y)
        return back

    def _expression(self, scope: Scope) -> Any:
        return self._core(scope.expression(self.arguments[0]))


class LinOpFactory:
    """An operator from two functions, to be applied to expressions like any other.

    Args:
        forward: x ↦ A x; may take ``step``.
        adjoint: y ↦ Aᴴ y; None lets autograd transpose.
        diag: d where A x = d ⊙ x.
        norm_bound: an upper bound of ‖A‖.

    Example:
        >>> import torch, dprox_core.compat as dp
        >>> flip = dp.LinOpFactory(lambda x: x.flip(-1), lambda y: y.flip(-1))
        >>> dp.validate(flip(dp.Variable()))
        True
    """

    def __init__(
        self,
        forward: Callable[..., torch.Tensor],
        adjoint: Callable[..., torch.Tensor] | None = None,
        diag: Any = None,
        norm_bound: float | None = None,
    ) -> None:
        for role, function in (("forward", forward), ("adjoint", adjoint)):
            if function is not None and not callable(function):
                raise ParameterError(
                    f"LinOpFactory: {role} must be a function of a tensor, not {function!r:.60}.",
                    expected="a function",
                    got=type(function).__name__,
                    where=role,
                )
        self._given = (forward, adjoint, diag, norm_bound)

    def __call__(self, arg: Any) -> BlackBox:
        """The operator on an expression."""
        forward, adjoint, diag, norm_bound = self._given
        return BlackBox(arg, forward=forward, adjoint=adjoint, diag=diag, norm_bound=norm_bound)


class LearnedLinOp(LinOp):
    """An operator with numbers to be learned.

    Args:
        arg: what it is applied to.
        operator: a linear torch module, whose adjoint autograd finds; or a kernel to begin with,
            (k, k), (C, k, k) or (1, C, k, k): then it is a circular convolution whose kernel is
            trained.
        adjoint: a module for the adjoint.
    """

    def __init__(self, arg: Any, operator: Any, adjoint: nn.Module | None = None) -> None:
        super().__init__([arg])
        self.module: nn.Module | None = operator if isinstance(operator, nn.Module) else None
        self.transposed = adjoint
        self.kernel: nn.Parameter | None = None
        if self.module is None:
            start = kernel_tensor(operator).detach().clone()
            self.kernel = nn.Parameter(start.to(torch.get_default_dtype()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A x."""
        if self.module is not None:
            image: torch.Tensor = self.module(x)
            return image
        return conv(self.input_nodes[0], self.kernel)(x)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Aᴴ y."""
        if self.module is None:
            return conv(self.input_nodes[0], self.kernel).adjoint(y)
        if self.transposed is not None:
            back: torch.Tensor = self.transposed(y)
            return back
        with torch.enable_grad():
            x = torch.zeros_like(y, requires_grad=True)
            (pulled,) = torch.autograd.grad(self.module(x), x, y)
        return pulled

    def _expression(self, scope: Scope) -> Any:
        argument = scope.expression(self.arguments[0])
        if self.module is None:
            return conv(self.input_nodes[0], self.kernel)._core(argument, self.kernel)
        return CoreLearned(self.module, self.transposed)(argument)


class _Factory(CoreFactory):
    """Two functions for our language, with the parameters of the modules they belong to."""

    def __init__(
        self,
        forward: Callable[..., torch.Tensor],
        adjoint: Callable[..., torch.Tensor] | None,
        diagonal: torch.Tensor | None,
        norm_bound: float | None,
        parameters: Callable[[], tuple[torch.Tensor, ...]],
    ) -> None:
        super().__init__(forward, adjoint, diagonal, norm_bound)
        self._parameters = parameters

    def probe(self, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        """What the function gives for zeros of the precision that its modules have."""
        return super().probe(shape, *like_parameters(self.parameters(), dtype, device))

    def parameters(self) -> tuple[torch.Tensor, ...]:
        """Those of the modules."""
        return self._parameters()


def _module(function: Any) -> nn.Module | None:
    """The module that a function is, or whose method it is."""
    if isinstance(function, nn.Module):
        return function
    owner = getattr(function, "__self__", None)
    if isinstance(owner, nn.Module):
        return owner
    for cell in getattr(function, "__closure__", None) or ():
        if isinstance(cell.cell_contents, nn.Module):
            return cell.cell_contents
    return None


def _takes_step(function: Callable[..., torch.Tensor] | None) -> bool:
    target = function.forward if isinstance(function, nn.Module) else function
    if target is None:
        return False
    try:
        return "step" in inspect.signature(target).parameters
    except (TypeError, ValueError):
        return False
