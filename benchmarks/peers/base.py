"""What a peer is, in numpy alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

__all__ = ["Data", "Peer", "versions"]

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Data:
    """minimize ‖k ∗ x − b‖² + λ (‖∂ᵥ x‖₁ + ‖∂ₕ x‖₁) subject to x ≥ 0, circular.

    Attributes:
        kernel: k, of odd sides, its middle at the origin.
        observed: b, (H, W).
        weight: λ.
    """

    kernel: Array
    observed: Array
    weight: float

    @property
    def spectrum(self) -> NDArray[np.complex64]:
        """The half spectrum of k in the size of the image."""
        placed = np.zeros_like(self.observed)
        rows, columns = self.kernel.shape
        placed[:rows, :columns] = self.kernel
        placed = np.roll(placed, (-(rows // 2), -(columns // 2)), (0, 1))
        return np.fft.rfft2(placed).astype(np.complex64)


class Peer(ABC):
    """A library on one problem, from zero on.

    Attributes:
        method: which of its algorithms is used.
        packages: what its speed depends on, for ``versions``.
    """

    method: str
    packages: tuple[str, ...]

    @abstractmethod
    def advance(self, iterations: int) -> None:
        """Some iterations on."""

    @abstractmethod
    def iterate(self) -> Array:
        """What it has, (H, W)."""


def versions(packages: tuple[str, ...]) -> str:
    """Names and versions of packages."""
    return ", ".join(f"{name} {version(name)}" for name in packages)
