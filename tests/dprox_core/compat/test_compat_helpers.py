"""Helpers under their published names do what their mathematics says."""

from __future__ import annotations

import importlib
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from dprox_core.compat.algo.lp.utils import (
    LinearOp,
    LPATA_Func,
    Ruiz_equilibration_sparse_np,
    Ruiz_equilibration_th,
    adjust_lr_cosine,
    scipy_sparse_to_torchop,
)
from dprox_core.compat.algo.opt import equil
from dprox_core.compat.algo.tune.learnable import LearnableParamProvider
from dprox_core.compat.proxfn.fast.sr import p2o, splits, upsample
from dprox_core.compat.proxfn.pnp.denoisers.composite import Augment
from dprox_core.compat.utils.init import dm, dm_matlab, shift_pixel
from dprox_core.compat.utils.init.mosaic import mosaic_CFA_Bayer, tensor2uint, uint2tensor4
from scipy import sparse

import dprox_core
import dprox_core.compat as dp
from dprox_core.compat.contrib.csmri import EvalDataset, TrainDataset
from dprox_core.compat.linalg.solve.solver_cg import bdot, expand, ravel
from dprox_core.compat.proxfn.base import prox_affine, prox_scaled, prox_translated
from dprox_core.compat.utils.metrics import autoconvert

MATRIX = np.array([[1.0, 10.0, 3.0], [0.1, 5.0, 2.0]])


def test_every_published_place_offers_its_names() -> None:
    places = importlib.import_module("dprox_core.compat.places")
    for place, (_, names) in places._PLACES.items():
        module = importlib.import_module(f"dprox_core.compat.{place}")
        assert all(hasattr(module, name) for name in names.split()), place


def test_equilibration_finds_the_least_point_of_its_function() -> None:
    d, e = equil.newton_equil(MATRIX, 1e-3, 50)
    u, v = np.log(d), np.log(e)
    here, shift = equil.f(MATRIX, u, v, 1e-3), 1e-5
    for k in range(5):
        way = np.eye(5)[k] * shift
        ahead = equil.f(MATRIX, u + way[:2], v + way[2:], 1e-3)
        behind = equil.f(MATRIX, u - way[:2], v - way[2:], 1e-3)
        assert ahead > here < behind
        assert (ahead - behind) / (2 * shift) == pytest.approx(0.0, abs=1e-6)
    alpha, beta = equil.get_alpha_beta(2, 3)
    even = d[:, None] * MATRIX * e
    assert np.linalg.norm(even, axis=1) == pytest.approx(alpha, rel=0.01)
    assert np.linalg.norm(even, axis=0) == pytest.approx(beta, rel=0.01)
    assert equil.project(np.array([-3.0, 1.0]), 2.0).tolist() == [-2.0, 1.0]


def test_gradients_of_equilibration_are_those_of_differences() -> None:
    u, v, shift = np.array([0.1, 0.2]), np.array([0.3, -0.1, 0.05]), 1e-6
    _, _, in_u, in_v = equil.get_grad(MATRIX, u, v, 0.1)
    for k, slope in enumerate(np.concatenate([in_u, in_v])):
        way = np.eye(5)[k] * shift
        ahead = equil.f(MATRIX, u + way[:2], v + way[2:], 0.1)
        behind = equil.f(MATRIX, u - way[:2], v - way[2:], 0.1)
        assert (ahead - behind) / (2 * shift) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("order", [math.inf, 2.0])
def test_ruiz_makes_rows_and_columns_even(order: float) -> None:
    generator = np.random.default_rng(0)
    whole = generator.random((4, 6)) * 10.0 ** generator.integers(-3, 3, (4, 6))
    c, b = generator.random(6), generator.random(4)
    tensors = [torch.from_numpy(t) for t in (whole, c[:, None], b[:, None])]
    e, d, gamma_c, gamma_b, even = Ruiz_equilibration_th(*tensors, ord=order, max_iters=500)
    torch.testing.assert_close(d * tensors[0] * e, even)
    assert e.shape == (1, 6)
    assert d.shape == (4, 1)
    by_row = torch.linalg.norm(even, order, dim=1)
    torch.testing.assert_close(by_row, torch.ones(4).double(), rtol=2e-3, atol=0)
    wanted = 1.0 if order == math.inf else (4 / 6) ** 0.5
    columns = torch.linalg.norm(even, order, dim=0)
    torch.testing.assert_close(columns, torch.full((6,), wanted).double(), rtol=2e-3, atol=0)
    seen = [torch.linalg.norm(v.flatten(), order) for v in (e.mT * tensors[1], d * tensors[2])]
    assert float(gamma_c * seen[0]) == pytest.approx(1.0)
    assert float(gamma_b * seen[1]) == pytest.approx(wanted)
    columns, rows, *_, scaled = Ruiz_equilibration_sparse_np(
        sparse.csr_matrix(whole), c, b, ord=order, max_iters=500
    )
    assert columns == pytest.approx(e[0].numpy())
    assert rows == pytest.approx(d[:, 0].numpy())
    assert scaled.toarray() == pytest.approx(even.numpy())


