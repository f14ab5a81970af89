"""Starting points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from dprox_core.compat.arrays import as_tensor

__all__ = ["Initializer"]


class Initializer(nn.Module):
    """A start for a solve from its data: the data itself, or what a network makes of it.

    Args:
        network: data ↦ start; None for the data themselves.
    """

    def __init__(self, network: Callable[[torch.Tensor], torch.Tensor] | None = None) -> None:
        super().__init__()
        self.network = network

    def forward(self, b: Any) -> torch.Tensor:
        """The start."""
        data = as_tensor(b, "b")
        return data if self.network is None else self.network(data)
