"""Operators on tensors under torch.func: forward derivatives, and all samples at once."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch

import dprox_core as dp
from dprox_core.testing.cases import Maker
from tests.dprox_core.random_draws import Draw, Unfit
from tests.dprox_core.random_operators import SHAPES, STEPS


def drawn(name: str, seed: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """An operator with random arguments, the same each time it is called."""

    def apply(x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = STEPS[name](Draw(random.Random(seed), Maker(seed)), x)
        return found

    return apply


@pytest.mark.parametrize("name", sorted(STEPS))
def test_an_operator_can_be_traced(name: str) -> None:
    fits = 0
    for seed, shape in enumerate(SHAPES):
        operator = drawn(name, seed)
        generator = torch.Generator().manual_seed(seed)
        x, way = torch.randn(2, *shape, dtype=torch.float64, generator=generator)
        try:
            image, moved, far = operator(x), operator(way), operator(x + way)
        except Unfit:
            continue
        fits += 1
        together = torch.func.vmap(operator, randomness="same")(torch.stack([x, way]))
        torch.testing.assert_close(together, torch.stack([image, moved]))
        try:
            found, slope = torch.func.jvp(operator, (x,), (way,))
        except NotImplementedError as error:
            # Of sparse matrices torch has no forward derivatives, and says so.
            if "sparse" not in str(error):
                raise
            continue
        torch.testing.assert_close(found, image)
        torch.testing.assert_close(slope, far - image)
    assert fits


def test_values_that_are_not_finite_are_seen_through_a_trace() -> None:
    batch = torch.ones(3, 4, 4)
    batch[1, 2, 2] = torch.nan
    with pytest.raises(dp.DataError, match="holds 1 value that is NaN"):
        torch.func.vmap(dp.grad)(batch)
