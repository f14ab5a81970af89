"""Gradients that cannot be differentiated again, and say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from dprox_core.errors import DproxError

__all__ = ["once"]


def once(
    gradients: Sequence[torch.Tensor | None],
    through: str,
    anchors: Sequence[torch.Tensor],
    cotangents: Sequence[torch.Tensor | None],
) -> tuple[torch.Tensor | None, ...]:
    """Gradients computed without a graph; where a graph is asked for, going through it is refused.

    Without that, a second derivative would be taken as if these did not depend on anything.

    Args:
        gradients: what a backward pass has found.
        through: what was differentiated, as the sentence names it.
        anchors: tensors that depend on all data that the gradients depend on.
        cotangents: what the backward pass was given; forward derivatives go through them.

    Raises:
        DproxError: not here, but when they are differentiated.
    """
    if not torch.is_grad_enabled():
        return tuple(gradients)
    held = [g.detach() for g in gradients if g is not None]
    anchors = [*anchors, *(c for c in cotangents if c is not None)]
    refusing = iter(_Refusing.apply(through, len(anchors), *anchors, *held))
    return tuple(None if g is None else next(refusing) for g in gradients)


class _Refusing(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, through: str, count: int, *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        ctx.through = through
        return tuple(g.view_as(g) for g in tensors[count:])

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> Any:
        raise DproxError(
            f"There are no second derivatives through {ctx.through}, and no forward ones, which "
            "torch takes by two backward passes: take them through unrolled steps with closed-form "
            "linear solves, or by differences.",
            expected="a first derivative, backward",
            got="a second derivative",
            where=ctx.through,
        )
