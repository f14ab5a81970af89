"""Networks, data sets and fixed points under their published names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from dprox_core.compat.algo.specialization.deq.utils.jacobian import (
    jac_loss_estimate,
    power_method,
)
from dprox_core.compat.algo.specialization.deq.utils.solvers import (
    anderson,
    broyden,
    line_search,
    scalar_search_armijo,
)
from dprox_core.compat.proxfn.pnp.denoisers import (
    DRUNetDenoiser,
    FFDNetColorDenoiser,
    FFDNetDenoiser,
)
from safetensors.torch import save_file
from scipy.io import savemat

import dprox_core.compat as dp
from dprox_core import DataError, ParameterError, ShapeError, save_image
from dprox_core.compat.contrib.csmri import CSMRIDataset, CSMRIEvalDataset
from dprox_core.compat.utils.misc import fft2
from dprox_core.priors.denoisers.drunet import DRUNet
from dprox_core.priors.denoisers.ffdnet import FFDNet
from dprox_core.priors.weights import WeightsError


def kept(net: torch.nn.Module, path: Path) -> Path:
    save_file({k: v.contiguous() for k, v in net.state_dict().items()}, path)
    return path


def test_networks_read_their_weights_from_a_file(tmp_path: Path) -> None:
    grey, colour = FFDNet(1, 9, 5).eval(), FFDNet(3, 14, 4).eval()
    picture, level = torch.rand(2, 3, 16, 18), torch.tensor([0.1, 0.2])
    found = FFDNetDenoiser(kept(grey, tmp_path / "grey.safetensors"))
    each = torch.cat([grey(c, level) for c in picture.split(1, 1)], 1)
    assert torch.allclose(found.denoise(picture, level), each, atol=1e-6)
    whole = FFDNetColorDenoiser(kept(colour, tmp_path / "colour.safetensors"))
    assert torch.allclose(whole(picture, level), colour(picture, level), atol=1e-6)
    assert torch.allclose(whole(picture, 0.1), colour(picture, 0.1), atol=1e-6)
    x = dp.Variable()
    prior = dp.deep_prior(x, whole)
    assert torch.allclose(prior.prox(picture, torch.tensor(0.1)), whole(picture, 0.1), atol=1e-6)
    with pytest.raises(WeightsError, match="drunet was asked for"):
        DRUNetDenoiser(1, tmp_path / "grey.safetensors")
    with pytest.raises(ParameterError, match="n_channels is 1 for grey pictures or 3"):
        DRUNetDenoiser(2, tmp_path / "grey.safetensors")


def test_colour_is_told_by_the_number_of_channels(tmp_path: Path) -> None:
    net = DRUNet(3, (8, 8, 8, 8), 1).eval()
    found = DRUNetDenoiser(3, kept(net, tmp_path / "a.safetensors"))
    picture = torch.rand(1, 3, 16, 16)
    assert torch.allclose(found(picture, 0.05), net(picture, 0.05), atol=1e-6)


def test_pictures_of_a_folder_are_examples_of_mri(tmp_path: Path) -> None:
    for index in range(3):
        save_image(tmp_path / f"p{index}.png", torch.rand(1, 1, 20, 24))
    masks = [torch.rand(16, 16) < 0.5, torch.ones(16, 16)]
    data = CSMRIDataset(
        tmp_path, None, masks, noise_model=lambda y: (y + 0.1, 0.1), size=2, repeat=2
    )
    assert len(data) == 4
    first, second = data[0], data[1]
    assert first["gt"].shape == first["x0"].shape == (1, 16, 16)
    assert torch.equal(first["mask"][0], masks[0])
    assert torch.allclose(first["y_clean"], masks[0] * fft2(first["gt"]))
    assert torch.allclose(first["y0"], masks[0] * (fft2(first["gt"]) + 0.1), atol=1e-6)
    assert torch.equal(first["sigma_n"], torch.full((1, 16, 16), 0.1))
    quiet = CSMRIDataset(tmp_path, ["p1.png"], masks[1:])[0]
    assert torch.allclose(quiet["output"], quiet["gt"], atol=1e-6)
    assert torch.equal(quiet["gt"], second["gt"])
    batch = next(iter(torch.utils.data.DataLoader(data, batch_size=4)))
    assert batch["y0"].shape == (4, 1, 16, 16)
    with pytest.raises(ShapeError, match="20 × 24 pixels, and 32 × 32 are wanted"):
        CSMRIDataset(tmp_path, None, masks, target_size=32)[0]
    with pytest.raises(DataError, match="holds no picture"):
        CSMRIDataset(tmp_path / "nowhere", None, masks)


def test_anderson_finds_the_fixed_point() -> None:
    torch.manual_seed(0)
    root = torch.randn(12, 12, dtype=torch.float64)
    matrix = 0.9 * root / torch.linalg.matrix_norm(root, 2)
    b = torch.randn(3, 4, dtype=torch.float64)

    def step(x: torch.Tensor) -> torch.Tensor:
        return (matrix @ x.flatten()).reshape(3, 4) + b

    found = anderson(step, torch.zeros_like(b), m=12, lam=1e-12, threshold=100, eps=1e-9)
    expected = torch.linalg.solve(torch.eye(12).double() - matrix, b.flatten())
    assert torch.allclose(found["result"].flatten(), expected, atol=1e-6)
    assert found["nstep"] == len(found["rel_trace"]) < 100
    assert found["lowest"] == min(found["rel_trace"]) < 1e-9
    short = anderson(step, torch.zeros_like(b), threshold=3, eps=0.0, stop_mode="abs")
    assert short["nstep"] == 3
    assert anderson(lambda x: x * torch.nan, b)["prot_break"]
    with pytest.raises(ParameterError, match="stop_mode is"):
        anderson(step, b, stop_mode="relative")


def test_examples_to_judge_by_are_the_same_at_every_look(tmp_path: Path) -> None:
    folder, masks = tmp_path / "pictures", tmp_path / "masks"
    folder.mkdir(), masks.mkdir()
    for name in ("a", "b"):
        save_image(folder / f"{name}.png", torch.rand(1, 1, 18, 20))
    drawn = np.random.default_rng(0).random((16, 16)) < 0.5
    savemat(masks / "radial.mat", {"mask": drawn.astype(np.uint8)})
    np.save(masks / "whole.npy", np.ones((16, 16)))
    data = CSMRIEvalDataset(folder, sigmas=(0.0, 0.2))
    assert [e["name"] for e in data] == ["a"] * 4 + ["b"] * 4
    first, noisy, other, whole = data[0], data[1], data[5], data[2]
    assert torch.equal(first["mask"][0], torch.from_numpy(drawn))
    assert torch.equal(first["y0"], first["mask"] * fft2(first["gt"]))
    assert torch.allclose(whole["x0"].real, whole["gt"], atol=1e-6)
    assert torch.equal(noisy["y0"], data[1]["y0"])
    noise = (noisy["y0"] - noisy["y_clean"])[noisy["mask"]]
    assert float(noise.real.std()) == pytest.approx(0.2, rel=0.2)
    assert float(noise.imag.std()) == pytest.approx(0.2, rel=0.2)
    assert not torch.allclose(noise, (other["y0"] - other["y_clean"])[other["mask"]])
    # What was saved comes back, with pairs of numbers and with complex ones.
    kept = {k: v.numpy()[0] for k, v in noisy.items() if isinstance(v, torch.Tensor)}
    pairs = {**kept, "y0": np.stack([kept["y0"].real, kept["y0"].imag], -1)}
    for index, example in enumerate((kept, pairs)):
        savemat(folder / f"c{index}.mat", example)
    back = CSMRIEvalDataset(folder, ["c0.mat", "c1.mat"])
    for example in back:
        assert all(torch.equal(example[k].reshape(noisy[k].shape), noisy[k]) for k in kept)
    batch = next(iter(torch.utils.data.DataLoader(data, batch_size=8)))
    assert batch["y0"].shape == (8, 1, 16, 16)
    with pytest.raises(DataError, match="without masks and noise levels"):
        CSMRIEvalDataset(folder, ["a.png"], masks=[])
    with pytest.raises(IndexError):
        data[8]


@pytest.mark.parametrize("ls", [False, True])
def test_broyden_finds_the_fixed_point(ls: bool) -> None:
    torch.manual_seed(0)
    # Of spectral radius 3: plain iteration runs away.
    matrix = torch.randn(8, 8, dtype=torch.float64)
    matrix *= 3.0 / torch.linalg.eigvals(matrix).abs().max()
    b = torch.randn(2, 4, dtype=torch.float64)

    def step(x: torch.Tensor) -> torch.Tensor:
        return (matrix @ x.flatten()).reshape(2, 4) + b

    found = broyden(step, torch.zeros_like(b), threshold=60, eps=1e-10, ls=ls)
    expected = torch.linalg.solve(torch.eye(8).double() - matrix, b.flatten())
    assert torch.allclose(found["result"].flatten(), expected, atol=1e-8)
    assert found["nstep"] == len(found["rel_trace"]) < 60
    assert found["lowest"] == min(found["rel_trace"]) < 1e-10
    # For a linear map of n unknowns it ends within 2 n steps (D. M. Gay, 1979).
    assert ls or found["nstep"] <= 17
    root = broyden(torch.cos, torch.ones(3, dtype=torch.float64), eps=1e-12, ls=ls)["result"]
    assert torch.allclose(torch.cos(root), root, atol=1e-10)
    assert broyden(lambda x: x * torch.nan, b, ls=ls)["prot_break"]
    with pytest.raises(ParameterError, match="stop_mode is"):
        broyden(step, b, stop_mode="relative")


@pytest.mark.parametrize("search", [anderson, broyden])
def test_fixed_points_may_be_complex(search: Any) -> None:
    torch.manual_seed(0)
    root = torch.randn(6, 6, dtype=torch.complex128)
    matrix = 0.9 * root / torch.linalg.matrix_norm(root, 2)
    b = torch.randn(6, dtype=torch.complex128)
    found = search(lambda x: matrix @ x + b, torch.zeros_like(b), threshold=80, eps=1e-9)
    assert found["nstep"] < 80
    expected = torch.linalg.solve(torch.eye(6) - matrix, b)
    assert torch.allclose(found["result"], expected, atol=1e-7)


def test_a_search_along_a_line_takes_a_step_that_is_shorter() -> None:
    step, value = scalar_search_armijo(lambda s: (10 * s - 1) ** 2, 1.0, -20.0)
    assert step == pytest.approx(0.1)
    assert value == pytest.approx(0.0)
    assert scalar_search_armijo(lambda s: 1.0 + s, 1.0, -1.0)[0] is None
    # Newton's steps for the root of arctan run away from 3; shortened ones do not.
    x, g = torch.tensor([3.0], dtype=torch.float64), torch.arctan
    for _ in range(30):
        update = -(1 + x**2) * g(x)
        taken, x, after, change, calls = line_search(update, x, g(x), g)
        assert torch.equal(after, g(x))
        assert calls >= 1
        assert 0 < taken <= 1.0
        assert torch.allclose(g(x) - change, g(x - taken * update))
    assert float(x) == pytest.approx(0.0, abs=1e-9)


def test_jacobians_are_estimated() -> None:
    torch.manual_seed(0)
    matrix = torch.tensor([[1.0, 2.0, 0.0], [0.0, 3.0, 1.0], [0.0, 0.0, 0.5]])
    z = torch.ones(2, 3, requires_grad=True)
    image = z @ matrix.T
    found = float(jac_loss_estimate(image, z, vecs=3000, create_graph=False))
    assert found == pytest.approx(2 * float(matrix.square().sum()) / 6, rel=0.1)
    vectors, values = power_method(image, z, 100)
    assert torch.allclose(values, torch.full((2, 1), 3.0), atol=1e-4)
    assert torch.allclose(vectors @ matrix, 3.0 * vectors, atol=1e-4)


@pytest.mark.parametrize("share", [True, False])
def test_a_network_of_ones_own_is_told_the_iteration(share: bool) -> None:
    class Steps(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factors = torch.nn.Parameter(torch.tensor([0.9, 0.8, 0.7]))
            self.asked: list[int] = []

        def denoise(self, v: torch.Tensor, step: int) -> torch.Tensor:
            raise AssertionError("an unrolled network is called")

        def forward(self, v: torch.Tensor, step: int) -> torch.Tensor:
            self.asked.append(step)
            return self.factors[step] * v

    x, network, b = dp.Variable(), Steps(), torch.rand(1, 1, 6, 7)
    # The class, or a function that makes it, will do as well.
    assert "Steps" in repr(dp.unrolled_prior(x, Steps).prior.steps)
    assert dp.unrolled_prior(x, lambda: network).prior.steps
    solver = dp.compile(dp.sum_squares(x - b) + dp.unrolled_prior(x, network), method="hqs")
    layer = dp.specialize(solver, method="unroll", max_iter=3, share=share)
    found = layer.solve(x0=b, rhos=1.0, lams=0.1)
    assert network.asked == [0, 1, 2]
    # (1 + ρ) x = b + ρ z and z = c x, from z = b.
    z, factors = b, network.factors.detach().clone().requires_grad_()
    for factor in factors:
        z = factor * (b + z) / 2
    assert torch.allclose(found, z, atol=1e-5)
    found.square().sum().backward()
    z.square().sum().backward()
    assert network.factors.grad is not None
    assert torch.allclose(network.factors.grad, factors.grad, rtol=1e-4)


def test_what_cannot_be_trained_is_told(tmp_path: Path) -> None:
    pictures = [torch.rand(1, 4, 4)]
    with pytest.raises(ParameterError, match="depends on nothing that can be trained"):
        dp.train(torch.nn.Linear(1, 1), lambda t: (t, t, t), pictures, savedir=tmp_path)
