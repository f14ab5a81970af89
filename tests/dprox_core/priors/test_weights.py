"""Files of weights: told apart, read with their widths, refused with a reason."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from dprox_core.errors import ParameterError
from dprox_core.priors.denoisers import NAMES, denoiser
from dprox_core.priors.denoisers.dncnn import DnCNN
from dprox_core.priors.denoisers.drunet import DRUNet
from dprox_core.priors.denoisers.ffdnet import FFDNet
from dprox_core.priors.denoisers.ircnn import IRCNN
from dprox_core.priors.denoisers.unet import UNet
from dprox_core.priors.weights import WeightsError, load

NETWORKS = {
    "ffdnet": lambda: FFDNet(1, 9, 5),
    "ffdnet_color": lambda: FFDNet(3, 14, 4),
    "dncnn": lambda: DnCNN(1, 6, 5),
    "dncnn_color": lambda: DnCNN(3, 6, 4),
    "fdncnn": lambda: DnCNN(1, 6, 5, conditioned=True, residual=False),
    "fdncnn_color": lambda: DnCNN(3, 6, 5, conditioned=True, residual=False),
    "ircnn": lambda: IRCNN(1, 5, 25),
    "drunet": lambda: DRUNet(1, (4, 5, 6, 7), 3),
    "drunet_small_color": lambda: DRUNet(3, (4, 6, 8, 12), 2),
    "unet": lambda: UNet(1, (3, 4, 5, 6, 7)),
}


def saved(net: nn.Module, path: Path) -> Path:
    state = {name: value.contiguous() for name, value in net.state_dict().items()}
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(OrderedDict(state), path)
    return path


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_is_recognised_with_its_widths(name: str, suffix: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = NETWORKS[name]()
    found = load(saved(net, tmp_path / f"some{suffix}"))
    named = denoiser(name, weights=tmp_path / f"some{suffix}")
    image = torch.rand(1, net.channels, 19, 16)
    assert type(found) is type(net)
    assert torch.allclose(found(image, 0.1), net.eval()(image, 0.1), atol=1e-6)
    assert torch.equal(named(image, 0.1), found(image, 0.1))
    assert not found.training
    assert not any(parameter.requires_grad for parameter in found.parameters())


def public(kind: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of arrays of public files, written down from their network definitions."""
    if kind == "ffdnet_color.pth":
        shapes = {"model.0.weight": (96, 13, 3, 3), "model.22.weight": (12, 96, 3, 3)}
        shapes |= {f"model.{i}.weight": (96, 96, 3, 3) for i in range(2, 22, 2)}
        return shapes | {f"model.{i}.bias": (12 if i == 22 else 96,) for i in range(0, 24, 2)}
    if kind == "drunet_gray.pth":
        widths = (64, 128, 256, 512)
        shapes = {"m_head.weight": (64, 2, 3, 3), "m_tail.weight": (1, 64, 3, 3)}
        for scale in (1, 2, 3):
            fine, coarse = widths[scale - 1], widths[scale]
            shapes[f"m_down{scale}.4.weight"] = (coarse, fine, 2, 2)
            shapes[f"m_up{scale}.0.weight"] = (coarse, fine, 2, 2)
            for block in range(4):
                for part in (0, 2):
                    shapes[f"m_down{scale}.{block}.res.{part}.weight"] = (fine, fine, 3, 3)
                    shapes[f"m_up{scale}.{block + 1}.res.{part}.weight"] = (fine, fine, 3, 3)
        for block in range(4):
            for part in (0, 2):
                shapes[f"m_body.{block}.res.{part}.weight"] = (512, 512, 3, 3)
        return shapes
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["ffdnet_color.pth", "drunet_gray.pth"])
def test_public_layer_names_and_shapes_fit_unchanged(kind: str, tmp_path: Path) -> None:
    state = {name: torch.zeros(shape) for name, shape in public(kind).items()}
    torch.save(state, tmp_path / kind)
    net = load(tmp_path / kind)
    assert {k: tuple(v.shape) for k, v in net.state_dict().items()} == public(kind)


def test_the_public_ircnn_is_a_dictionary_of_twenty_five(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = IRCNN(1, 4, 25)
    content = {
        str(index): OrderedDict((f"model.{k}", v) for k, v in network.state_dict().items())
        for index, network in enumerate(net.networks)
    }
    torch.save(content, tmp_path / "ircnn_gray.pth")
    found = denoiser("ircnn", weights=tmp_path / "ircnn_gray.pth")
    image = torch.rand(1, 1, 9, 12)
    for sigma in (2 / 255, 25 / 255):
        assert torch.allclose(found(image, sigma), net(image, sigma), atol=1e-6)


def test_batch_normalisation_is_worked_in(tmp_path: Path) -> None:
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv2d(1, 6, 3, padding=1), nn.ReLU()]
    for _ in range(3):
        norm = nn.BatchNorm2d(6, eps=1e-4)
        nn.init.uniform_(norm.weight, 0.5, 2)
        nn.init.normal_(norm.bias)
        nn.init.normal_(norm.running_mean)
        nn.init.uniform_(norm.running_var, 0.2, 3)
        layers += [nn.Conv2d(6, 6, 3, padding=1), norm, nn.ReLU()]
    model = nn.Sequential(*layers, nn.Conv2d(6, 1, 3, padding=1)).eval()
    torch.save({f"model.{k}": v for k, v in model.state_dict().items()}, tmp_path / "bn.pth")
    image = torch.rand(1, 1, 12, 15)
    found = denoiser("dncnn", weights=tmp_path / "bn.pth")
    assert torch.allclose(found(image, 0.1), image - model(image), atol=1e-5)


