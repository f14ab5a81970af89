"""The training loop: it learns, it resumes, and what it trained folds into the public form."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from dprox_core.priors.denoisers.drunet import DRUNet
from dprox_core.priors.denoisers.ffdnet import FFDNet
from dprox_core.priors.weights import load
from dprox_core.training import denoiser, evaluate, publish
from dprox_core.training.denoiser import Settings, Trainer, rate
from dprox_core.training.start import Residual, fold, grey_start, start_small


@pytest.fixture
def patches() -> np.ndarray:
    """Smooth pictures with an edge: easy to tell from noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:40, 0:40] / 40
    out = np.empty((24, 3, 40, 40), np.uint8)
    for patch in out:
        a, b, c = rng.uniform(-1, 1, 3)
        plane = 0.5 + 0.2 * (a * x + b * y) + 0.2 * (x + c * y > 0.6)
        patch[:] = np.clip(plane * 255, 0, 255)
    return out


def trainer(patches: np.ndarray, steps: int = 12, **options: object) -> Trainer:
    torch.manual_seed(0)
    net = Residual(1, 8, 4)
    start_small(net)
    return Trainer(net, patches, Settings(steps=steps, batch=4, patch=32, **options))


def test_training_teaches_to_denoise(patches: np.ndarray) -> None:
    run = trainer(patches, steps=120, rate=3e-3)
    photos = [torch.from_numpy(patch[:1]).float()[None] / 255 for patch in patches[:8]]
    before = denoiser.mean_psnr(run.net, photos, 25)
    for _ in range(120):
        run.step()
    assert denoiser.mean_psnr(run.average, photos, 25) > before + 3


@pytest.mark.parametrize("loss", ["l1", "mse"])
def test_a_resumed_run_ends_where_an_unbroken_one_does(
    patches: np.ndarray, tmp_path: Path, loss: str
) -> None:
    unbroken = trainer(patches, loss=loss)
    for _ in range(12):
        unbroken.step()
    first = trainer(patches, loss=loss)
    for _ in range(5):
        first.step()
    first.save(tmp_path / "checkpoint.pth")
    second = trainer(patches, loss=loss)
    second.load(tmp_path / "checkpoint.pth")
    assert second.step_count == 5
    for _ in range(7):
        second.step()
    for name, value in unbroken.average.state_dict().items():
        assert torch.equal(value, second.average.state_dict()[name]), name


def test_batches_are_crops_in_one_of_eight_positions(patches: np.ndarray) -> None:
    run = trainer(patches)
    assert run.batch(np.random.default_rng(0)).shape == (4, 1, 32, 32)
    colour = Trainer(DRUNet(3, (2, 2, 2, 2), 1), patches, Settings(batch=6, patch=40))
    seen = colour.batch(np.random.default_rng(0))
    whole = [torch.from_numpy(p.copy()).float() / 255 for p in patches]
    positions = [torch.rot90(q, k, (1, 2)) for p in whole for q in (p, p.flip(2)) for k in range(4)]
    for crop in seen:
        assert any(torch.allclose(crop, position) for position in positions)


def test_the_rate_climbs_then_falls_to_nothing() -> None:
    values = [rate(p, 1.0) for p in np.linspace(0, 1, 501)]
    top = int(np.argmax(values))
    assert values[top] == pytest.approx(1, abs=0.01)
    assert 0 < top < 20
    assert all(a >= b for a, b in zip(values[top:], values[top + 1 :], strict=False))
    assert 0 < values[-1] < 0.01


@pytest.mark.parametrize("channels", [1, 3])
def test_the_folded_network_is_a_plain_ffdnet_that_computes_the_same(channels: int) -> None:
    torch.manual_seed(0)
    net = Residual(channels, 10, 5).double()
    start_small(net)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    folded = fold(net).double()
    image = torch.rand(2, channels, 13, 18, dtype=torch.float64)
    image += 0.3 * torch.randn_like(image)
    sigma = torch.tensor([0.02, 0.2])
    assert isinstance(folded, FFDNet)
    out = net(image, sigma)
    assert float((out - image).detach().abs().max()) > 0.1
    assert torch.allclose(folded(image, sigma), out, atol=1e-5)


@pytest.mark.parametrize("net", [Residual(3, 16, 6), DRUNet(3, (8, 8, 8, 8), 2)], ids=type)
def test_networks_start_near_the_identity(net: torch.nn.Module) -> None:
    torch.manual_seed(0)
    start_small(net)
    image = torch.rand(1, 3, 32, 32)
    assert float((net(image, 0.1) - image).detach().square().mean().sqrt()) < 0.3


