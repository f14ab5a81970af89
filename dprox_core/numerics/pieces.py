"""Several passes over the same arrays as one: piece by piece, each of which stays in the cache.

Arrays longer than the cache come from memory anew for every operation on them. Where many small
operations follow each other, all of them on one piece and then on the next read each number once.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

__all__ = ["all_pieces", "in_pieces", "worth_a_call"]

Arrays = tuple[torch.Tensor, ...]

# Numbers of an array that one thread works on: a few arrays of so many stay in the cache, and calls
# for fewer cost more than memory does. A multiple of the blocks that norms are summed by.
_PIECE = 131072
# For fewer numbers than so many a call of their own costs more than memory does.
_LEAST = 8192


def in_pieces(*tensors: torch.Tensor) -> Iterator[Arrays]:
    """Matching pieces of arrays of one shape, each flat and in the order of memory.

    The arrays themselves, once, where they are short, lie in memory in different orders or not in
    the processor's memory; parts of them where there are gaps in between, as in one sample of many.
    """
    first = tensors[0]
    count = first.numel()
    if count <= _PIECE:
        yield tensors
        return
    length, dense = _length(), _is_dense(first)
    # Where there are gaps, sums over pieces depend on what the pieces are: threads must not count.
    if (dense and count <= length) or not _alike(tensors):
        yield tensors
        return
    if dense:
        flat = [t.as_strided((count,), (1,)).split(length) for t in tensors]
        yield from zip(*flat, strict=True)
        return
    order = sorted(range(first.ndim), key=first.stride, reverse=True)
    outer = next(axis for axis in order if first.shape[axis] > 1)
    if first.numel() // first.shape[outer] < _LEAST:
        yield tensors
        return
    for index in range(first.shape[outer]):
        yield from in_pieces(*(t.select(outer, index) for t in tensors))


def all_pieces(*tensors: torch.Tensor) -> list[Arrays]:
    """``in_pieces`` as a list."""
    return list(in_pieces(*tensors))


def _length() -> int:
    """How long pieces are: with several threads longer, for then every call has to wake them."""
    threads = torch.get_num_threads()
    return _PIECE if threads == 1 else 2 * threads * _PIECE


def _alike(tensors: Arrays) -> bool:
    first = tensors[0]
    shape, stride, dtype = first.shape, first.stride(), first.dtype
    return first.device.type == "cpu" and all(
        t.stride() == stride
        and t.shape == shape
        and t.dtype == dtype
        and t.device.type == "cpu"
        and not t.is_conj()
        and not t.is_neg()
        for t in tensors
    )


def _is_dense(tensor: torch.Tensor) -> bool:
    """Whether the elements fill a stretch of memory without gaps or overlaps."""
    if tensor.is_contiguous():
        return True
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1 and stride != expected:
            return False
        expected *= size
    return True


def worth_a_call(tensor: torch.Tensor) -> bool:
    """Whether it is long enough, and in the processor's memory, for operations of its own."""
    return tensor.device.type == "cpu" and tensor.numel() >= _LEAST
