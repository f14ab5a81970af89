"""What a pass is: it says whether it applies, rewrites a model, and takes a solution back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch

from dprox_core.compiler.model import Model

__all__ = ["Pass"]


class Pass(ABC):
    """One rewriting of a model that keeps its minimizers.

    Attributes:
        name: a short name; compile options switch the pass by it.
        title: what it does, for a plan.
    """

    name: ClassVar[str]
    title: ClassVar[str]

    @abstractmethod
    def accepts(self, model: Model) -> bool:
        """Whether there is anything for it to do."""

    @abstractmethod
    def apply(self, model: Model) -> tuple[Model, object]:
        """The rewritten model, and what ``invert`` will need.

        Raises:
            CompileError: the model has no solution, said in the user's terms.
        """

    def shown(self, model: Model) -> tuple[str, ...]:
        """The terms of a model after it, for a plan."""
        return tuple(term.text for term in model.terms)

    def invert(self, x: tuple[torch.Tensor, ...], inverse: object) -> tuple[torch.Tensor, ...]:
        """A solution of the model before, from one of the model after; by default the same."""
        return x
