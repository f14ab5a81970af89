"""Where a script runs: its device, the folder it reads from and the folder it writes to.

A script holds none of this, so that the same text gives the same arrays in the studio, on the
command line and in a terminal. Whoever runs it says so around it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from dprox_core.errors import DeviceError, ParameterError

__all__ = ["Session", "current", "default_device", "input_path", "session"]


@dataclass(frozen=True)
class Session:
    """The surroundings of a script.

    Attributes:
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``; None leaves it to the
            environment variable ``DPROX_DEVICE``, and without that to ``"auto"``.
        base: the folder that relative input paths start from; None is the working directory.
        out: the folder that relative output paths start from; None is the working directory.
    """

    device: str | None = None
    base: Path | None = None
    out: Path | None = None


_SESSION: ContextVar[Session | None] = ContextVar("dprox_session", default=None)


def current() -> Session:
    """The session in force here; an empty one outside every ``session(...)`` block."""
    return _SESSION.get() or Session()


@contextmanager
def session(
    device: str | None = None,
    base: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
) -> Iterator[Session]:
    """Run the block with another default device, input folder or output folder.

    What is left at None keeps its value from the enclosing block.

    Args:
        device: ``"auto"`` (CUDA where there is one), ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        base: the folder that relative paths given to ``load_image`` start from.
        out: the folder that relative paths given to ``save_image`` start from.

    Yields:
        The session in force inside the block.

    Raises:
        DeviceError: the device does not exist on this machine.

    Example:
        >>> import dprox_core as dp
        >>> with dp.session(device="cpu"):
        ...     dp.load_image("sample:camera").device.type
        'cpu'
    """
    outer = current()
    inner = replace(
        outer,
        device=outer.device if device is None else device,
        base=outer.base if base is None else Path(base),
        out=outer.out if out is None else Path(out),
    )
    if device is not None:
        resolve_device(device)
    token = _SESSION.set(inner)
    try:
        yield inner
    finally:
        _SESSION.reset(token)


def input_path(name: str | os.PathLike[str]) -> Path:
    """A file to read: relative names start from the session's input folder, ``~`` is home."""
    path, base = Path(name).expanduser(), current().base
    return path if base is None else base / path


def default_device() -> torch.device:
    """The device on which data is made when nothing else says where.

    The session's device, else ``DPROX_DEVICE``, else CUDA where there is one, else the CPU.

    Raises:
        DeviceError: the device asked for does not exist on this machine.
    """
    return resolve_device(current().device or os.environ.get("DPROX_DEVICE") or "auto")


def resolve_device(name: str | torch.device) -> torch.device:
    """The device that a name stands for on this machine.

    Args:
        name: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"``, or a device, which is checked.

    Raises:
        ParameterError: the name is none of these.
        DeviceError: no such device is present.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise ParameterError(
            f'"{name}" is not a device: use "auto", "cpu" or "cuda".',
            expected="auto, cpu or cuda",
            got=name,
            where="device",
        ) from error
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if count == 0:
            raise DeviceError(
                "No CUDA device was found on this machine, or this build of PyTorch has no "
                'CUDA: choose device "auto" or "cpu".',
                expected="a CUDA device",
                got="none",
                where="device",
            )
        if device.index is not None and device.index >= count:
            raise DeviceError(
                f'There is no device "{device}": this machine has {count} CUDA '
                f"{'device' if count == 1 else 'devices'}, numbered from 0.",
                expected=f"an index below {count}",
                got=device.index,
                where="device",
            )
    elif device.type != "cpu":
        raise ParameterError(
            f'Device "{name}" is not supported: use "auto", "cpu" or "cuda".',
            expected="auto, cpu or cuda",
            got=str(name),
            where="device",
        )
    return device
