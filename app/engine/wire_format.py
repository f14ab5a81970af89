"""Messages as lines of JSON, and back.

Arrays travel beside the line in anonymous memory whose descriptor is handed over, so that a large
picture costs the reader nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from app.engine.protocol import MESSAGES, Output, Piece, Program
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = late("numpy")

__all__ = ["ARRAY", "decode", "encode", "padded"]

ARRAY = b'"$array"'  # what marks, in a line, an array that travels beside it
_PARTS: dict[str, type] = {kind.__name__: kind for kind in (Program, Piece, Output)}


def encode(message: Any) -> tuple[bytes, list[npt.NDArray[Any]]]:
    """A message as one line of JSON, and the arrays that travel beside it."""
    arrays: list[npt.NDArray[Any]] = []
    return json.dumps(_plain(message, arrays)).encode("ascii") + b"\n", arrays


def decode(line: bytes, memory: Any = None) -> Any:
    """The message in a line; ``memory`` is the buffer that holds its arrays, if it has any."""
    return _rebuilt(json.loads(line), memory)


def padded(size: int) -> int:
    """The bytes an array of this size takes where several lie one after the other."""
    return -(-size // 64) * 64


# The two below are functions of their own and not closures: a closure that calls itself is a
# cycle, and would keep large arrays, and their descriptors, until the collector comes by.


def _plain(value: Any, arrays: list[npt.NDArray[Any]]) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray):
        start = sum(padded(array.nbytes) for array in arrays)
        arrays.append(value)
        return {"$array": [start, value.dtype.str, list(value.shape)]}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {part.name: _plain(getattr(value, part.name), arrays) for part in fields(value)}
        return {"$type": type(value).__name__, **parts}
    if isinstance(value, Mapping):
        return {str(key): _plain(item, arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, arrays) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item(), arrays)
    return str(value)


def _rebuilt(value: Any, memory: Any) -> Any:
    if isinstance(value, list):
        return tuple(_rebuilt(item, memory) for item in value)
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        offset, dtype, shape = value["$array"]
        count = int(np.prod(shape))
        return np.frombuffer(memory, dtype, count, offset=offset).reshape(shape)
    parts = {key: _rebuilt(item, memory) for key, item in value.items() if key != "$type"}
    name = value.get("$type")
    return (MESSAGES.get(name) or _PARTS[name])(**parts) if name else parts
