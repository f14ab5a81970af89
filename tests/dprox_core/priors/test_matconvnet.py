"""MatConvNet files, against a forward pass in MatConvNet's own layout written with SciPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from scipy.signal import correlate

from dprox_core.priors.denoisers.dncnn import DnCNN
from dprox_core.priors.denoisers.ffdnet import FFDNet
from dprox_core.priors.weights import WeightsError, load

RNG = np.random.default_rng(0)


def conv(inputs: int, outputs: int, old: bool = False) -> dict[str, object]:
    kernel = RNG.normal(size=(3, 3, inputs, outputs)).astype(np.float32) / 3
    bias = RNG.normal(size=(outputs, 1)).astype(np.float32)
    if old:
        return {"type": "conv", "filters": kernel, "biases": bias.T, "pad": 1.0}
    weights = np.empty((1, 2), object)
    weights[0, 0], weights[0, 1] = kernel, bias
    return {"type": "conv", "weights": weights, "pad": 1.0}


def save(path: Path, layers: list[dict[str, object]]) -> Path:
    cells = np.empty((1, len(layers)), object)
    for index, layer in enumerate(layers):
        cells[0, index] = layer
    savemat(path, {"net": {"layers": cells}})
    return path


def run(layers: list[dict[str, object]], x: np.ndarray, sigma: float) -> np.ndarray:
    """(H, W, C) through the layers, as MatConvNet does it."""
    for layer in layers:
        kind = layer["type"]
        if kind == "conv":
            if "weights" in layer:
                kernel, bias = layer["weights"][0]  # type: ignore[index]
            else:
                kernel, bias = layer["filters"], layer["biases"]
            if kernel.ndim == 3:
                kernel = kernel[..., None]
            planes = [
                sum(
                    correlate(x[..., i], kernel[:, :, i, o], mode="same", method="direct")
                    for i in range(x.shape[-1])
                )
                + np.ravel(bias)[o]
                for o in range(kernel.shape[3])
            ]
            x = np.stack(planes, -1)
        elif kind == "relu":
            x = np.maximum(x, 0)
        elif kind == "bnorm":
            gain, shift, moments = layer["weights"][0]  # type: ignore[index]
            x = (x - moments[:, 0]) / moments[:, 1] * np.ravel(gain) + np.ravel(shift)
        elif kind == "concat":
            x = np.concatenate([x, np.full((*x.shape[:2], 1), sigma)], -1)
        elif kind == "SubP" and layer["scale"] == 0.5:
            # Column-major: down the rows first.
            order = ((0, 0), (1, 0), (0, 1), (1, 1))
            x = np.stack([x[r::2, c::2, k] for k in range(x.shape[-1]) for r, c in order], -1)
        elif kind == "SubP":
            out = np.zeros((2 * x.shape[0], 2 * x.shape[1], x.shape[-1] // 4))
            for k in range(out.shape[-1]):
                for i, (r, c) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
                    out[r::2, c::2, k] = x[..., 4 * k + i]
            x = out
    return x


RELU = {"type": "relu"}


@pytest.mark.parametrize("channels", [1, 3])
def test_ffdnet(channels: int, tmp_path: Path) -> None:
    layers = [
        {"type": "SubP", "scale": 0.5},
        {"type": "concat"},
        conv(4 * channels + 1, 6),
        RELU,
        conv(6, 6),
        RELU,
        conv(6, 4 * channels),
        {"type": "SubP", "scale": 2.0},
    ]
    net = load(save(tmp_path / "FFDNet.mat", layers))
    assert isinstance(net, FFDNet)
    image = RNG.random((8, 12, channels)).astype(np.float32)
    out = net(torch.from_numpy(image).permute(2, 0, 1)[None], 0.1)[0].permute(1, 2, 0)
    np.testing.assert_allclose(out.numpy(), run(layers, image, 0.1), atol=1e-4)


@pytest.mark.parametrize("old", [False, True], ids=["weights", "filters and biases"])
def test_dncnn(old: bool, tmp_path: Path) -> None:
    layers = [conv(1, 5, old), RELU, conv(5, 5, old), RELU, conv(5, 1, old)]
    net = load(save(tmp_path / "dncnn.mat", layers))
    assert isinstance(net, DnCNN)
    image = RNG.random((7, 9, 1)).astype(np.float32)
    out = net(torch.from_numpy(image).permute(2, 0, 1)[None], 0.1)[0].permute(1, 2, 0)
    np.testing.assert_allclose(out.numpy(), image - run(layers, image, 0.1), atol=1e-4)


def test_batch_normalisation_layers(tmp_path: Path) -> None:
    parts = np.empty((1, 3), object)
    parts[0, 0] = RNG.uniform(0.5, 2, (5, 1)).astype(np.float32)
    parts[0, 1] = RNG.normal(size=(5, 1)).astype(np.float32)
    parts[0, 2] = RNG.uniform(0.5, 2, (5, 2)).astype(np.float32)
    layers = [conv(1, 5), RELU, conv(5, 5), {"type": "bnorm", "weights": parts}, RELU, conv(5, 1)]
    net = load(save(tmp_path / "dncnn.mat", layers))
    image = RNG.random((7, 9, 1)).astype(np.float32)
    out = net(torch.from_numpy(image).permute(2, 0, 1)[None], 0.1)[0].permute(1, 2, 0)
    np.testing.assert_allclose(out.numpy(), image - run(layers, image, 0.1), atol=1e-4)


def test_other_matlab_files_are_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"x": np.eye(3)})
    with pytest.raises(WeightsError, match='no network "net"'):
        load(tmp_path / "a.mat")
    save(tmp_path / "b.mat", [conv(1, 5), {"type": "pool"}, conv(5, 1)])
    with pytest.raises(WeightsError, match='layer of kind "pool"'):
        load(tmp_path / "b.mat")
