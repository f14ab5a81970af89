"""A number for each iteration, to be trained, under the name of the published reference."""

from __future__ import annotations

import torch
from torch import nn

from dprox_core.arguments import whole_number

__all__ = ["LearnableParamProvider"]


class LearnableParamProvider(nn.Module):
    """One parameter for each step; further steps have the last one.

    Args:
        steps: how many, from 1.
        default_value: what each is to begin with.
    """

    def __init__(self, steps: int, default_value: float = 0.5) -> None:
        super().__init__()
        whole_number("steps", steps, "steps")
        self.values = nn.Parameter(torch.full((steps,), float(default_value)))

    def forward(self, step: int) -> torch.Tensor:
        """The number of a step, counted from 0."""
        return self.values[min(int(step), len(self.values) - 1)]
