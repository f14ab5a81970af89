"""Real and imaginary parts, as operators over the reals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import torch

from dprox_core.linops.base import LinOp, apply, register
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression

__all__ = ["Embedded", "Imag", "Real", "imag", "real"]


@register
class Real(LinOp):
    """A x = Re x, linear over the reals: its adjoint is that of Re⟨·, ·⟩."""

    name = "real"

    def __init__(self, domain: Space) -> None:
        super().__init__(domain, domain.as_complex(False))

    @classmethod
    def is_complex_for(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> bool:
        """Never."""
        return False

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The real part, in memory of its own."""
        return x.real.clone() if x.is_complex() else x

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The values as real parts."""
        values = y.real if y.is_complex() else y
        return values.to(self.domain.dtype) if self.domain.is_complex else values

    @property
    def is_identity(self) -> bool:
        """Whether the argument is real."""
        return not self.domain.is_complex

    def norm_bound(self) -> float:
        """1."""
        return 1.0


@register
class Imag(LinOp):
    """A x = Im x, linear over the reals; zero for a real argument."""

    name = "imag"

    def __init__(self, domain: Space) -> None:
        super().__init__(domain, domain.as_complex(False))

    @classmethod
    def is_complex_for(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> bool:
        """Never."""
        return False

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The imaginary part."""
        return x.imag.clone() if x.is_complex() else 0.0 * x

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The values as imaginary parts."""
        values = y.real if y.is_complex() else y
        if not self.domain.is_complex:
            return torch.zeros_like(values)
        return torch.complex(torch.zeros_like(values), values)

    def norm_bound(self) -> float:
        """1, or 0 for a real argument."""
        return 1.0 if self.domain.is_complex else 0.0


class Embedded(LinOp):
    """A x = x + 0i: real values among complex ones, for functions of x − z with a complex z."""

    name = "embedded"

    def __init__(self, domain: Space) -> None:
        super().__init__(domain, domain.as_complex())

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The values as real parts."""
        return torch.complex(x, torch.zeros_like(x))

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The real part, in memory of its own."""
        return y.real.clone() if y.is_complex() else y

    def gram_diagonal(self) -> torch.Tensor:
        """1: Re(x + 0i) = x."""
        return torch.ones((), dtype=self.domain.dtype, device=self.domain.device)

    def norm_bound(self) -> float:
        """1."""
        return 1.0


@overload
def real(x: torch.Tensor) -> torch.Tensor: ...
@overload
def real(x: Expression) -> Expression: ...
def real(x: Any) -> Any:
    """The real part.

    Args:
        x: an expression or a tensor, complex or real.

    Returns:
        A real expression, or a tensor where x is one, in the shape of x.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.real(torch.tensor([1 + 2j]))
        tensor([1.])

    References:
        K. Kreutz-Delgado, The complex gradient operator and the CR-calculus, 2009.
    """
    return apply(Real, x)


@overload
def imag(x: torch.Tensor) -> torch.Tensor: ...
@overload
def imag(x: Expression) -> Expression: ...
def imag(x: Any) -> Any:
    """The imaginary part.

    Args:
        x: an expression or a tensor, complex or real.

    Returns:
        A real expression, or a tensor where x is one, in the shape of x.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.imag(torch.tensor([1 + 2j]))
        tensor([2.])

    References:
        K. Kreutz-Delgado, The complex gradient operator and the CR-calculus, 2009.
    """
    return apply(Imag, x)
