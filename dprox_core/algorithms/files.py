"""States as files: safetensors, with numbers in the header; never pickle."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import TypeVar

import torch

from dprox_core.algorithms.base import Past, State
from dprox_core.errors import DataError, ParameterError

__all__ = ["load_state", "refuse_foreign", "save_state"]

S = TypeVar("S", bound=State)


def save_state(state: State, path: str | os.PathLike[str]) -> Path:
    """Write a state; residuals are left out, since they are measured anew.

    Raises:
        DataError: the file cannot be written there.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors, numbers = _parts(state, "")
    target = Path(path)
    # The format has no complex numbers in double precision: pairs of real ones stand for them.
    pairs = [name for name, tensor in tensors.items() if tensor.is_complex()]
    tensors |= {name: torch.view_as_real(tensors[name]) for name in pairs}
    header = {
        "state": type(state).__name__,
        "numbers": json.dumps(numbers),
        "pairs": json.dumps(pairs),
    }
    try:
        save_file(tensors, target, metadata=header)
    except (OSError, SafetensorError) as error:
        raise DataError(
            f'"{target.name}" could not be written to {target.parent}: give the name of a file in '
            f"a folder that is there and may be written ({error}).",
            expected="a file that can be written",
            got=str(path),
            where=target.name,
        ) from error
    return target


def _parts(state: State, prefix: str) -> tuple[dict[str, torch.Tensor], dict[str, object]]:
    """Tensors and numbers of a state and of the state that one may hold, by the way to them."""
    tensors: dict[str, torch.Tensor] = {}
    numbers: dict[str, object] = {}
    for field in fields(state):
        value, name = getattr(state, field.name), prefix + field.name
        if isinstance(value, State):
            inner = _parts(value, f"{name}.")
            tensors |= inner[0]
            numbers |= inner[1]
        elif isinstance(value, Past):
            tensors |= {f"{name}.{key}": t.contiguous().clone() for key, t in value.tensors.items()}
            numbers |= {f"{name}.{key}": number for key, number in value.numbers.items()}
        elif isinstance(value, tuple):
            for index, tensor in enumerate(value):
                tensors[f"{name}.{index}"] = tensor.detach().contiguous().clone()
        elif isinstance(value, torch.Tensor):
            tensors[name] = value.detach().contiguous().clone()
        elif isinstance(value, (int, float)):
            numbers[name] = value
    return tensors, numbers


def load_state(like: S, path: str | os.PathLike[str]) -> S:
    """The state that a file holds, for the solver whose first state is ``like``.

    Raises:
        DataError: the file holds no state, that of another method, or one of another shape.
    """
    from safetensors import SafetensorError, safe_open

    name = Path(path).name
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            # Copies: the file's own memory may change with it, and lies as no complex number may.
            held = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(
            f'"{name}" is no state of a solver: {error}.', got=str(path), where=name
        ) from error
    if header.get("state") != type(like).__name__:
        raise DataError(
            f'"{name}" holds {header.get("state") or "something else"}, and this solver goes on '
            f"from {type(like).__name__}: compile with the method that wrote the file.",
            expected=type(like).__name__,
            got=header.get("state"),
            where=name,
        )
    for key in json.loads(header.get("pairs", "[]")):
        held[key] = torch.view_as_complex(held[key])
    return _filled(like, "", held, json.loads(header["numbers"]), name, like.x[0])


def _filled(
    like: S,
    prefix: str,
    held: dict[str, torch.Tensor],
    numbers: dict[str, object],
    file: str,
    root: torch.Tensor,
) -> S:
    """A state with what a file has for it, and for the state that it may hold."""
    changed: dict[str, object] = {}
    for field in fields(like):
        value, name = getattr(like, field.name), prefix + field.name
        if isinstance(value, State):
            changed[field.name] = _filled(value, f"{name}.", held, numbers, file, root)
        elif isinstance(value, tuple) and value:
            changed[field.name] = tuple(
                _fitting(held.get(f"{name}.{i}"), t, file) for i, t in enumerate(value)
            )
        elif isinstance(value, tuple):
            # What is gathered on the way, such as the points to extrapolate from.
            count = sum(key.startswith(f"{name}.") for key in held)
            changed[field.name] = tuple(_alike(held[f"{name}.{i}"], root) for i in range(count))
        elif name in numbers:
            changed[field.name] = numbers[name]
        elif name in held:
            # A number for each sample stays where the solver keeps them.
            beside = value if isinstance(value, torch.Tensor) else root
            changed[field.name] = held[name].to(beside.device)
    changed["residuals"] = None
    start = f"{prefix}past."
    counted = {k.removeprefix(start): float(str(n)) for k, n in numbers.items() if start in k}
    if counted:
        gathered = {k.removeprefix(start): t for k, t in held.items() if k.startswith(start)}
        on_device = {key: tensor.to(like.x[0].device) for key, tensor in gathered.items()}
        changed["past"] = Past(int(str(changed["iteration"])), on_device, counted)
    return replace(like, **changed)  # type: ignore[arg-type]


def refuse_foreign(state: object, like: State, method: str) -> None:
    """Refuse to go on from the state of another method or problem.

    Raises:
        ParameterError: the state is of another kind than ``like``, or of other shapes.
    """
    if type(state) is not type(like):
        raise ParameterError(
            f"{method} goes on from a state of its own ({type(like).__name__}), such as "
            f"result.state, not from {type(state).__name__}.",
            expected=type(like).__name__,
            got=type(state).__name__,
            where="state",
        )
    for field in fields(like):
        ours, theirs = _shapes(getattr(like, field.name)), _shapes(getattr(state, field.name))
        if ours and ours != theirs:  # what is gathered on the way is empty at first
            raise ParameterError(
                f"The state belongs to another problem: where this one has tensors of shapes "
                f"{ours}, it has {theirs}.",
                expected=ours,
                got=theirs,
                where="state",
            )


def _shapes(value: object) -> list[tuple[int, ...]] | None:
    """The shapes of the iterates that a field holds; None for what is no tuple of tensors."""
    if not isinstance(value, tuple) or not all(isinstance(v, torch.Tensor) for v in value):
        return None
    return [tuple(v.shape) for v in value]


def _alike(found: torch.Tensor, root: torch.Tensor) -> torch.Tensor:
    """On the device and in the precision of the variables; whether complex stays as it was."""
    precision = root.dtype.to_complex() if found.is_complex() else root.dtype.to_real()
    return found.to(root.device, precision)


def _fitting(found: torch.Tensor | None, like: torch.Tensor, name: str) -> torch.Tensor:
    if found is None or found.shape != like.shape:
        got = "nothing" if found is None else tuple(found.shape)
        raise DataError(
            f'"{name}" belongs to another problem: where this one has a tensor of shape '
            f"{tuple(like.shape)}, the file has {got}.",
            expected=tuple(like.shape),
            got=got,
            where=name,
        )
    return found.to(device=like.device, dtype=like.dtype)