def test_matrices_of_linear_programs_as_tensors() -> None:
    a, at = scipy_sparse_to_torchop(sparse.csr_matrix(MATRIX))
    x = torch.tensor([[1.0], [2.0], [-1.0]]).double()
    whole = torch.from_numpy(MATRIX)
    torch.testing.assert_close(a @ x, whole @ x)
    torch.testing.assert_close(at @ (a @ x), whole.mT @ whole @ x)
    gram = LPATA_Func(a, at, 2.0, 0.5)
    torch.testing.assert_close(gram.T(x), 0.5 * x + 2.0 * whole.mT @ whole @ x)
    known = LinearOp(lambda v: whole @ v, lambda v: whole.mT @ v, (2, 3))
    torch.testing.assert_close(known.T @ (known @ x), known.T.clone()(known(x)))
    assert known.T.shape == (3, 2)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    found = []
    for iteration in (0, 5, 10):
        adjust_lr_cosine(optimizer, iteration, 10, 1.0, 0.1)
        found.append(optimizer.param_groups[0]["lr"])
    assert found == pytest.approx([1.0, 0.55, 0.1])


def test_a_number_for_each_step_is_trained() -> None:
    provider = LearnableParamProvider(3, 0.25)
    assert [provider(k).item() for k in range(5)] == [0.25] * 5
    provider(4).backward()
    assert provider.values.grad.tolist() == [0.0, 0.0, 1.0]


class _Half(torch.nn.Module):
    def denoise(self, v: torch.Tensor, sigma: object) -> torch.Tensor:
        # Sees where it is: the first column counts half.
        return torch.cat([0.5 * v[..., :1], v[..., 1:]], dim=-1)


def test_eight_symmetries_take_turns_and_are_undone() -> None:
    image = torch.arange(6.0).reshape(1, 1, 2, 3)
    seen = {tuple(Augment.augment(image, mode).flatten().tolist()) for mode in range(8)}
    assert len(seen) == 8
    turns, sums = Augment(_Half()), torch.zeros(1, 1, 3, 3)
    for _ in range(8):
        sums += turns.denoise(torch.ones(1, 1, 3, 3), torch.tensor(0.1))
    # Every side was the first column twice.
    assert sums[0, 0].tolist() == [[6.0, 7.0, 6.0], [7.0, 8.0, 7.0], [6.0, 7.0, 6.0]]
    assert turns.mode == 0
    with pytest.raises(dprox_core.ParameterError, match="8 symmetries"):
        Augment.augment(image, 8)


def test_proxes_of_scaled_moved_and_stretched_functions() -> None:
    v, lam = torch.linspace(-2.0, 2.0, 9, dtype=torch.float64), 0.5

    def soft(v: torch.Tensor, lam: float) -> torch.Tensor:
        return v.sign() * (v.abs() - lam).clamp_min(0.0)

    u = torch.linspace(-4.0, 4.0, 80001, dtype=torch.float64)
    for made, function in (
        (prox_scaled(soft, 3.0), lambda u: 3.0 * u.abs()),
        (prox_affine(soft, -2.0), lambda u: (-2.0 * u).abs()),
        (prox_translated(soft, 0.3), lambda u: (u - 0.3).abs()),
    ):
        costs = function(u) + (u - v[:, None]).square() / (2.0 * lam)
        torch.testing.assert_close(made(v, lam), u[costs.argmin(dim=1)], rtol=0.0, atol=2e-4)


def test_parts_of_super_resolution() -> None:
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    blocks = splits(image, 2)
    assert blocks.shape == (1, 1, 2, 2, 4)
    assert blocks[0, 0, :, :, 1].tolist() == [[8.0, 9.0], [12.0, 13.0]]
    assert blocks[0, 0, :, :, 2].tolist() == [[2.0, 3.0], [6.0, 7.0]]
    wide = upsample(image, 3)
    assert wide.shape == (1, 1, 12, 12)
    torch.testing.assert_close(wide[..., ::3, ::3], image)
    assert float(wide.sum()) == float(image.sum())
    kernel = torch.rand(1, 1, 3, 2)
    blurred = torch.fft.ifft2(p2o(kernel, (4, 4)) * torch.fft.fft2(image)).real
    torch.testing.assert_close(blurred, dprox_core.blur(image, kernel))
    with pytest.raises(dprox_core.ShapeError, match="multiples of 3"):
        splits(image, 3)


