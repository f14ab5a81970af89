"""Steps piece by piece are the steps they are for whole arrays."""

from __future__ import annotations

import math

import pytest
import torch

import dprox_core as dp
from dprox_core.numerics import pieces, reductions
from dprox_core.proxfns.base import ProxFn


def _layouts() -> dict[str, torch.Tensor]:
    rows = torch.randn(2, 40, 30, dtype=torch.float64)
    return {
        "plain": rows,
        "parts last": rows.movedim(0, -1),
        "transposed": rows.transpose(1, 2),
        "with an axis of one": rows.movedim(0, -1)[None],
        "complex": torch.complex(rows, rows).movedim(0, 1),
    }


@pytest.mark.parametrize("layout", _layouts())
def test_pieces_are_the_arrays_themselves(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_PIECE", 500)
    a = _layouts()[layout]
    b, out = torch.randn_like(a), torch.empty_like(a)
    found = list(pieces.in_pieces(a, b, out))
    assert len(found) == math.ceil(a.numel() / (500 * torch.get_num_threads())) > 1
    for x, y, written in found:
        torch.sub(x, y, out=written)
    assert torch.equal(out, a - b)


def test_arrays_of_different_layouts_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_PIECE", 500)
    a, b = torch.randn(40, 30), torch.randn(30, 40).T
    gaps = torch.randn(40, 60)[:, ::2]
    for other in (b, gaps, a.double(), a.expand(3, 40, 30)[:1]):
        pair = list(pieces.in_pieces(a, other))
        assert len(pair) == 1
        assert pair[0][0] is a
        assert pair[0][1] is other
    assert len(list(pieces.in_pieces(gaps, gaps))) == 1


def test_a_squared_norm_in_pieces_has_the_same_bits() -> None:
    values = torch.randn(3 * 4096 + 77)
    pieces = [norm for piece in values.split(8192) for norm in reductions.block_norms(piece)]
    found = reductions.sums_of_squares([pieces, reductions.block_norms(values)])
    assert found[0] == found[1] == pytest.approx(float(values.double().square().sum()), rel=1e-6)


def test_pieces_of_what_has_gaps_are_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_PIECE", 100)
    monkeypatch.setattr(pieces, "_LEAST", 50)
    whole = torch.zeros(2, 3, 20, 30).movedim(0, -1)
    sample = whole[1]
    found = list(pieces.in_pieces(sample, sample))
    assert len(found) > 2
    for piece, _ in found:
        piece.add_(1.0)
    assert float(whole.sum()) == float(sample.sum()) == sample.numel()


@pytest.mark.parametrize("shape", [(1, 3, 24, 19), (3, 24, 19), (3, 2, 8, 9)])
@pytest.mark.parametrize("relaxation", [1.0, 1.6])
@pytest.mark.parametrize("isotropic", [False, True])
def test_a_measured_step_is_a_plain_one_and_tells_residuals(
    shape: tuple[int, ...], relaxation: float, isotropic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(0)
    data = torch.rand(shape, generator=generator, dtype=torch.float64)
    x = dp.Variable("x", shape, dtype=torch.float64)
    variation = dp.group_norm1(dp.grad(x), axis=-1) if isotropic else dp.norm1(dp.grad(x))
    fidelity = dp.sum_squares(dp.conv(x, dp.gaussian_psf(5, 1.0).double()) - data)
    problem = dp.Problem(fidelity + 0.1 * variation + dp.box(x, 0.3, 0.6))
    solver = problem.compile("admm", relaxation=relaxation)
    whole = solver.init()
    for _ in range(7):
        before, whole = whole, solver.step(whole.clone(), True)
    monkeypatch.setattr(pieces, "_PIECE", 128)
    monkeypatch.setattr(pieces, "_LEAST", 64)
    split = solver.init()
    for index in range(7):
        split = solver.step(split, index == 6)
    for a, b in zip((*whole.x, *whole.v, *whole.u), (*split.x, *split.v, *split.u), strict=True):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-14)
    blocks = solver.algorithm.blocks
    images = [block.row.forward(split.x) for block in blocks]
    missed = [k - z for k, z in zip(images, split.z, strict=True)]
    moved = [z - old for z, old in zip(split.z, before.z, strict=True)]
    pulled = [torch.zeros_like(split.x[0])]
    for block, move in zip(blocks, moved, strict=True):
        block.row.adjoint_add(move, pulled, in_place=True)
    rho = torch.as_tensor(split.rho)
    pulled[0] *= rho.reshape(-1, *(1,) * (len(shape) - 1))
    samples = split.residuals.samples
    assert len(samples) == (shape[0] if shape[0] > 1 else 0)
    for held, part in ((split.residuals, slice(None)), *((r, i) for i, r in enumerate(samples))):
        primal = math.sqrt(sum(float(v[part].square().sum()) for v in missed))
        assert math.isclose(held.primal, primal, rel_tol=1e-10)
        assert math.isclose(held.dual, float(pulled[0][part].norm()), rel_tol=1e-10)


def _elementwise() -> list[ProxFn]:
    x = dp.Variable("x", (60,))
    terms = (dp.norm1(x), dp.nonneg(x), dp.box(x, -0.4, 0.3), dp.box(x, 0.0, math.inf))
    models = [dp.Problem(dp.sum_squares(x) + term).compile("admm") for term in terms]
    return [m.algorithm.blocks[0].function for m in models]


def test_what_is_called_elementwise_does_not_see_places() -> None:
    v, order = torch.randn(60), torch.randperm(60)
    for function in _elementwise():
        assert function.elementwise
        assert torch.equal(function.dual_prox(v, 0.3)[order], function.dual_prox(v[order], 0.3))
    x = dp.Variable("x", (60,))
    bounded = dp.Problem(dp.sum_squares(x) + dp.box(x, v - 1.0, v)).compile("admm")
    assert not bounded.algorithm.blocks[0].function.elementwise
