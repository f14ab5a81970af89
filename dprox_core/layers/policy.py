"""What a tuned solver sees of a solve, and the small networks that decide on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["Action", "Critic", "Policy", "observe"]

# So many numbers tell what no picture shows: noise, time, change, size.
NUMBERS = 4
# An action changes the default by this factor at most, up or down.
_SPAN = math.log(6.0)


@dataclass(frozen=True)
class Action:
    """What the policy wants for the coming steps.

    Attributes:
        sigma: factors of the noise levels, one for each step.
        rho: factors of ρ, one for each step.
        stop: the log-odds of ending here instead.
    """

    sigma: Tensor
    rho: Tensor
    stop: Tensor


@dataclass(frozen=True)
class Seen:
    """An observation: (B, 2, H, W) of the iterate and its last change, and ``NUMBERS`` numbers."""

    planes: Tensor
    numbers: Tensor


def observe(x: Tensor, before: Tensor, noise: float, time: float) -> Seen:
    """The iterate as the networks see it: its brightness, its last change, and numbers.

    Args:
        x: the iterate, of any shape; the last two axes are taken for an image.
        before: the iterate at the last decision, of the same shape.
        noise: the noise level of the data.
        time: the share of the iterations that is over, 0…1.
    """
    now, change = _plane(x), _plane(x - before)
    size = now.square().mean().clamp(min=1e-12).sqrt()
    moved = change.square().mean().clamp(min=1e-12).sqrt() / size
    numbers = torch.stack(
        [
            now.new_tensor(math.log10(max(noise, 1e-6)) / 3),
            now.new_tensor(time),
            moved.log10() / 3,
            size.log10() / 3,
        ]
    )
    # Changes are small beside the image: seen in units of the noise.
    return Seen(torch.cat([now, change / max(noise, 1e-3)], 1), numbers)


def _plane(x: Tensor) -> Tensor:
    """(B, 1, H, W), averaged over what lies between."""
    x = x.abs() if x.is_complex() else x
    x = x.float()
    if x.ndim < 2:
        return x.reshape(1, 1, 1, -1)
    if x.ndim < 4:
        return x.reshape(-1, *x.shape[-2:]).mean(0)[None, None]
    return x.flatten(1, -3).mean(1, keepdim=True)


class _Eye(nn.Module):
    """An observation → features: three convolutions, means and spreads, one layer."""

    def __init__(self, width: int, features: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs in (2, width, width):
            layers += [nn.Conv2d(inputs, width, 3, stride=2, padding=1), nn.ReLU()]
        self.look = nn.Sequential(*layers)
        self.think = nn.Sequential(nn.Linear(2 * width + NUMBERS, features), nn.ReLU())

    def forward(self, seen: Seen) -> Tensor:
        maps = self.look(seen.planes)
        spread = (maps.var((0, 2, 3), unbiased=False) + 1e-12).sqrt()
        return self.think(torch.cat([maps.mean((0, 2, 3)), spread, seen.numbers]))


class Policy(nn.Module):
    """Observation → action. Untrained it leaves every default as it is and never stops.

    Args:
        pack: for how many steps an action holds.
        width: channels of its convolutions.
        features: of its hidden layer.
    """

    def __init__(self, pack: int, width: int = 16, features: int = 48) -> None:
        super().__init__()
        self.eye = _Eye(width, features)
        self.factors = nn.Linear(features, 2 * pack)
        self.stop = nn.Linear(features, 1)
        for layer in (self.factors, self.stop):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.constant_(self.stop.bias, -3.0)

    def forward(self, seen: Seen) -> Action:
        """The action."""
        features = self.eye(seen)
        sigma, rho = (_SPAN * torch.tanh(self.factors(features))).exp().chunk(2)
        return Action(sigma, rho, self.stop(features)[0])


class Critic(nn.Module):
    """Observation → how much is still to be gained from there."""

    def __init__(self, width: int = 16, features: int = 48) -> None:
        super().__init__()
        self.eye = _Eye(width, features)
        self.value = nn.Linear(features, 1)
        nn.init.zeros_(self.value.weight)
        nn.init.zeros_(self.value.bias)

    def forward(self, seen: Seen) -> Tensor:
        """The value, in units of the reward."""
        return self.value(self.eye(seen))[0]
