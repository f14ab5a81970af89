"""Join bounds on the same variable into one."""

from __future__ import annotations

import math

import torch

from dprox_core.compiler.model import BoundTerm, Model, Penalty
from dprox_core.compiler.passes.base import Pass
from dprox_core.errors import CompileError
from dprox_core.proxfns.indicators import Box

__all__ = ["MergeBounds"]

Bound = float | torch.Tensor


class MergeBounds(Pass):
    """All bounds that act directly on one variable become one interval per element.

    One split copy instead of several: less memory, faster convergence, and a solution that meets
    all of them exactly.
    """

    name = "merge_bounds"
    title = "join bounds on one variable"

    def accepts(self, model: Model) -> bool:
        """Whether a variable has a bound that is not yet a plain one, or several."""
        bounds = [term for term in model.terms if _is_bound(term)]
        indices = [term.row.entries[0][0] for term in bounds]
        return len(set(indices)) < len(indices) or any(not _is_plain(term) for term in bounds)

    def apply(self, model: Model) -> tuple[Model, object]:
        """The model with one bound for each variable that has any."""
        groups: dict[int, list[BoundTerm]] = {}
        for term in model.terms:
            if _is_bound(term):
                groups.setdefault(term.row.entries[0][0], []).append(term)
        terms: list[BoundTerm] = []
        for term in model.terms:
            if not _is_bound(term):
                terms.append(term)
                continue
            group = groups[term.row.entries[0][0]]
            if group[0] is term:
                terms.append(_merged(group))
        return model.with_terms(tuple(terms)), None


def _is_bound(term: BoundTerm) -> bool:
    scale = term.penalty.scale
    movable = scale is None or (not scale.is_complex() and bool((scale != 0).all()))
    return isinstance(term.function, Box) and term.row.is_identity and movable


def _is_plain(term: BoundTerm) -> bool:
    return term.penalty.is_plain


def _merged(group: list[BoundTerm]) -> BoundTerm:
    if len(group) == 1 and _is_plain(group[0]):
        return group[0]
    lower: Bound = -math.inf
    upper: Bound = math.inf
    space = group[0].row.range
    for term in group:
        low, high = _interval(term)
        lower, upper = _larger(lower, low), _smaller(upper, high)
        gap = torch.as_tensor(lower) - torch.as_tensor(upper)
        # Equal bounds written differently may differ by rounding.
        if bool((gap > 8 * torch.finfo(space.precision).eps * torch.as_tensor(upper).abs()).any()):
            texts = ", ".join(held.text for held in group)
            raise CompileError(
                f"The constraints {texts} contradict each other: no value meets all of them.",
                expected="constraints with a common point",
                got=texts,
                where=texts,
            )
    upper = _larger(upper, lower)
    text = " + ".join(term.text for term in group)
    box = Box(space, _placed(lower, space.device), _placed(upper, space.device))
    return BoundTerm(Penalty(box), group[0].row, text, group[0].argument)


def _interval(term: BoundTerm) -> tuple[Bound, Bound]:
    """The bounds on the variable itself: lower ≤ d x + c ≤ upper solved for x."""
    function = term.function
    assert isinstance(function, Box)
    lower, upper = function.lower, function.upper
    offset, scale = term.penalty.offset, term.penalty.scale
    if offset is not None:
        lower, upper = lower - offset, upper - offset
    if scale is None:
        return lower, upper
    if (
        scale.ndim == 0
        and not isinstance(lower, torch.Tensor)
        and not isinstance(upper, torch.Tensor)
    ):
        d = float(scale)
        return (lower / d, upper / d) if d > 0 else (upper / d, lower / d)
    first, second = lower / scale, upper / scale
    positive = scale > 0
    return torch.where(positive, first, second), torch.where(positive, second, first)


def _larger(a: Bound, b: Bound) -> Bound:
    if isinstance(a, torch.Tensor) or isinstance(b, torch.Tensor):
        return torch.maximum(*_tensors(a, b))
    return max(a, b)


def _smaller(a: Bound, b: Bound) -> Bound:
    if isinstance(a, torch.Tensor) or isinstance(b, torch.Tensor):
        return torch.minimum(*_tensors(a, b))
    return min(a, b)


def _tensors(a: Bound, b: Bound) -> tuple[torch.Tensor, torch.Tensor]:
    like = a if isinstance(a, torch.Tensor) else b
    assert isinstance(like, torch.Tensor)
    return (
        torch.as_tensor(a, dtype=like.dtype, device=like.device),
        torch.as_tensor(b, dtype=like.dtype, device=like.device),
    )


def _placed(bound: Bound, device: torch.device) -> Bound:
    return bound.to(device) if isinstance(bound, torch.Tensor) else bound
