"""Rows for what is not about pictures: shapes, matrices, transforms, a user's own operators."""

from __future__ import annotations

from typing import Any, cast

import torch
from scipy import sparse

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.concat import split, vstack
from dprox_core.linops import (
    LearnedLinOp,
    LinOpFactory,
    broadcast_to,
    conv,
    crop,
    dct,
    grad,
    imag,
    index,
    mask,
    matrix,
    pad,
    patches,
    permute,
    real,
    reshape,
    sum_over,
    wavelet,
)
from dprox_core.testing.cases import LinOpCase, Wrong
from dprox_core.testing.linop_rows_basic import variable

__all__ = ["GENERAL"]

_GRAM = frozenset({"gram_diagonal"})
_SPECTRUM = frozenset({"gram_spectrum"})
_ORTHOGONAL = frozenset({"gram_diagonal", "gram_spectrum"})
_FLAT = ((6,), (2, 3, 6))


def _banded(x: Any) -> Any:
    n = x.shape[0]
    return sparse.diags([-1.0, 2.0, 0.5], [0, 1, -1], shape=(n, n)).tocsr() @ x


def _layer() -> torch.nn.Module:
    """A layer in single precision with parameters that are always the same."""
    layer = torch.nn.Conv2d(2, 3, (2, 1), bias=False)
    weight = torch.arange(12.0).reshape(layer.weight.shape).sin()
    layer.weight = torch.nn.Parameter(weight, requires_grad=False)
    return layer


