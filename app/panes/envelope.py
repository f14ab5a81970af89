"""The peaks and valleys of a curve that grows: a solve of a thousand iterations a second is drawn
at the price of what is new, not of all there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = late("numpy")

__all__ = ["Envelope"]


class Envelope:
    """Which rows of a column are enough to draw it.

    Of each block of neighbours the smallest and the largest value are kept; where there are too
    many blocks, two become one. The first and the last value are always there. Values that are not
    finite are left out.

    Args:
        points: about how many rows are kept at most.

    Example:
        >>> import numpy as np
        >>> curve = Envelope(points=4)
        >>> curve.follow(np.array([3.0, 1.0, np.nan, 2.0]))
        >>> curve.rows
        array([0, 1, 3])
    """

    def __init__(self, points: int = 600) -> None:
        self._most = max(points // 2, 2)
        self.clear()

    def clear(self) -> None:
        """Begin another curve."""
        self.seen = 0
        self._block = 1
        self._first = self._last = np.empty(0, dtype=np.int64)
        self._pairs = np.empty((0, 2), dtype=np.int64)  # of each whole block, in their order
        self._rest = np.empty(0, dtype=np.int64)  # rows of the block that is not whole
        self._end = self._rest  # those of them to draw

    def follow(self, column: NDArray[np.float64]) -> None:
        """Take in what a column has grown by; ``column`` is all of it."""
        fresh = self.seen + np.flatnonzero(np.isfinite(column[self.seen :]))
        self.seen = len(column)
        if len(fresh):
            self._first = self._first if len(self._first) else fresh[:1]
            self._last = fresh[-1:]
        rest = np.concatenate([self._rest, fresh])
        whole = len(rest) // self._block * self._block
        self._rest = self._end = rest[whole:]
        if len(self._end) > self._most:
            values = column[self._end]
            self._end = self._end[[int(values.argmin()), int(values.argmax())]]
        self._take(rest[:whole].reshape(-1, self._block), column)
        while len(self._pairs) > self._most:
            even = len(self._pairs) // 2 * 2
            last, pairs = self._pairs[even:], self._pairs[:even].reshape(-1, 4)
            self._pairs = self._pairs[:0]
            self._take(pairs, column)
            self._pairs = np.concatenate([self._pairs, last])
            self._block *= 2

    def _take(self, blocks: NDArray[np.int64], column: NDArray[np.float64]) -> None:
        if len(blocks):
            values, place = column[blocks], np.arange(len(blocks))[:, None]
            ends = np.stack([values.argmin(axis=1), values.argmax(axis=1)], axis=1)
            self._pairs = np.concatenate([self._pairs, np.sort(blocks[place, ends], axis=1)])

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows to draw, in their order."""
        kept: NDArray[np.int64] = np.unique(
            np.concatenate([self._first, self._pairs.ravel(), self._end, self._last])
        )
        return kept
