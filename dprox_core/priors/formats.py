"""Files of network weights, read into named arrays and nothing else: no file can run code."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dprox_core.errors import DproxError

__all__ = ["WeightsError", "read"]

State = dict[str, Tensor]


class WeightsError(DproxError):
    """A file of weights that is missing, damaged, or belongs to another network."""


def read(path: str | os.PathLike[str]) -> tuple[State, dict[str, str]]:
    """The arrays of a file of weights by name, and what the file says about itself.

    Args:
        path: ``.safetensors``, ``.pth``/``.pt``/``.ckpt`` (weights only, never pickled code) or
            MatConvNet's ``.mat`` of the DnCNN and FFDNet releases.

    Returns:
        The arrays in their order in the file, and the header of a safetensors file (else empty).

    Raises:
        WeightsError: the file is missing, damaged, of another kind, or would need to run code.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(
            f"There is no file of weights at {path}: check the name, or fetch it first.",
            expected="a file",
            got="nothing",
            where=str(path),
        )
    readers = {".safetensors": _safetensors, ".mat": _matconvnet}
    readers |= dict.fromkeys((".pth", ".pt", ".ckpt"), _torch)
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise WeightsError(
            f'"{path.name}" is not a kind of file that holds weights: use .safetensors, .pth or a '
            "MatConvNet .mat.",
            expected=".safetensors, .pth, .mat",
            got=path.suffix,
            where=str(path),
        )
    state, header = reader(path)
    if not state:
        raise _damaged(path, "it holds no arrays")
    for name, value in state.items():
        if not torch.isfinite(value).all():
            raise _damaged(path, f"{name} holds values that are not numbers")
    return state, header


def _damaged(path: Path, why: str) -> WeightsError:
    return WeightsError(
        f'"{path.name}" cannot be read as weights ({why}): download or export it again.',
        expected="a file of weights",
        got=why,
        where=str(path),
    )


def _safetensors(path: Path) -> tuple[State, dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            header = dict(file.metadata() or {})
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    return state, header


def _torch(path: Path) -> tuple[State, dict[str, str]]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        _, _, reason = str(error).partition("WeightsUnpickler error:")
        if not re.search("unsupported (global|class)|reduce|build", reason, re.IGNORECASE):
            raise _damaged(path, "it is not a PyTorch file") from error
        raise WeightsError(
            f'"{path.name}" holds Python objects besides its weights and is not opened, since that '
            "could run code: save the model's state_dict() alone and load that.",
            expected="a state_dict",
            got="pickled objects",
            where=str(path),
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise _damaged(path, str(error).split("\n")[0]) from error
    state: State = {}
    _flatten(_unwrap(content), "", state)
    return state, {}


def _unwrap(content: Any) -> Any:
    """The state dict inside the wrappers that training programs put around it."""
    for _ in range(3):
        if not isinstance(content, Mapping):
            break
        for key in ("params_ema", "params", "state_dict", "model_state_dict", "net"):
            if isinstance(content.get(key), Mapping):
                content = content[key]
                break
        else:
            break
    return content


def _flatten(content: Any, prefix: str, state: State) -> None:
    if isinstance(content, Tensor):
        state[prefix.removeprefix("module.")] = content.detach().float()
    elif isinstance(content, Mapping):
        for name, value in content.items():
            _flatten(value, f"{prefix}.{name}" if prefix else str(name), state)


def _matconvnet(path: Path) -> tuple[State, dict[str, str]]:
    """The layers of a MatConvNet "simple" network under the names of the PyTorch releases.

    MatConvNet keeps a kernel as (height, width, in, out) and takes the four phases of FFDNet column
    by column, PyTorch row by row.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(path, squeeze_me=False, struct_as_record=False)
    except (MatReadError, ValueError, TypeError, NotImplementedError, OSError, EOFError) as error:
        raise _damaged(path, str(error) or "it is not a MATLAB file") from error
    try:
        net = content["net"][0, 0] if "net" in content else content["model"][0, 0]
        layers = [layer[0, 0] for layer in np.ravel(net.layers)]
    except (KeyError, IndexError, AttributeError, TypeError) as error:
        raise _damaged(path, 'it has no network "net" with layers') from error
    state: State = {}
    index, shuffled = -1, False
    for layer in layers:
        kind = str(np.ravel(layer.type)[0])
        shuffled |= kind == "SubP"
        if kind == "conv":
            index = 0 if index < 0 else index + 2
            weight, bias = _conv(layer, path)
            state[f"model.{index}.weight"], state[f"model.{index}.bias"] = weight, bias
        elif kind == "bnorm" and index >= 0:
            # Moments are the mean and the square root of variance + ε.
            gain, shift, moments = (np.asarray(w, np.float32) for w in np.ravel(layer.weights)[:3])
            scale = torch.from_numpy(np.ravel(gain) / moments[:, 1])
            mean = torch.from_numpy(np.ascontiguousarray(moments[:, 0]))
            weight, bias = state[f"model.{index}.weight"], state[f"model.{index}.bias"]
            state[f"model.{index}.weight"] = weight * scale.view(-1, 1, 1, 1)
            state[f"model.{index}.bias"] = (bias - mean) * scale + torch.from_numpy(np.ravel(shift))
        elif kind not in ("SubP", "concat", "relu", "bnorm", "loss"):
            raise _damaged(path, f'it has a layer of kind "{kind}"')
    if shuffled and index >= 0:
        _reorder(state, index, path)
    return state, {}


def _conv(layer: Any, path: Path) -> tuple[Tensor, Tensor]:
    if hasattr(layer, "weights"):
        kernel, *rest = (np.asarray(part, np.float32) for part in np.ravel(layer.weights))
        bias = rest[0] if rest else np.zeros(0, np.float32)
    else:  # files from before 2016
        kernel = np.asarray(layer.filters, np.float32)
        bias = np.asarray(layer.biases, np.float32)
    if kernel.ndim == 2:
        kernel = kernel[:, :, None, None]
    elif kernel.ndim == 3:  # MATLAB drops a last axis of length one
        kernel = kernel[..., None]
    if kernel.ndim != 4:
        raise _damaged(path, f"a convolution is shaped {kernel.shape}")
    out = kernel.shape[3]
    bias = np.ravel(bias) if bias.size else np.zeros(out, np.float32)
    weight = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
    return torch.from_numpy(weight), torch.from_numpy(np.ascontiguousarray(bias))


def _reorder(state: State, last: int, path: Path) -> None:
    """Exchange the second and third phase of every image channel, going in and coming out."""
    final = state[f"model.{last}.weight"]
    if final.shape[0] % 4:
        raise _damaged(path, f"FFDNet cannot give {final.shape[0]} phases")
    order = [4 * (i // 4) + (0, 2, 1, 3)[i % 4] for i in range(final.shape[0])]
    state[f"model.{last}.weight"] = final[order]
    state[f"model.{last}.bias"] = state[f"model.{last}.bias"][order]
    first = state["model.0.weight"]
    rest = list(range(len(order), first.shape[1]))
    state["model.0.weight"] = first[:, order + rest]
