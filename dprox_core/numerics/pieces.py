"""Several passes over the same arrays as one: piece by piece, each of which stays in the cache.

Arrays longer than the cache come from memory anew for every operation on them. Where many small
operations follow each other, all of them on one piece and then on the next read each number once.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

__all__ = ["in_pieces", "worth_a_call"]

# Numbers of an array that one thread works on: six arrays of so many fit into 2 MB of cache, and
# calls for fewer cost more than memory does. A multiple of the blocks that norms are summed by.
_PIECE = 65536
# For fewer numbers than so many a call of their own costs more than memory does.
_LEAST = 8192


def in_pieces(*tensors: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
    """Matching pieces of arrays of one shape, each flat and in the order of memory.

    The arrays themselves, once, where they are short, lie in memory in different orders or not in
    the processor's memory; parts of them where there are gaps in between, as in one sample of many.
    """
    first = tensors[0]
    # Where there are gaps, sums over pieces depend on what the pieces are: threads must not count.
    if first.numel() <= _PIECE or not _alike(tensors):
        yield tensors
        return
    length = _PIECE * torch.get_num_threads()
    order = sorted(range(first.ndim), key=first.stride, reverse=True)
    if _is_dense(first):
        flat = [t.permute(order).view(-1).split(length) for t in tensors]
        yield from zip(*flat, strict=True)
        return
    outer = next(axis for axis in order if first.shape[axis] > 1)
    if first.numel() // first.shape[outer] < _LEAST:
        yield tensors
        return
    for index in range(first.shape[outer]):
        yield from in_pieces(*(t.select(outer, index) for t in tensors))


def _alike(tensors: tuple[torch.Tensor, ...]) -> bool:
    first = tensors[0]
    return all(
        t.device.type == "cpu"
        and t.dtype == first.dtype
        and t.shape == first.shape
        and t.stride() == first.stride()
        and not t.is_conj()
        and not t.is_neg()
        for t in tensors
    )


def _is_dense(tensor: torch.Tensor) -> bool:
    """Whether the elements fill a stretch of memory without gaps or overlaps."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1 and stride != expected:
            return False
        expected *= size
    return True


def worth_a_call(tensor: torch.Tensor) -> bool:
    """Whether it is long enough, and in the processor's memory, for operations of its own."""
    return tensor.device.type == "cpu" and tensor.numel() >= _LEAST
