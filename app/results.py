"""What came of a run: pictures of nodes, how far a solve is, its history row by row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from PySide6.QtGui import QPixmap

from app.pictures import to_pixmap
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = late("numpy")

__all__ = ["HistoryTable", "Picture", "Progress", "Rows", "picture_of"]

Rows: TypeAlias = "NDArray[np.float64]"

#: Columns of the history, as the worker writes them.
ITERATION, SECONDS, OBJECTIVE, PRIMAL, DUAL, PSNR, PRIMAL_TOL, DUAL_TOL = range(8)


@dataclass(frozen=True)
class Picture:
    """The value of a node as an image; of complex values ``data`` is the modulus.

    A spectrum is ``centred``: the frequency zero, which lies in the corner, is in the middle.
    """

    node: str
    data: NDArray[np.float32]
    low: float
    high: float
    shape: tuple[int, ...]
    dtype: str
    reduction: int
    thumbnail: QPixmap
    phase: NDArray[np.float32] | None = None
    centred: bool = False

    @property
    def values(self) -> NDArray[np.float32]:
        """The values in the order in which they were computed, for a file."""
        return np.fft.ifftshift(self.data, axes=(0, 1)) if self.centred else self.data

    @property
    def words(self) -> str:
        """Size and range, and how it is shown if not as it lies in memory."""
        size = " × ".join(str(n) for n in self.shape)
        centred = "  ·  frequency zero in the middle" if self.centred else ""
        return f"{size}  ·  {self.low:.4g} … {self.high:.4g}{centred}"


def picture_of(message: Any, spectral: bool) -> Picture:
    """What the worker sent of a node; a spectrum with the frequency zero in the middle."""

    def placed(data: NDArray[Any]) -> NDArray[Any]:
        return np.fft.fftshift(data, axes=(0, 1)) if spectral else data

    return Picture(
        message.node,
        placed(message.full),
        message.low,
        message.high,
        message.shape,
        message.dtype,
        message.reduction,
        to_pixmap(placed(message.array)),
        placed(message.phase) if message.phase.size else None,
        spectral,
    )


@dataclass
class Progress:
    """How far a solve is."""

    node: str | None = None
    iteration: int = 0
    maximum: int = 0
    seconds: float = 0.0

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.iteration / self.maximum) if self.maximum else 0.0

    @property
    def left(self) -> float | None:
        """Seconds to the last iteration at the pace so far; None before there is a pace."""
        if self.iteration < 2 or not self.maximum:
            return None
        return self.seconds / self.iteration * max(0, self.maximum - self.iteration)


class HistoryTable:
    """Rows of a solve's history in one array that grows.

    Attributes:
        number: of the solve; grows with every ``clear``.
    """

    def __init__(self) -> None:
        self._count = self.number = 0

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _room(self) -> Rows:
        return np.empty((256, 8))

    @property
    def rows(self) -> Rows:
        """What has been added since the last ``clear``."""
        return self._room[: self._count]

    def clear(self) -> None:
        """Forget every row; who holds the rows until now keeps them."""
        self._count = 0
        self.number += 1
        self.__dict__.pop("_room", None)

    def add(self, rows: Rows) -> None:
        """Append rows."""
        need = self._count + len(rows)
        if need > len(self._room):
            grown = np.empty((max(need, 2 * len(self._room)), 8))
            grown[: self._count] = self.rows
            self._room = grown
        self._room[self._count : need] = rows
        self._count = need