def test_the_command_trains_logs_and_exports(patches: np.ndarray, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "run"
    (data / "held_out").mkdir(parents=True)
    np.save(data / "patches.npy", patches)
    Image.fromarray(patches[0].transpose(1, 2, 0)).save(data / "held_out" / "a.png")
    command = [f"--data={data}", f"--out={out}", "--batch=2", "--patch=16", "--every=0"]
    command += ["--network=ffdnet", "--width=12", "--depth=3"]
    denoiser.main([*command, "--steps=2"])
    assert isinstance(load(out / "weights.safetensors"), FFDNet)
    denoiser.main([*command, "--steps=4", "--resume"])
    with (out / "log.csv").open() as stream:
        assert [int(row["step"]) for row in csv.DictReader(stream)] == [1, 2, 3, 4]


def test_a_run_is_published_with_source_licence_and_checksum(
    patches: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = tmp_path / "data", tmp_path / "run"
    (data / "held_out").mkdir(parents=True)
    np.save(data / "patches.npy", patches)
    Image.fromarray(patches[0].transpose(1, 2, 0)).save(data / "held_out" / "a.png")
    command = [f"--data={data}", f"--out={out}", "--batch=2", "--patch=16", "--every=0"]
    denoiser.main([*command, "--network=ffdnet", "--width=12", "--depth=3", "--steps=2"])
    monkeypatch.setattr(publish, "build", lambda *_: denoiser.build("ffdnet", 12, 3))
    digest = publish.publish("ffdnet", out, tmp_path / "a.safetensors")
    assert digest == hashlib.sha256((tmp_path / "a.safetensors").read_bytes()).hexdigest()
    with safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        header = file.metadata()
    assert header["licence"]
    assert header["source"]
    assert header["steps"] == "2"
    image = torch.rand(1, 1, 8, 10)
    expected = load(out / "weights.safetensors")(image, 0.1)
    assert torch.equal(load(tmp_path / "a.safetensors")(image, 0.1), expected)


def test_the_table_of_a_network_that_does_nothing_is_the_noise() -> None:
    photos = [0.3 + 0.4 * torch.rand(1, 1, 64, 64) for _ in range(3)]
    rows = dict(evaluate.table(photos, [("same", lambda y, s: y)], levels=(5, 15), others=False))
    assert rows["same"] == rows["noisy"]
    # −20 log₁₀ σ, up to the spread of a finite sample.
    assert rows["same"] == pytest.approx([34.15, 24.61], abs=0.2)


def test_the_table_finds_the_better_denoiser() -> None:
    smooth = torch.linspace(0.2, 0.8, 48).expand(1, 1, 48, 48).contiguous()
    blur = torch.nn.AvgPool2d(5, 1, 2, count_include_pad=False)
    rows = dict(evaluate.table([smooth], [("mean", lambda y, s: blur(y))], levels=(25,)))
    assert rows["mean"][0] > rows["noisy"][0] + 5
    assert rows["non-local means"][0] > rows["noisy"][0] + 5
    assert rows["TV (Chambolle)"][0] > rows["noisy"][0] + 5


def test_textured_patches_are_drawn_in_proportion_to_their_detail() -> None:
    flat, ramp = np.full((3, 32, 32), 90, np.uint8), np.zeros((3, 32, 32), np.uint8)
    ramp[:] = 3 * np.arange(32)  # a gradient of 3 across, 0 down: four times the chances of flat
    assert denoiser.detail(np.stack([flat, ramp]), 1.0) == pytest.approx([0.2, 0.8])
    assert denoiser.detail(np.stack([flat, ramp]), 0.0) == pytest.approx([0.5, 0.5])
    run = trainer(np.stack([flat, ramp]), texture=2.0)
    batch = torch.cat([run.batch(np.random.default_rng(seed)) for seed in range(100)])
    textured = (batch.std((1, 2, 3)) > 0.01).float().mean()
    assert float(textured) == pytest.approx(16 / 17, abs=0.04)


def test_a_grey_network_starts_as_the_colour_one_on_equal_channels() -> None:
    torch.manual_seed(3)
    colour, grey = DRUNet(3, (4, 6, 8, 8), 1), DRUNet(1, (4, 6, 8, 8), 1)
    grey.load_state_dict(grey_start(colour.state_dict()))
    image = torch.rand(2, 1, 24, 16)
    with torch.no_grad():
        expected = colour(image.expand(2, 3, 24, 16), 0.1).mean(1, keepdim=True)
        assert torch.allclose(grey(image, 0.1), expected, atol=1e-6)
