"""A method with something around it: what is not changed is the method's own."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import torch

from dprox_core.algorithms.base import Algorithm, State
from dprox_core.algorithms.evidence import Evidence

__all__ = ["Around"]

Vectors = tuple[torch.Tensor, ...]
S = TypeVar("S", bound=State)


class Around(Algorithm[S], Generic[S]):
    """Everything as ``inner`` does it.

    Args:
        inner: the method.
    """

    def __init__(self, inner: Algorithm[Any]) -> None:
        self.inner = inner
        self.name = inner.name
        self.model = inner.model
        self.tolerances = inner.tolerances

    def within(self, state: S) -> State:
        """The method's own state inside this one."""
        return state

    def start(self) -> Vectors:
        """As the method."""
        return self.inner.start()

    @property
    def exact_after(self) -> int | None:
        """As the method."""
        return self.inner.exact_after

    def forget(self) -> None:
        """As the method."""
        self.inner.forget()

    def answer(self, state: S) -> Vectors:
        """As the method."""
        return self.inner.answer(self.within(state))

    def parameter(self, state: S) -> float:
        """As the method."""
        return self.inner.parameter(self.within(state))

    def evidence(self, state: S) -> Evidence | None:
        """As the method."""
        return self.inner.evidence(self.within(state))
