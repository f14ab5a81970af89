"""Running out of memory, said in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from dprox_core.errors import DeviceError

if TYPE_CHECKING:
    from dprox_core.compiler.plan import Plan

__all__ = ["available", "bytes_text", "guarded"]


def bytes_text(count: int) -> str:
    """Bytes for a sentence, in the unit that leaves a number from 1."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def available(device: torch.device) -> int | None:
    """How many bytes are free on a device, None where that cannot be known."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


@contextmanager
def guarded(plan: Plan) -> Iterator[None]:
    """Turn an allocation that fails, or is bound to, into a sentence with both numbers.

    Raises:
        DeviceError: the device does not have the memory.
    """
    device = torch.device(plan.device)
    free = available(device)
    if free is not None and plan.memory_bytes > free:
        # Without this the system would end the whole process, not just the solve.
        raise _too_large(plan, free)
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise _too_large(plan, available(device)) from error
    except RuntimeError as error:
        if "allocate memory" not in str(error):
            raise
        raise _too_large(plan, available(device)) from error


def _too_large(plan: Plan, free: int | None) -> DeviceError:
    has = "" if free is None else f", and {bytes_text(free)} are free"
    return DeviceError(
        f"There is not enough memory on {plan.device}: this solve needs about "
        f"{bytes_text(plan.memory_bytes)}{has}. Make the images smaller, or choose another device.",
        expected=plan.memory_bytes,
        got=free,
        where=plan.device,
    )
