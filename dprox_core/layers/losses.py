"""How far solutions are from targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from dprox_core.errors import ParameterError, ShapeError

__all__ = ["mean_squared_error", "negative_psnr"]


def mean_squared_error(solution: Any, target: Any) -> torch.Tensor:
    """mean |solution − target|², over all variables that the target names.

    Raises:
        ShapeError: a target does not have its variable's shape.
        ParameterError: a target names no variable, or is no tensor.
    """
    pairs = _pairs(solution, target)
    squares = torch.stack([(v - t).abs().square().sum() for v, t in pairs])
    return squares.sum() / sum(v.numel() for v, _ in pairs)


def negative_psnr(solution: Any, target: Any) -> torch.Tensor:
    """−PSNR in dB, for values between 0 and 1."""
    return 10.0 * mean_squared_error(solution, target).clamp(min=1e-12).log10()


def _pairs(solution: Any, target: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """What is found and what it should be; a tensor alone is the target of the first variable."""
    if not isinstance(solution, Mapping):
        return [_pair("the solution", solution, target)]
    if not isinstance(target, Mapping):
        name = next(iter(solution))
        return [_pair(name, solution[name], target)]
    # By name, since the equality of variables is a condition.
    wanted = {str(getattr(key, "name", key)): value for key, value in target.items()}
    unknown = [name for name in wanted if name not in solution]
    if unknown or not wanted:
        raise ParameterError(
            f"A target names {unknown[0] if unknown else 'nothing'}: the variables of the problem "
            f"are {', '.join(solution)}.",
            expected=list(solution),
            got=unknown,
            where="target",
        )
    return [_pair(name, solution[name], value) for name, value in wanted.items()]


def _pair(name: str, found: torch.Tensor, target: Any) -> tuple[torch.Tensor, torch.Tensor]:
    if not isinstance(target, torch.Tensor):
        raise ParameterError(
            f"The target of {name} must be a tensor, not {type(target).__name__} {target!r:.60}.",
            expected="a tensor",
            got=type(target).__name__,
            where="target",
        )
    if _filled(target.shape) != _filled(found.shape):
        raise ShapeError(
            f"The target of {name} has shape {tuple(target.shape)}, but {name} has shape "
            f"{tuple(found.shape)}.",
            expected=tuple(found.shape),
            got=tuple(target.shape),
            where="target",
        )
    return found, target.to(found.device).reshape(found.shape)


def _filled(shape: torch.Size) -> tuple[int, ...]:
    """Without leading axes of one element: an image may be given as (H, W)."""
    first = next((i for i, n in enumerate(shape) if n > 1), len(shape))
    return tuple(shape[first:])
