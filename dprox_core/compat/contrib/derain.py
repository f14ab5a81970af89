"""A degradation to be learned."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["LearnableDegOp"]


class LearnableDegOp(nn.Module):
    """A linear operator of two convolutions without bias, with its exact adjoint.

    Args:
        channels: of the picture.
        features: between both convolutions.
        kernel_size: odd.
    """

    def __init__(self, channels: int = 3, features: int = 16, kernel_size: int = 3) -> None:
        super().__init__()
        self.reach = reach = kernel_size // 2
        self.first = nn.Conv2d(channels, features, kernel_size, padding=reach, bias=False)
        self.second = nn.Conv2d(features, channels, kernel_size, padding=reach, bias=False)
        # The picture itself comes through, so that training starts at a sensible operator.
        with torch.no_grad():
            self.second.weight.mul_(0.1)

    def forward(self, x: torch.Tensor, step: int = 0) -> torch.Tensor:
        """A x."""
        image: torch.Tensor = x + self.second(self.first(x))
        return image

    def adjoint(self, y: torch.Tensor, step: int = 0) -> torch.Tensor:
        """Aᵀ y."""
        transpose = nn.functional.conv_transpose2d
        pulled = transpose(y, self.second.weight, padding=self.reach)
        return y + transpose(pulled, self.first.weight, padding=self.reach)
