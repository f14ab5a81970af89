"""A degradation to be learned."""

from __future__ import annotations

import torch
from torch import nn

from dprox_core.errors import ParameterError

__all__ = ["LearnableDegOp"]


class LearnableDegOp(nn.Module):
    """A linear operator of two convolutions without bias, with its exact adjoint.

    Args:
        diag: whether it is a product with learned weights w instead, one for each channel.
        channels: of the picture.
        features: between both convolutions.
        kernel_size: odd.
    """

    def __init__(
        self, diag: bool = False, channels: int = 3, features: int = 16, kernel_size: int = 3
    ) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.ones(1, channels, 1, 1)) if diag else None
        if diag:
            return
        self.reach = reach = kernel_size // 2
        self.first = nn.Conv2d(channels, features, kernel_size, padding=reach, bias=False)
        self.second = nn.Conv2d(features, channels, kernel_size, padding=reach, bias=False)
        # The picture itself comes through, so that training starts at a sensible operator.
        with torch.no_grad():
            self.second.weight.mul_(0.1)

    def diag(self, x: torch.Tensor, step: int | None = None) -> torch.Tensor:
        """The diagonal w, in the shape of x, where that is what is learned.

        Raises:
            ParameterError: the operator is no product with weights.
        """
        if self.weights is None:
            raise ParameterError(
                "This operator has no diagonal: make it with LearnableDegOp(diag=True).",
                expected="diag=True",
                where="diag",
            )
        return self.weights.expand_as(x)

    def forward(self, x: torch.Tensor, step: int | None = None) -> torch.Tensor:
        """A x."""
        if self.weights is not None:
            return self.weights * x
        image: torch.Tensor = x + self.second(self.first(x))
        return image

    def adjoint(self, y: torch.Tensor, step: int | None = None) -> torch.Tensor:
        """Aᵀ y."""
        if self.weights is not None:
            return self.weights * y
        transpose = nn.functional.conv_transpose2d
        pulled = transpose(y, self.second.weight, padding=self.reach)
        return y + transpose(pulled, self.first.weight, padding=self.reach)
