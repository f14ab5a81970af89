"""Which network a file of weights belongs to, told from its names and shapes, and loading it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dprox_core.priors.denoisers.base import Denoiser, channels_last
from dprox_core.priors.denoisers.dncnn import DnCNN, Padding
from dprox_core.priors.denoisers.drunet import DRUNet
from dprox_core.priors.denoisers.ffdnet import FFDNet
from dprox_core.priors.denoisers.ircnn import IRCNN
from dprox_core.priors.denoisers.unet import UNet
from dprox_core.priors.fetching import fetch
from dprox_core.priors.formats import State, WeightsError, read

__all__ = ["WeightsError", "fetch", "load", "recognise"]

BATCH_NORM_EPS = 1e-4  # of the KAIR releases; PyTorch's own default is 1e-5


def load(path: str | os.PathLike[str], network: str | None = None) -> Denoiser:
    """The network in a file, whichever it is, in evaluation mode and not trainable.

    Args:
        path: ``.safetensors``, ``.pth`` or MatConvNet's ``.mat``.
        network: a name such as ``"ffdnet_color"``, to have it checked, and to decide where names
            and shapes fit two networks.

    Raises:
        WeightsError: the file is missing or damaged, is no network known here, or not the one
            asked for; the sentence says what does not fit.

    Example:
        >>> from dprox_core.priors import weights
        >>> weights.load("drunet_color.pth").channels  # doctest: +SKIP
        3

    Reference:
        Names and shapes are those of the public releases of KAIR, DPIR, deepinv and TFPnP.
    """
    state, header = read(path)
    try:
        net, state = recognise(state, header, network)
        _check(net, state)
    except WeightsError as error:
        name = Path(path).name
        raise WeightsError(
            f'"{name}": {error.sentence}', expected=error.expected, got=error.got, where=str(path)
        ) from error
    net.load_state_dict(state)
    net.requires_grad_(False)
    return channels_last(net).eval()


def recognise(
    state: State, header: dict[str, str] | None = None, network: str | None = None
) -> tuple[Denoiser, State]:
    """The network that named arrays belong to, with the widths they tell, and the arrays for it.

    Args:
        state: arrays by name.
        header: what a safetensors file says about itself; optional.
        network: the name asked for, if any.

    Returns:
        A network with fresh weights, and the arrays under the names it uses.

    Raises:
        WeightsError: the arrays are no network known here, or not the one asked for.
    """
    header = header or {}
    found: tuple[Denoiser, State] | None = None
    for builder in (_drunet, _unet, _ircnn, _stack):
        found = builder(state, header, network)
        if found is not None:
            break
    if found is None:
        shown = ", ".join(f"{name} {tuple(value.shape)}" for name, value in list(state.items())[:3])
        raise WeightsError(
            "these are not the weights of a network known here (DnCNN, FDnCNN, IRCNN, FFDNet, "
            f"DRUNet, UNet); the first arrays are {shown}.",
            expected="a known network",
            got=shown,
        )
    if network is not None:
        _check_name(found[0], network)
    return found


def _check_name(net: Denoiser, network: str) -> None:
    family = network.removesuffix("_color").removesuffix("_small")
    grey = not network.endswith("_color")
    families: dict[str, Callable[[Denoiser], bool]] = {
        "dncnn": lambda n: isinstance(n, DnCNN) and n.residual,
        "fdncnn": lambda n: isinstance(n, DnCNN) and not n.blind,
        "ffdnet": lambda n: isinstance(n, FFDNet),
        "drunet": lambda n: isinstance(n, DRUNet),
        "ircnn": lambda n: isinstance(n, IRCNN),
        "unet": lambda n: isinstance(n, UNet),
    }
    if family not in families or not families[family](net):
        raise WeightsError(
            f"these are weights of a {type(net).__name__}, and {network} was asked for.",
            expected=network,
            got=type(net).__name__,
        )
    if grey != (net.channels == 1):
        kind = "grey" if net.channels == 1 else "colour"
        raise WeightsError(
            f"these weights are for {kind} images ({net.channels} channels), and {network} was "
            f"asked for.",
            expected=network,
            got=kind,
        )


def _check(net: Denoiser, state: State) -> None:
    wanted = net.state_dict()
    missing = [name for name in wanted if name not in state]
    foreign = [name for name in state if name not in wanted]
    kind = type(net).__name__
    if missing or foreign:
        parts = []
        if missing:
            parts.append(f"{len(missing)} arrays are missing, the first is {missing[0]}")
        if foreign:
            parts.append(f"{len(foreign)} do not belong to it, the first is {foreign[0]}")
        raise WeightsError(
            f"this looks like a {kind}, but {' and '.join(parts)}.",
            expected=missing[:1] or None,
            got=foreign[:1] or None,
        )
    for name, value in wanted.items():
        if value.shape != state[name].shape:
            raise WeightsError(
                f"this looks like a {kind}, but {name} is shaped {tuple(state[name].shape)} where "
                f"{tuple(value.shape)} fits its neighbours.",
                expected=tuple(value.shape),
                got=tuple(state[name].shape),
            )


Found = tuple[Denoiser, State] | None


def _drunet(state: State, header: dict[str, str], network: str | None) -> Found:
    head = state.get("m_head.weight")
    if head is None or not any(".res." in name for name in state):
        return None
    blocks = len({name.split(".")[1] for name in state if name.startswith("m_body.")})
    try:
        steps = [state[f"m_down{scale}.{blocks}.weight"].shape[0] for scale in (1, 2, 3)]
    except KeyError as error:
        raise WeightsError(
            f"this looks like a DRUNet with {blocks} blocks a scale, but {error} is missing.",
            expected=str(error),
        ) from error
    return DRUNet(head.shape[1] - 1, (head.shape[0], *steps), blocks), state


def _unet(state: State, header: dict[str, str], network: str | None) -> Found:
    first = state.get("inc.conv.conv-0.conv2d.weight")
    if first is None:
        return None
    names = [f"down{scale}.mpconv.1.conv-0.conv2d.weight" for scale in (1, 2, 3, 4)]
    absent = [name for name in names if name not in state]
    if absent:
        raise WeightsError(
            f"this looks like a UNet, but {absent[0]} is missing.", expected=absent[0]
        )
    widths = [first.shape[0], *(state[name].shape[0] for name in names)]
    return UNet(first.shape[1] - 1, widths), state


def _ircnn(state: State, header: dict[str, str], network: str | None) -> Found:
    pattern = re.compile(r"(?:networks\.)?(\d+)\.(?:model\.)?(\d+)\.(weight|bias)")
    renamed: State = {}
    for name, value in state.items():
        match = pattern.fullmatch(name)
        if match is None:
            return None
        renamed[f"networks.{match[1]}.{match[2]}.{match[3]}"] = value
    levels = len({name.split(".")[1] for name in renamed})
    first = renamed.get("networks.0.0.weight")
    if first is None or levels < 2:
        return None
    return IRCNN(first.shape[1], first.shape[0], levels), renamed


def _stack(state: State, header: dict[str, str], network: str | None) -> Found:
    """The plain stacks of convolutions: DnCNN, FDnCNN, FFDNet, and one network of IRCNN."""
    layers = _convolutions(state)
    if layers is None or len(layers) < 2:
        return None
    (first, _), (last, _) = layers[0], layers[-1]
    inputs, outputs, width, depth = first.shape[1], last.shape[0], first.shape[0], len(layers)
    family = (network or "").removesuffix("_color")
    net: Denoiser
    if outputs % 4 == 0 and inputs == outputs + 1:
        net = FFDNet(outputs // 4, width, depth)
    elif inputs == outputs and (family == "ircnn" or (depth == 7 and family != "dncnn")):
        net = IRCNN(inputs, width, levels=1)
    elif inputs in (outputs, outputs + 1):
        conditioned = inputs == outputs + 1
        residual = header.get("residual", "no" if conditioned else "yes") == "yes"
        padding: Padding = "circular" if header.get("padding") == "circular" else "zeros"
        clip = header.get("clip") == "yes"
        net = DnCNN(outputs, width, depth, conditioned, residual, padding, clip)
        if "out_conv.weight" in state:  # deepinv adds what the others subtract
            layers[-1] = (-layers[-1][0], -layers[-1][1])
    else:
        raise WeightsError(
            f"this is a stack of {depth} convolutions from {inputs} to {outputs} channels, which "
            "is neither DnCNN (1 → 1, 3 → 3), FDnCNN (2 → 1, 4 → 3) nor FFDNet (5 → 4, 13 → 12).",
            got=f"{inputs} → {outputs}",
        )
    prefix = "networks.0" if isinstance(net, IRCNN) else "model"
    renamed: State = {}
    for index, (weight, bias) in enumerate(layers):
        renamed[f"{prefix}.{2 * index}.weight"] = weight
        renamed[f"{prefix}.{2 * index}.bias"] = bias
    return net, renamed


def _convolutions(state: State) -> list[tuple[Tensor, Tensor]] | None:
    """Weight and bias of each layer in order, batch norms worked in; None if not a stack."""
    groups: dict[str, dict[str, Any]] = {}
    for name, value in state.items():
        stem, _, part = name.rpartition(".")
        groups.setdefault(stem, {})[part] = value
    layers: list[tuple[Tensor, Tensor]] = []
    for stem in sorted(groups, key=_order):
        group = groups[stem]
        if "running_var" in group and layers:
            layers[-1] = _normalised(*layers[-1], group)
        elif set(group) <= {"weight", "bias"} and group.get("weight", torch.empty(0)).dim() == 4:
            weight = group["weight"]
            layers.append((weight, group.get("bias", torch.zeros(weight.shape[0]))))
        else:
            return None
    return layers


def _order(stem: str) -> tuple[int, ...]:
    place = 0 if stem.startswith("in_conv") else 2 if stem.startswith("out_conv") else 1
    return (place, *(int(part) for part in re.findall(r"\d+", stem)))


def _normalised(weight: Tensor, bias: Tensor, norm: dict[str, Any]) -> tuple[Tensor, Tensor]:
    gain = norm["weight"] / torch.sqrt(norm["running_var"] + BATCH_NORM_EPS)
    shifted = (bias - norm["running_mean"]) * gain + norm["bias"]
    return weight * gain.view(-1, 1, 1, 1), shifted