GENERAL = (
    LinOpCase(
        "matrix",
        matrix,
        shapes=_FLAT,
        data=lambda shape, make: (make.normal(4, shape[-1]),),
        wrong=(
            Wrong(lambda: matrix(variable(4), torch.ones(2, 3)), ShapeError, "has 3 columns"),
            Wrong(lambda: matrix(variable(4), torch.ones(2, 2, 2)), ShapeError, "is no matrix"),
            Wrong(lambda: matrix(variable(4), torch.ones(4, 4), 2), ShapeError, "no axis 2"),
            Wrong(lambda: matrix(variable(4), torch.ones(0, 4)), ShapeError, "has no elements"),
            Wrong(lambda: variable(4) @ variable(4), ParameterError, "must be data"),
        ),
    ),
    LinOpCase(
        "matrix",
        lambda x, M: matrix(x, M, axis=-2),
        label="along another axis",
        data=lambda shape, make: (make.normal(2, shape[-2]),),
    ),
    LinOpCase(
        "matrix",
        lambda x, M: M @ x,
        label="complex",
        on_tensors=False,
        shapes=((6,), (3, 2)),
        data=lambda shape, make: (make.normal(4, shape[0], is_complex=True),),
    ),
    LinOpCase(
        "matrix",
        lambda x, c: c @ x,
        label="a row",
        shapes=((6,), (1,)),
        data=lambda shape, make: (make.normal(shape[0]),),
    ),
    LinOpCase(
        "matrix",
        lambda x, M: x @ M,
        label="from the right",
        shapes=((2, 6), (3, 1, 4)),
        data=lambda shape, make: (make.normal(shape[-1], 3),),
    ),
    LinOpCase(
        "matrix",
        _banded,
        label="sparse",
        on_tensors=False,
        shapes=((6,), (3,)),
    ),
    LinOpCase(
        "reshape",
        lambda x: reshape(x, (-1, 2)),
        shapes=((3, 4), (2, 1, 3)),
        declares=_GRAM,
        wrong=(
            Wrong(lambda: reshape(variable(4), (3, 2)), ShapeError, "do not fill the shape (3, 2)"),
            Wrong(lambda: reshape(variable(4), cast(Any, (2.0, 2))), ParameterError, "not 2.0"),
        ),
    ),
    LinOpCase(
        "permute",
        lambda x: permute(x, (2, 0, 3, 1)),
        declares=_GRAM,
        wrong=(
            Wrong(lambda: permute(variable(4, 4), (0, 0)), ShapeError, "does not name each axis"),
            Wrong(lambda: permute(variable(4), cast(Any, (0.0,))), ParameterError, "whole number"),
        ),
    ),
    LinOpCase("permute", lambda x: x.T, label="transposed", on_tensors=False, declares=_GRAM),
    LinOpCase(
        "index",
        lambda x: x[..., 1:, ::2],
        declares=_GRAM,
        wrong=(
            Wrong(lambda: variable(4)[7], ShapeError, "has nothing at [7]"),
            Wrong(lambda: variable(4)[2:2], ShapeError, "has nothing at [2:2]"),
            Wrong(lambda: variable(4)[0, 0], ShapeError, "has nothing at"),
            Wrong(lambda: variable(4)[::-1], ParameterError, "slices that go forward"),
            Wrong(lambda: variable(4)["a"], ParameterError, "whole numbers and slices"),
            Wrong(lambda: variable(4)[torch.arange(2)], ParameterError, "whole numbers and slices"),
            Wrong(lambda: index(variable(4), None), ParameterError, "whole numbers and slices"),
        ),
    ),
    LinOpCase(
        "sum_over",
        lambda x: x.sum((0, -1)),
        on_tensors=False,
        wrong=(
            Wrong(lambda: variable(4).sum(1), ShapeError, "has no axis 1"),
            Wrong(lambda: variable(4, 3).sum((0, -2)), ShapeError, "only once"),
            Wrong(
                lambda: sum_over(variable(4), cast(Any, "ab")),
                ParameterError,
                "must be whole numbers",
            ),
        ),
    ),
    LinOpCase("sum_over", sum_over, label="of all"),
    LinOpCase(
        "broadcast_to",
        lambda x: broadcast_to(x, (2, 3, 2, 5, 3)),
        shapes=((5, 1), (1, 2, 1, 3), ()),
        declares=_GRAM,
        wrong=(
            Wrong(
                lambda: broadcast_to(variable(2, 3), (3, 3)),
                ShapeError,
                "does not broadcast to (3, 3)",
            ),
            Wrong(lambda: broadcast_to(variable(2), (0,)), ParameterError, "whole numbers from 1"),
        ),
    ),
    LinOpCase("sum_over", lambda x: sum_over(x, -1, True), label="of rows", declares=_SPECTRUM),
    LinOpCase("index", lambda x: x[0, ..., -1], label="one element along an axis", declares=_GRAM),
    LinOpCase(
        "index",
        lambda x: crop(x, 1, 0, 1, 1),
        label="crop",
        declares=_GRAM,
        wrong=(
            Wrong(lambda: crop(variable(4, 4), top=-1), ParameterError, "must be 0 or more"),
            Wrong(lambda: crop(variable(4, 4), 2, 2), ShapeError, "nothing left without 2 + 2"),
            Wrong(lambda: crop(variable(4, 4), cast(Any, 1.5)), ParameterError, "whole number"),
            Wrong(lambda: crop(variable(4), 1), ShapeError, "crop takes an image"),
        ),
    ),
    LinOpCase(
        "pad",
        lambda x: pad(x, 1, 2, 0, 1),
        declares=_GRAM,
        wrong=(
            Wrong(lambda: pad(variable(4, 4), -1), ParameterError, "whole numbers from 0"),
            Wrong(lambda: pad(variable(4, 4), 1, mode="odd"), ParameterError, "mode must be"),
            Wrong(lambda: pad(variable(4, 4), 4, mode="reflect"), ShapeError, "too small to be"),
            Wrong(lambda: pad(variable(4), 1), ShapeError, "takes an image"),
        ),
    ),
    LinOpCase("pad", lambda x: pad(x, 1, 2, 2, 1, "reflect"), label="reflect", declares=_GRAM),
    LinOpCase("pad", lambda x: pad(x, 1, 2, 2, 1, "circular"), label="circular", declares=_GRAM),
    LinOpCase("pad", lambda x: pad(x, 1, 7, 2, 1, "replicate"), label="replicate", declares=_GRAM),
    LinOpCase(
        "dct",
        dct,
        declares=_ORTHOGONAL,
        wrong=(Wrong(lambda: dct(variable(4)), ShapeError, "takes an image"),),
    ),
    LinOpCase(
        "wavelet",
        wavelet,
        shapes=((1, 1, 4, 6), (3, 2, 2, 4)),
        declares=_ORTHOGONAL,
        wrong=(
            Wrong(lambda: wavelet(variable(4, 6), levels=2), ShapeError, "cannot be halved 2"),
            Wrong(lambda: wavelet(variable(4, 4), "db9"), ParameterError, "kind must be one of"),
            Wrong(lambda: wavelet(variable(4, 4), levels=0), ParameterError, "from 1"),
        ),
    ),
    LinOpCase(
        "wavelet",
        lambda x: wavelet(x, "db4", 2),
        label="db4",
        shapes=((1, 1, 8, 12), (2, 1, 4, 8)),
        declares=_ORTHOGONAL,
    ),
    LinOpCase(
        "wavelet",
        lambda x: wavelet(x, "db3", 1),
        label="db3",
        shapes=((1, 1, 8, 6), (2, 2)),
        declares=_ORTHOGONAL,
    ),
    LinOpCase(
        "patches",
        lambda x: patches(x, 3, 1),
        declares=_GRAM,
        wrong=(
            Wrong(lambda: patches(variable(4, 4), 5), ShapeError, "do not fit into x"),
            Wrong(lambda: patches(variable(4, 4), 2, 0), ParameterError, "stride must be"),
        ),
    ),
    LinOpCase("patches", lambda x: patches(x, 2, 3), label="with gaps", declares=_GRAM),
    LinOpCase("real", real),
    LinOpCase("imag", imag),
    LinOpCase(
        "real",
        lambda x, k: real(conv(x, k)) + imag(x),
        label="of a complex product",
        data=lambda shape, make: (make.normal(2, 2, is_complex=True),),
        tight=2.5,
    ),
    LinOpCase(
        "real",
        lambda x: real(x) + 1j * conv(real((1 + 2j) * x), torch.ones(2, 2)),
        label="inside a complex sum",
        tight=3.5,
    ),
    LinOpCase(
        "grad",
        lambda x: vstack([grad(x), 2 * grad(x), grad(x)[..., :1, :, :]], axis=-3),
        label="stacked",
        tight=1.2,
        wrong=(
            Wrong(lambda: vstack([]), ParameterError, "at least one"),
            Wrong(
                lambda: vstack([variable(2, 3), variable(2, 4)]),
                ShapeError,
                "x has shape (2, 3) and x has shape (2, 4)",
            ),
            Wrong(lambda: vstack([variable(2)], axis=1), ShapeError, "has no axis 1"),
            Wrong(lambda: vstack([variable(2)], cast(Any, 0.5)), ParameterError, "not 0.5"),
        ),
    ),
    LinOpCase(
        "conv",
        lambda x, k: vstack([conv(x, k), x]),
        label="stacked",
        data=lambda shape, make: (make.normal(3, 3),),
        declares=frozenset({"gram_spectrum"}),
    ),
    LinOpCase(
        "index",
        lambda x: split(x, 2, axis=-1)[1] - split(x, [1, 2, 1], axis=-1)[1],
        label="split",
        shapes=((1, 1, 3, 4), (2, 3, 1, 4)),
        tight=2.0,
        wrong=(
            Wrong(lambda: split(variable(4), 3), ShapeError, "do not make up the 4 elements"),
            Wrong(lambda: split(variable(4), [1, 2]), ShapeError, "do not make up"),
            Wrong(lambda: split(variable(4), cast(Any, 1.5)), ParameterError, "not 1.5"),
        ),
    ),
    LinOpCase(
        "blackbox",
        LinOpFactory(lambda x: x.cumsum(-1), lambda y: y.flip(-1).cumsum(-1).flip(-1)),
        wrong=(
            Wrong(
                lambda: LinOpFactory(lambda x: x.reshape(7, 7), name="mine")(variable(4)),
                ShapeError,
                "mine fails on a tensor of shape (4,)",
            ),
            Wrong(lambda: LinOpFactory(cast(Any, 3)), ParameterError, "must be a function"),
            Wrong(lambda: LinOpFactory(cast(Any, None)), ParameterError, "must be a function"),
            Wrong(lambda: LearnedLinOp(cast(Any, None)), ParameterError, "must be a torch.nn."),
            Wrong(
                lambda: LinOpFactory(lambda x: x, norm_bound=-1.0),
                ParameterError,
                "a number from 0",
            ),
            Wrong(
                lambda: LinOpFactory(lambda x: 3 * x, norm_bound=1.0)(variable(4)),
                ParameterError,
                "some vector becomes 3 times as long",
            ),
            Wrong(
                lambda: LinOpFactory(lambda x: 3 * x, diagonal=torch.ones(4))(variable(4)),
                ParameterError,
                "is not the diagonal times x",
            ),
            Wrong(
                lambda: LinOpFactory(lambda x: x.cumsum(-1), lambda y: y)(variable(4)),
                ParameterError,
                "adjoint is not that of forward",
            ),
            Wrong(
                lambda: LinOpFactory(lambda x: x[1:], lambda y: y)(variable(4)),
                ParameterError,
                "adjoint gives (3,) where (4,) is due",
            ),
            Wrong(
                lambda: LearnedLinOp(torch.nn.Linear(4, 4))(variable(4)),
                ParameterError,
                "is not linear: it gives",
            ),
            Wrong(
                lambda: LearnedLinOp(torch.nn.ReLU())(variable(4)),
                ParameterError,
                "learned is not linear: what it gives for −2 x",
            ),
            Wrong(
                lambda: LinOpFactory(lambda x: x + 1.0)(variable(4)),
                ParameterError,
                "is not linear: it gives 1 for zeros",
            ),
            Wrong(
                lambda: LinOpFactory(cast(Any, lambda x: x.tolist()))(variable(4)),
                ParameterError,
                "must give a tensor, not list",
            ),
        ),
    ),
    LinOpCase(
        "blackbox",
        LinOpFactory(lambda x: 2.0 * x[..., 1:] - x[..., :-1]),
        label="transposed by autograd",
    ),
    LinOpCase(
        "blackbox",
        LearnedLinOp(_layer()),
        label="a real layer in single precision",
        shapes=((1, 2, 4, 6), (3, 2, 5, 1)),
    ),
    LinOpCase(
        "blackbox",
        LinOpFactory(lambda x: x[..., 1:], None, norm_bound=1.0),
        label="a view of its argument",
    ),
    LinOpCase(
        "mask",
        lambda x, w: LinOpFactory(lambda v: w * v, diagonal=w)(mask(x, w)),
        label="before a black box with a diagonal",
        data=lambda shape, make: (make.normal(*shape),),
        declares=frozenset({"diagonal"}),
    ),
)