def test_demosaicking_keeps_what_was_measured_and_planes() -> None:
    rows, columns = np.mgrid[:8, :10] / 10.0
    grey = (0.3 + 0.2 * rows + 0.1 * columns).astype(np.float32)
    picture = np.stack([grey, grey, grey], axis=-1)
    mosaic, planes, sparse_picture, masks = mosaic_CFA_Bayer(picture)
    assert mosaic == pytest.approx(grey)
    assert sparse_picture.sum(axis=-1) == pytest.approx(grey)
    assert masks.sum(axis=-1).tolist() == np.ones((8, 10)).tolist()
    tensor = torch.from_numpy(planes.transpose(2, 0, 1).copy())[None]
    for method in (dm, dm_matlab):
        found = method(tensor)[0].numpy().transpose(1, 2, 0)
        assert found[masks] == pytest.approx(picture[masks])
        # A plane in grey is linear: away from the border it is found again.
        assert found[2:-2, 2:-2] == pytest.approx(picture[2:-2, 2:-2], abs=1e-6)
    with pytest.raises(dprox_core.ShapeError, match="Planes of mosaics"):
        dm(tensor[:, :3])


def test_shifted_pixels_lie_in_the_middle_of_coarse_ones() -> None:
    rows, columns = np.mgrid[:6, :7].astype(float)
    moved = shift_pixel(np.stack([rows, columns], axis=-1), 4)
    assert moved[:4, :5, 0] == pytest.approx(rows[:4, :5] + 1.5)
    assert moved[:4, :5, 1] == pytest.approx(columns[:4, :5] + 1.5)
    back = shift_pixel(rows, 4, upper_left=False)
    assert back[2:] == pytest.approx(rows[2:] - 1.5)
    assert back[0] == pytest.approx(0.0)


def test_bytes_become_tensors_and_come_back() -> None:
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
    tensor = uint2tensor4(picture)
    assert tensor.shape == (1, 3, 2, 4)
    assert tensor2uint(tensor).tolist() == picture.tolist()
    grey = picture[..., 0]
    assert tensor2uint(uint2tensor4(grey)).tolist() == grey.tolist()
    shapes = autoconvert(lambda a, b: (type(a), a.shape, b.shape))
    assert shapes(tensor, tensor[0]) == (np.ndarray, (2, 4, 3), (2, 4, 3))


def test_products_of_samples() -> None:
    x, y = torch.rand(2, 3, 4), torch.rand(2, 3, 4)
    torch.testing.assert_close(bdot(x, y), torch.einsum("bij,bij->b", x, y))
    torch.testing.assert_close(bdot(x[0, 0], y[0, 0]), x[0, 0] @ y[0, 0])
    assert expand(torch.ones(2), x).shape == (2, 1, 1)
    assert ravel(x).shape == (2, 12)
    assert ravel(torch.ones(3)).shape == (3,)


def test_examples_for_placeholders(tmp_path: Path) -> None:
    dprox_core.save_image(tmp_path / "a.png", torch.rand(1, 1, 8, 8))
    masks = [torch.ones(8, 8)]
    for data in (TrainDataset(tmp_path, None, masks), EvalDataset(tmp_path, masks=masks)):
        example = data[0]
        assert example["params"]["y"] is example["y0"]
        assert example["params"]["mask"] is example["mask"]


@pytest.mark.parametrize("sqrt", [False, True])
def test_an_estimate_is_what_a_tuned_solve_would_take(sqrt: bool) -> None:
    """An untrained policy leaves the default course as it is."""
    truth = torch.rand(1, 1, 8, 8)
    x = dp.Variable()
    prior = dp.deep_prior(x, denoiser=_Smooth(), sqrt=sqrt)
    solver = dp.compile([dp.sum_squares(x - truth), prior], method="admm", device="cpu")
    tuned = dp.specialize(solver, method="rl", action_pack=3, max_episode_step=2, device="cpu")
    seen: list[tuple[float, float]] = []
    tuned.solve(truth, callback=lambda iter, sigma, rho: seen.append((sigma, rho)))
    state = solver.initialize(truth)
    for decision in (0, 1):
        rhos, lams, stop = tuned.estimate(state, decision, truth)
        assert rhos.shape == lams[prior].shape == (1, 3)
        assert stop.tolist() == [0]
        part = seen[3 * decision : 3 * decision + 3]
        assert (2.0 * rhos[0]).tolist() == pytest.approx([rho for _, rho in part])
        levels = lams[prior][0].sqrt() if sqrt else lams[prior][0]
        assert levels.tolist() == pytest.approx([sigma for sigma, _ in part])


class _Smooth(torch.nn.Module):
    def denoise(self, v: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return v / (1.0 + sigma)
