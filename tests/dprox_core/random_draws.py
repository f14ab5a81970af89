"""Random choices and data for random problems, the same for the same seed."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Any

import torch

from dprox_core.testing.cases import Maker

LARGEST = 90
"""More elements than this are not given to a further operator that enlarges."""


class Unfit(Exception):
    """An operator that does not take this argument."""


@dataclass
class Draw:
    """Random choices and data, the same for the same seed.

    Attributes:
        choose: the choices.
        make: the data.
        single: whether data is in single precision.
        names: what was drawn, for the report.
        data: the tensors that were made.
    """

    choose: random.Random
    make: Maker
    single: bool = False
    names: list[str] = field(default_factory=list)
    data: list[torch.Tensor] = field(default_factory=list)

    def whole(self, low: int, high: int) -> int:
        """A whole number between two, ends included."""
        return self.choose.randint(low, high)

    def kept(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor of data, in the precision asked for."""
        if self.single:
            tensor = tensor.to(torch.complex64 if tensor.is_complex() else torch.float32)
        self.data.append(tensor)
        return tensor

    def normal(self, *shape: int) -> torch.Tensor:
        """Normal values, complex in one case of four."""
        return self.kept(self.make.normal(*shape, is_complex=self.choose.random() < 0.25))

    def real(self, *shape: int) -> torch.Tensor:
        """Real normal values."""
        return self.kept(self.make.normal(*shape))

    def leading(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Some of the axes before the last two, as operands may have: whole or of length one."""
        count = self.whole(0, len(shape) - 2)
        axes = shape[len(shape) - 2 - count : len(shape) - 2]
        return tuple(self.choose.choice([n, 1]) for n in axes)


def image(e: Any, smallest: int = 1) -> tuple[int, int]:
    """The two spatial extents.

    Raises:
        Unfit: there are none, or one is too small.
    """
    if len(e.shape) < 2 or min(e.shape[-2:]) < smallest:
        raise Unfit
    return e.shape[-2], e.shape[-1]


def small(e: Any, times: int = 1) -> Any:
    """The argument, if it may become so many times larger.

    Raises:
        Unfit: it may not.
    """
    if math.prod(e.shape) * times > LARGEST:
        raise Unfit
    return e
