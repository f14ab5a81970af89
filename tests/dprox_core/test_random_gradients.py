"""Gradients of random solves, by every method and engine, against finite differences.

DPROX_FUZZ_GRADIENTS="100 400" takes these seeds in place of the usual few.
"""

from __future__ import annotations

import os

import pytest
import torch
from random_gradients import SLOW, Drawn, Leaf, draw

import dprox_core as dp

_RANGE = os.environ.get("DPROX_FUZZ_GRADIENTS", "").split()
# From 66 on, one of each measurement that has a closed form.
_USUAL = (*range(20), *range(21, 28), 66, 82, 85, 87, 89, 97, 183, 239)
_SEEDS = tuple(range(*map(int, _RANGE))) if _RANGE else _USUAL
_STEP = 1e-6


def value(drawn: Drawn, seed: int) -> torch.Tensor:
    """A number that depends on every element of every variable."""
    total = torch.zeros((), dtype=torch.float64)
    for index, v in enumerate(drawn.answer()):
        generator = torch.Generator().manual_seed(seed + index)
        weights = torch.randn(v.shape, generator=generator, dtype=torch.float64)
        total = total + (weights * v.real).sum()
        if v.is_complex():
            total = total + (weights.flip(-1) * v.imag).sum()
    return total


def slope(drawn: Drawn, leaf: Leaf, direction: torch.Tensor, step: float, seed: int) -> float:
    """The central difference along a direction."""
    # A parameter holds in place what it is given.
    kept, plain, values = leaf.value, leaf.value.detach().clone(), []
    with torch.no_grad():
        for sign in (1.0, -1.0):
            leaf.value = plain + sign * step * direction
            values.append(float(value(drawn, seed)))
        leaf.value = plain
        leaf.put()
    leaf.value = kept
    return (values[0] - values[1]) / (2.0 * step)


def direction_of(leaf: Leaf, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1000 + seed)
    found = torch.randn(leaf.value.shape, generator=generator, dtype=leaf.value.dtype)
    # The matrix of a quadratic form stays symmetric.
    return found + found.mT.conj() if leaf.name == "quad_form" else found


@pytest.mark.parametrize("seed", _SEEDS)
@pytest.mark.filterwarnings("ignore::dprox_core.errors.ConvergenceWarning")
def test_gradients_of_a_random_solve(seed: int) -> None:
    drawn = draw(seed)
    for leaf in drawn.leaves:
        leaf.value = leaf.value.requires_grad_()
    try:
        whole = value(drawn, seed)
    except dp.CompileError:
        pytest.skip("the method does not accept the problem")
    settled = drawn.settled
    if settled is not None and not (settled.converged and settled.iterations <= SLOW):
        pytest.skip("no fixed point within few steps")
    gradients: tuple[torch.Tensor | None, ...] = (None,) * len(drawn.leaves)
    # The first step from zero may lead to zero, whatever the data.
    if whole.requires_grad:
        values = [leaf.value for leaf in drawn.leaves]
        gradients = torch.autograd.grad(whole, values, allow_unused=True)
    if settled is not None and settled.uncertainty > 1e-5:
        pytest.skip("the gradient is known to be uncertain")
    for leaf, gradient in zip(drawn.leaves, gradients, strict=True):
        direction = direction_of(leaf, seed)
        found, size = 0.0, 0.0
        if gradient is not None:
            found = float((gradient.conj() * direction).real.sum())
            size = float(gradient.norm() * direction.norm())
        expected = slope(drawn, leaf, direction, _STEP, seed)
        close = 1e-6 + 1e-4 * max(abs(expected), size / max(1.0, direction.numel() ** 0.5))
        if abs(found - expected) > close:
            other = slope(drawn, leaf, direction, 0.1 * _STEP, seed)
            if abs(other - expected) > 0.1 * close:
                continue  # a kink lies within the step
        assert found == pytest.approx(expected, abs=close), (leaf.name, drawn.words)
