"""Where tensors live: shape, real or complex, precision and device."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import torch

__all__ = ["Space"]


@dataclass(frozen=True)
class Space:
    """The space of tensors of one shape and kind.

    Attributes:
        shape: the shape.
        is_complex: whether the values are complex.
        precision: the real working precision, float32 or float64.
        device: where the tensors lie.
    """

    shape: tuple[int, ...]
    is_complex: bool = False
    precision: torch.dtype = torch.float32
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of its tensors."""
        return self.precision.to_complex() if self.is_complex else self.precision

    @property
    def numel(self) -> int:
        """How many elements a tensor has."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """How many bytes a tensor takes."""
        return self.numel * self.precision.itemsize * (2 if self.is_complex else 1)

    def with_shape(self, shape: tuple[int, ...]) -> Space:
        """The space of tensors of another shape, alike in everything else."""
        return replace(self, shape=shape)

    def as_complex(self, is_complex: bool = True) -> Space:
        """The space of complex (or of real) tensors, alike in everything else."""
        return replace(self, is_complex=is_complex)

    def zeros(self) -> torch.Tensor:
        """A new tensor of zeros."""
        return torch.zeros(self.shape, dtype=self.dtype, device=self.device)

    def empty(self) -> torch.Tensor:
        """A new tensor, not filled."""
        return torch.empty(self.shape, dtype=self.dtype, device=self.device)

    def random(self, seed: int = 0) -> torch.Tensor:
        """Standard normal values, the same on every device."""
        generator = torch.Generator().manual_seed(seed)
        dtype = torch.complex128 if self.is_complex else torch.float64
        values = torch.randn(self.shape, generator=generator, dtype=dtype)
        return values.to(device=self.device, dtype=self.dtype)
