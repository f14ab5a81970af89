"""Values of data statements, kept by what they depend on: a new λ does not reload the photograph.

A statement is kept only if it gives one name and calls nothing but functions whose result follows
from their arguments alone (seeds included) and, for an image file, from the file as it lies on the
disk. Its key holds its own text, the keys of the names it reads, the device and the file's state;
so an edit anywhere upstream gives another key. A tensor that somebody changed in place is dropped.
"""

from __future__ import annotations

import ast
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

__all__ = ["Cache", "Kept"]

_PURE = {
    "add_noise", "blur", "disk_psf", "gaussian_psf", "load_image", "motion_psf", "random_mask",
}  # fmt: skip
_MOST_BYTES = 256 * 2**20
_MOST_VALUES = 64


@dataclass(frozen=True)
class Kept:
    """What a statement gave.

    Attributes:
        value: of its name.
        inner: the values of the nodes written inside it, by node id.
        versions: of the tensors, which PyTorch raises when one is changed in place.
    """

    value: Any
    inner: tuple[tuple[str, Any], ...]
    versions: tuple[int, ...]

    @property
    def tensors(self) -> list[torch.Tensor]:
        """The tensors held."""
        return [v for v in (self.value, *(v for _, v in self.inner)) if torch.is_tensor(v)]

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(t.element_size() * t.nelement() for t in self.tensors)

    @property
    def untouched(self) -> bool:
        """Whether nobody has changed a tensor in place."""
        return tuple(t._version for t in self.tensors) == self.versions


class Cache:
    """The values of a worker's last runs, the least recently used going first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def key(
        self,
        statement: ast.stmt,
        keys: Mapping[str, Hashable],
        base: Path | None,
        device: str,
        nodes: Hashable = (),
    ) -> Hashable | None:
        """What a statement's value depends on; None where that is more than can be said.

        Args:
            statement: as it stands in the script.
            keys: of the names that statements before gave.
            base: the folder that relative paths start from.
            device: where the run computes.
            nodes: the nodes written in the statement; their pictures are told again.
        """
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            return None
        if not isinstance(statement.targets[0], ast.Name):
            return None
        reads: list[Hashable] = []
        for node in ast.walk(statement.value):
            if isinstance(node, ast.Call):
                name = _function(node)
                if name not in _PURE:
                    return None
                if name == "load_image":
                    state = _file(node, base)
                    if state is None:
                        return None
                    reads.append(state)
            elif isinstance(node, ast.Name) and node.id != "dp":
                if node.id not in keys:
                    return None
                reads.append((node.id, keys[node.id]))
        if not any(isinstance(node, ast.Call) for node in ast.walk(statement.value)):
            return None
        return (ast.dump(statement), tuple(reads), device, nodes)

    def get(self, key: Hashable) -> Kept | None:
        """The value kept under a key, unless somebody has changed it since."""
        found = self._kept.get(key)
        if found is None:
            return None
        if not found.untouched:
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return found

    def put(self, key: Hashable, value: Any, inner: list[tuple[str, Any]]) -> None:
        """Keep a value; what was not used for longest makes room."""
        if not torch.is_tensor(value):
            return
        tensors = [v for v in (value, *(v for _, v in inner)) if torch.is_tensor(v)]
        kept = Kept(value, tuple(inner), tuple(t._version for t in tensors))
        self._kept[key] = kept
        while len(self._kept) > _MOST_VALUES or (
            self._kept and sum(k.size for k in self._kept.values()) > _MOST_BYTES
        ):
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Give all memory back."""
        self._kept.clear()


def _function(call: ast.Call) -> str:
    """The library function that is called, or an empty text."""
    match call.func:
        case ast.Attribute(ast.Name("dp"), name):
            return name
    return ""


def _file(call: ast.Call, base: Path | None) -> Hashable | None:
    """The state of the file that an image is read from; None where it cannot be told."""
    if not call.args or not isinstance(call.args[0], ast.Constant):
        return None
    source = call.args[0].value
    if not isinstance(source, str):
        return None
    if source.startswith("sample:"):
        return source
    path = Path(source) if base is None else base / source
    try:
        state = path.stat()
    except OSError:
        return None
    return (str(path), state.st_mtime_ns, state.st_size, state.st_ino)
