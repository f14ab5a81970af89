"""Networks, data sets and fixed points under their published names."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from dprox_core.compat.algo.specialization.deq.utils.jacobian import (
    jac_loss_estimate,
    power_method,
)
from dprox_core.compat.algo.specialization.deq.utils.solvers import anderson
from dprox_core.compat.proxfn.pnp.denoisers import (
    DRUNetDenoiser,
    FFDNetColorDenoiser,
    FFDNetDenoiser,
)
from safetensors.torch import save_file

import dprox_core.compat as dp
from dprox_core import DataError, ParameterError, ShapeError, save_image
from dprox_core.compat.contrib.csmri import CSMRIDataset
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
