"""Memory that is freed and asked for again at every iteration."""

from __future__ import annotations

import torch

__all__ = ["keep_freed_memory"]

# A little less than 32 MiB, the most by which the GNU C library lets its thresholds be moved.
_LENGTH = 32 * 2**20 - 65536


def keep_freed_memory() -> None:
    """Have the C library keep up to 64 MiB that are freed, instead of giving them back each time.

    A transform of an image makes arrays that live for a moment. Where their memory goes back to
    the system and comes again, page by page, that takes longer than the transform: at 480 × 640
    and 1024² an inverse transform took 2.4 to 2.8 times as long (measured with glibc 2.36). Its
    thresholds follow the largest array that was ever freed (mallopt(3), M_MMAP_THRESHOLD), which
    need not be touched for that. Another C library does what it does.
    """
    torch.empty(_LENGTH, dtype=torch.uint8)
