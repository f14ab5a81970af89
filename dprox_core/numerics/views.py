"""Views of tensors that come again and again, as the memory of an iteration does."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch

__all__ = ["Views"]

T = TypeVar("T")


@dataclass(frozen=True)
class _Held(Generic[T]):
    tensors: tuple[weakref.ref[torch.Tensor], ...]
    threads: int
    views: T | None

    def are_of(self, tensors: tuple[torch.Tensor, ...]) -> bool:
        return self.threads == torch.get_num_threads() and all(
            held() is tensor for held, tensor in zip(self.tensors, tensors, strict=True)
        )


class Views(Generic[T]):
    """What is cut out of tensors, kept from the second time on that these very ones come.

    To cut a dozen views takes as long as a pass over the pixels of an image. They are let go when
    one of the tensors is, and are neither copied nor saved along with whoever keeps them.
    """

    def __init__(self) -> None:
        self._held: dict[int, _Held[T]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, _: dict[str, Any]) -> None:
        self._held = {}

    def __deepcopy__(self, _: dict[int, Any]) -> Views[T]:
        return Views()

    def of(self, cut: Callable[..., T], *tensors: torch.Tensor) -> T:
        """``cut(*tensors)``; of two numbers of tensors each has its own."""
        if torch.compiler.is_compiling():
            return cut(*tensors)
        held = self._held.get(len(tensors))
        if held is not None and held.are_of(tensors):
            if held.views is None:
                # Of other tensors with the same memory, so that the given ones can be let go.
                made = cut(*(tensor.detach() for tensor in tensors))
                self._held[len(tensors)] = _Held(held.tensors, held.threads, made)
                return made
            return held.views
        forget = _forgetting(weakref.ref(self))
        seen = tuple(weakref.ref(tensor, forget) for tensor in tensors)
        self._held[len(tensors)] = _Held(seen, torch.get_num_threads(), None)
        return cut(*tensors)


def _forgetting(views: weakref.ref[Views[Any]]) -> Callable[[object], None]:
    def forget(_: object) -> None:
        keeper = views()
        if keeper is not None:
            keeper._held.clear()

    return forget
