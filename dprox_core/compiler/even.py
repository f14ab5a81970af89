"""Split terms brought to one scale, so that one ρ serves them all."""

from __future__ import annotations

from dataclasses import replace

import torch

from dprox_core.compiler.model import BoundTerm, Row
from dprox_core.compiler.shared import nearest_eighth
from dprox_core.compiler.split import ITERATIVE, Split, choose_kind
from dprox_core.linops.algebra import Scale, compose

__all__ = ["evened"]

# Operators that are less than so many times longer are left as they are; shorter ones, too.
_FAR = 3.0


def evened(assignment: Split) -> Split:
    """The same terms, the operators of smooth ones no longer than those of the others.

    Next to f(A x), split off as z = A x, a penalty g(K x) wants a ρ that is (‖A‖ / ‖K‖)² times
    larger, and there is one ρ for both. With n = ‖A‖ / ‖K‖ the term is f(n · (A / n) x), and the
    number n is the prox's (P. Giselsson, S. Boyd, Linear convergence and metric selection for
    Douglas-Rachford splitting and ADMM, 2017). Norms and sets are left alone: theirs is the ρ that
    the solve finds, and what an equation weighs is no matter of its length.

    Args:
        assignment: where terms went; ρ is chosen automatically.
    """
    rough = [term.row.norm_bound() for term in assignment.blocks if not _is_curved(term)]
    target = max(rough, default=0.0)
    learned = any(not term.function.has_value for term in assignment.blocks)
    if target == 0.0 or learned:
        return assignment
    blocks = tuple(
        _divided(term, term.row.norm_bound() / target) if _is_curved(term) else term
        for term in assignment.blocks
    )
    part = replace(assignment.part, couplings=tuple(term.row for term in blocks))
    kind = assignment.kind
    if kind not in (*ITERATIVE, "dense") and choose_kind(part)[0] != kind:
        return assignment
    return replace(assignment, blocks=blocks, part=part)


def _is_curved(term: BoundTerm) -> bool:
    return bool(term.function.lipschitz)


def _divided(term: BoundTerm, times: float) -> BoundTerm:
    if times <= _FAR:
        return term
    # Norms move with kernels and matrices; the steps, whose gradients follow only what is written
    # in the problem, must not.
    times = nearest_eighth(times)
    entries = tuple(
        (index, compose(Scale(operator.range, 1.0 / times), operator))
        for index, operator in term.row.entries
    )
    held = term.penalty.scale
    scale = torch.tensor(times, dtype=torch.float64) if held is None else held * times
    return replace(term, row=Row(entries), penalty=replace(term.penalty, scale=scale))
