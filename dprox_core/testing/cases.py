"""What a row of the table says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

__all__ = ["LinOpCase", "Maker", "ProxCase", "Shape", "Wrong", "normal", "nothing"]

Shape = tuple[int, ...]
Data = tuple[torch.Tensor, ...]


class Maker:
    """Random data in double precision, the same at every run.

    Args:
        seed: where it starts.
    """

    def __init__(self, seed: int = 0) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int, is_complex: bool = False) -> torch.Tensor:
        """Standard normal values."""
        dtype = torch.complex128 if is_complex else torch.float64
        return torch.randn(shape, generator=self._generator, dtype=dtype)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        """Values between two numbers."""
        unit = torch.rand(shape, generator=self._generator, dtype=torch.float64)
        return low + (high - low) * unit

    def mask(self, *shape: int) -> torch.Tensor:
        """Zeros and ones, about as many of each."""
        return (self.uniform(*shape) < 0.5).double()


def nothing(shape: Shape, make: Maker) -> Data:
    """No data besides the argument."""
    return ()


def normal(shape: Shape, make: Maker) -> torch.Tensor:
    """A point at which most kinks are passed on both sides."""
    return 2.0 * make.normal(*shape)


@dataclass(frozen=True)
class Wrong:
    """A call that must be refused.

    Attributes:
        call: makes the call.
        error: the class of the error.
        text: words that its sentence must hold.
    """

    call: Callable[[], object]
    error: type[Exception]
    text: str


@dataclass(frozen=True)
class LinOpCase:
    """One way of using an operator.

    Attributes:
        name: its name in the registry.
        call: the public function, applied to the argument and the data.
        label: tells the rows of one operator apart.
        shapes: shapes of the argument: odd, even, not square, one sample and several.
        data: the operator's own tensors for a shape.
        real, complex: whether arguments may be real, complex.
        declares: which closed forms it must offer on real arguments: "diagonal",
            "gram_diagonal", "transfer", "gram_spectrum".
        tight: how many times ‖A‖ the declared bound may be at most.
        on_tensors: whether the same words mean the same for a tensor.
        wrong: calls that must be refused.
    """

    name: str
    call: Callable[..., Any]
    label: str = ""
    shapes: tuple[Shape, ...] = ((1, 1, 4, 6), (3, 2, 5, 3))
    data: Callable[[Shape, Maker], Data] = nothing
    real: bool = True
    complex: bool = True
    declares: frozenset[str] = frozenset()
    tight: float = 1.02
    on_tensors: bool = True
    wrong: tuple[Wrong, ...] = ()

    @property
    def id(self) -> str:
        """For the report of a test run."""
        return f"{self.name}-{self.label}" if self.label else self.name


@dataclass(frozen=True)
class ProxCase:
    """One way of using a function.

    Attributes:
        name: its name in the registry.
        call: the public function, applied to the argument and the data.
        formula: f(v, *data) written down a second time, infinite outside a set by more than
            rounding.
        label: tells the rows of one function apart.
        shapes: shapes of the argument.
        data: the function's own tensors for a shape.
        real, complex: whether arguments may be real, complex.
        sample: a point at which the prox is taken.
        inside: a point where f is finite, made without f; None for any point.
        steps: the steps with which the prox is taken.
        convex: whether f is convex.
        smooth: whether f has a gradient.
        tolerance: relative to the size of values, for proxes that are found by iteration.
        brittle: whether f jumps where the prox may land, so that rounding shows in its value.
        differentiable: whether the prox has a derivative at random points.
        wrong: calls that must be refused.
    """

    name: str
    call: Callable[..., Any]
    formula: Callable[..., torch.Tensor]
    label: str = ""
    shapes: tuple[Shape, ...] = ((1, 1, 2, 2), (3, 2, 1, 3))
    data: Callable[[Shape, Maker], Data] = nothing
    real: bool = True
    complex: bool = False
    sample: Callable[[Shape, Maker], torch.Tensor] = normal
    inside: Callable[..., torch.Tensor] | None = None
    steps: tuple[float, ...] = (0.05, 0.7, 6.0)
    convex: bool = True
    smooth: bool = False
    tolerance: float = 1e-9
    brittle: bool = False
    differentiable: bool = True
    wrong: tuple[Wrong, ...] = field(default=())

    @property
    def id(self) -> str:
        """For the report of a test run."""
        return f"{self.name}-{self.label}" if self.label else self.name


def infinite_unless(condition: torch.Tensor | bool) -> torch.Tensor:
    """0 where a condition holds, else infinity."""
    return torch.tensor(0.0 if bool(torch.as_tensor(condition).all()) else math.inf)
