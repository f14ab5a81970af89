"""Arrays as instruments and files give them are data like any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import dprox_core as dp

VALUES = np.random.default_rng(0).uniform(0.0, 9.0, (4, 5))
KINDS = {
    "turned around": VALUES[::-1, ::-1],
    "of a FITS file": VALUES.astype(">f4"),
    "of a big-endian scanner": VALUES.astype(">i2"),
    "long doubles": VALUES.astype(np.longdouble),
    "unsigned": VALUES.astype(np.uint16),
    "not writable": np.broadcast_to(VALUES[:1], VALUES.shape),
}
X = dp.Variable("x", VALUES.shape)
TAKERS: dict[str, Callable[[Any], Any]] = {
    "data": lambda v: dp.Problem(dp.sum_squares(X - v)).solve("admm")[X],
    "start": lambda v: dp.Problem(dp.sum_squares(X) + dp.norm1(X)).compile("admm").init(v).x[0],
    "operand": lambda v: dp.conv(v, np.eye(1)),
    "image": lambda v: dp.add_noise(v, sigma=0.0),
    "numbers": dp.array,
    "placeholder": lambda v: dp.Placeholder("b", value=v).value,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("taker", TAKERS)
def test_numbers_arrive_as_they_are(kind: str, taker: str) -> None:
    array = KINDS[kind]
    expected = torch.from_numpy(array.astype(np.float64))
    found = TAKERS[taker](array)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)


def test_data_do_not_follow_the_array_afterwards() -> None:
    array = VALUES.copy()
    b = dp.Placeholder("b", value=array)
    array[:] = 0.0
    assert float(b.value.min()) > 0.0  # type: ignore[union-attr]


@pytest.mark.parametrize("taker", ["data", "start", "operand", "image", "placeholder"])
def test_masked_values_are_refused(taker: str) -> None:
    with pytest.raises(dp.DataError, match=r"masked values.*mask\(x, ~array.mask\)"):
        TAKERS[taker](np.ma.masked_array(VALUES, VALUES > 5.0))
    TAKERS[taker](np.ma.masked_array(VALUES, VALUES > 50.0))


@pytest.mark.parametrize("values", [VALUES.astype(object), VALUES.astype(str)])
@pytest.mark.parametrize("taker", TAKERS)
def test_what_holds_no_numbers_is_refused(taker: str, values: np.ndarray) -> None:
    with pytest.raises(dp.ParameterError, match="must be"):
        TAKERS[taker](values)