def test_deepinv_names_and_sign(tmp_path: Path) -> None:
    torch.manual_seed(0)
    convs = [nn.Conv2d(a, b, 3, padding=1) for a, b in ((3, 5), (5, 5), (5, 5), (5, 3))]
    stems = ("in_conv", "conv_list.0", "conv_list.1", "out_conv")
    state = {
        f"{stem}.{part}": value
        for stem, conv in zip(stems, convs, strict=True)
        for part, value in conv.state_dict().items()
    }
    # In another order than that of the layers: deepinv's file ends with the list.
    torch.save({k: state[k] for k in sorted(state)}, tmp_path / "deepinv.pth")
    image = x = torch.rand(1, 3, 8, 9)
    for conv in convs[:-1]:
        x = F.relu(conv(x))
    found = load(tmp_path / "deepinv.pth")
    assert torch.allclose(found(image, 0.1), image + convs[-1](x), atol=1e-6)


@pytest.mark.parametrize("wrapper", ["params", "params_ema", "state_dict"])
def test_wrappers_and_parallel_prefixes_are_taken_off(wrapper: str, tmp_path: Path) -> None:
    net = FFDNet(1, 5, 3)
    state = {f"module.{k}": v for k, v in net.state_dict().items()}
    torch.save({wrapper: state, "epoch": 3}, tmp_path / "a.pth")
    assert isinstance(load(tmp_path / "a.pth"), FFDNet)


class Trap:
    def __reduce__(self):
        return (exec, ("raise SystemExit('ran code')",))


def test_a_file_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    torch.save({"model.0.weight": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(WeightsError, match="could run code"):
        load(tmp_path / "trap.pth")
    (tmp_path / "raw.pth").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(WeightsError):
        load(tmp_path / "raw.pth")


def ffdnet_state() -> dict[str, Tensor]:
    return dict(FFDNet(1, 5, 3).state_dict())


def broken(kind: str) -> dict[str, Tensor]:
    state = ffdnet_state()
    if kind == "narrow layer":
        state["model.2.weight"] = torch.zeros(5, 4, 3, 3)
    elif kind == "not numbers":
        state["model.0.bias"] = torch.full((5,), float("nan"))
    elif kind == "missing":
        state = dict(DRUNet(1, (4, 4, 4, 4), 1).state_dict())
        del state["m_up2.1.res.2.weight"]
    elif kind == "foreign":
        state = {"fc.weight": torch.zeros(10, 20), "fc.bias": torch.zeros(10)}
    elif kind == "stack":
        state["model.4.weight"] = torch.zeros(7, 5, 3, 3)
        state["model.4.bias"] = torch.zeros(7)
    return state


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("narrow layer", r"model\.2\.weight is shaped \(5, 4, 3, 3\) where \(5, 5, 3, 3\) fits"),
        ("not numbers", r"model\.0\.bias holds values that are not numbers"),
        ("missing", r"DRUNet, but 1 arrays are missing, the first is m_up2\.1\.res\.2\.weight"),
        ("foreign", r"not the weights of a network known here .* fc\.weight"),
        ("stack", r"stack of 3 convolutions from 5 to 7 channels"),
    ],
)
def test_what_does_not_fit_is_named(kind: str, words: str, tmp_path: Path) -> None:
    save_file(broken(kind), tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=words):
        load(tmp_path / "a.safetensors")


def test_another_network_than_asked_for_is_refused(tmp_path: Path) -> None:
    path = saved(FFDNet(1, 5, 3), tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="weights of a FFDNet, and drunet was asked for"):
        denoiser("drunet", weights=path)
    with pytest.raises(WeightsError, match="grey images"):
        denoiser("ffdnet_color", weights=path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".mat"])
def test_damaged_and_missing_files_are_told_in_a_sentence(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"damaged{suffix}"
    with pytest.raises(WeightsError, match="There is no file of weights"):
        load(path)
    path.write_bytes(b"\x00\x01 not weights at all" * 20)
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        load(path)
    path.write_bytes(b"")
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        load(path)


def test_a_truncated_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    for suffix in (".pth", ".safetensors"):
        path = saved(FFDNet(1, 8, 4), tmp_path / f"cut{suffix}")
        path.write_bytes(path.read_bytes()[:-900])
        with pytest.raises(WeightsError, match="cannot be read as weights"):
            load(path)


def test_other_kinds_of_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(WeightsError, match="not a kind of file that holds weights"):
        load(tmp_path / "a.txt")


def test_names_without_weights_say_what_to_do() -> None:
    with pytest.raises(ParameterError, match='fetch\\("drunet_color"\\)'):
        denoiser("drunet_color")
    with pytest.raises(ParameterError, match=r'no denoiser called "dncn"'):
        denoiser("dncn")
    assert {"dncnn", "ffdnet", "ffdnet_color", "drunet_small_color"} <= set(NAMES)


def test_half_precision_files_load_as_single(tmp_path: Path) -> None:
    state = {k: v.half() for k, v in ffdnet_state().items()}
    save_file(state, tmp_path / "half.safetensors")
    assert load(tmp_path / "half.safetensors").model[0].weight.dtype == torch.float32


def test_widths_do_not_need_to_be_those_of_the_paper(tmp_path: Path) -> None:
    found = load(saved(DRUNet(3, (3, 9, 5, 2), 1), tmp_path / "odd.pth"))
    shapes = [tuple(found.m_head.weight.shape), tuple(np.shape(found.m_body[0].res[0].weight))]
    assert shapes == [(3, 4, 3, 3), (2, 2, 3, 3)]
