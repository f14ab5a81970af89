"""What array files hold, read without the library: the shape, and small arrays' values."""

from __future__ import annotations

import logging
import os
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from nodes.imagefiles import locate
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = late("numpy")

__all__ = ["ArrayHeader", "array_values", "read_array", "read_matrix"]

_LOG = logging.getLogger(__name__)
# Values of larger files are looked at by the run alone.
_MOST_VALUES = 1_000_000
_SPARSE_KEYS = {"format", "shape", "data"}


@dataclass(frozen=True)
class ArrayHeader:
    """What is known about a file of numbers.

    Attributes:
        shape: the array's.
        complex: whether its numbers are complex.
        problem: why it cannot be used, as the end of a sentence; empty if it can.
    """

    shape: tuple[int, ...] = ()
    complex: bool = False
    problem: str = ""


def read_array(source: str, base: Path | None = None) -> ArrayHeader:
    """What ``load_array`` would read; problems are data, nothing is raised."""
    return _look(source, base, "an array file (.npy or .npz)", sparse=False)


def read_matrix(source: str, base: Path | None = None) -> ArrayHeader:
    """What ``load_matrix`` would read; problems are data, nothing is raised."""
    return _look(source, base, "a sparse matrix (.npz or .mtx)", sparse=True)


def array_values(source: str, base: Path | None = None) -> npt.NDArray[np.generic] | None:
    """The values of an array file that is small and right; None for any other."""
    header = read_array(source, base)
    if header.problem or np.prod(header.shape, dtype=np.int64) > _MOST_VALUES:
        return None
    path = locate(source, base)
    try:
        return _values(str(path), path.stat().st_mtime_ns)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


@lru_cache(maxsize=16)
def _values(path: str, modified: int) -> npt.NDArray[np.generic]:
    held = np.load(path, allow_pickle=False)
    if isinstance(held, np.ndarray):
        return held
    with held:
        found: npt.NDArray[np.generic] = held[held.files[0]]
        return found


def _look(source: str, base: Path | None, kind: str, sparse: bool) -> ArrayHeader:
    path = locate(source, base)
    try:
        found = path.stat()
    except FileNotFoundError:
        problem = f'there is no file "{source}": check the name, or choose another file'
        return ArrayHeader(problem=problem)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return ArrayHeader(problem=f'"{source}" cannot be read ({reason}): choose another file')
    if path.is_dir():
        return ArrayHeader(problem=f'"{source}" is a folder: choose {kind}')
    return _read(str(path), found.st_mtime_ns, found.st_size, kind, sparse)


@lru_cache(maxsize=256)
def _read(path: str, modified: int, length: int, kind: str, sparse: bool) -> ArrayHeader:
    """Cached by the file's time and length: checks run after every edit."""
    name = os.path.basename(path)
    try:
        if sparse:
            return _market(path) if path.lower().endswith(".mtx") else _sparse(path)
        return _dense(path)
    except _Unfit as why:
        return ArrayHeader(problem=f'"{name}" {why}')
    except Exception as error:  # readers raise whatever they like on a damaged file
        _LOG.info("%s cannot be read: %s", path, error)
        return ArrayHeader(problem=f'"{name}" is not {kind} that can be read: choose another file')


class _Unfit(Exception):
    """The end of a sentence about a file."""


def _dense(path: str) -> ArrayHeader:
    held = np.load(path, mmap_mode="r", allow_pickle=False)
    if isinstance(held, np.ndarray):
        return _header(held.shape, held.dtype)
    with held:
        if set(held.files) >= _SPARSE_KEYS:
            raise _Unfit("holds a sparse matrix: read it with a Sparse matrix node")
        if len(held.files) != 1:
            raise _Unfit(f"holds {len(held.files)} arrays, and one is needed: save it alone")
        shape, dtype = _zipped(path, held.files[0])
    return _header(shape, dtype)


def _sparse(path: str) -> ArrayHeader:
    with np.load(path, allow_pickle=False) as held:
        if not set(held.files) >= _SPARSE_KEYS:
            raise _Unfit("holds no sparse matrix: read it with an Array file node")
        shape = tuple(int(n) for n in held["shape"])
        dtype = _zipped(path, "data")[1]
    return _header(shape, dtype)


def _zipped(path: str, name: str) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    """Shape and kind of an array in a .npz, from its header alone."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(file)
    return tuple(shape), dtype


def _market(path: str) -> ArrayHeader:
    with open(path, encoding="ascii", errors="replace") as file:
        head = file.readline().lower().split()
        if len(head) < 4 or head[0] != "%%matrixmarket":
            raise _Unfit("is no Matrix Market file: its first line says so")
        for line in file:
            if line.strip() and not line.startswith("%"):
                rows, columns = (int(n) for n in line.split()[:2])
                return ArrayHeader((rows, columns), head[3] == "complex")
    raise _Unfit("is cut short: copy it again")


def _header(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> ArrayHeader:
    if dtype.kind not in "buifc":
        raise _Unfit(f"holds {dtype} values, and numbers are needed")
    if 0 in shape:
        raise _Unfit("holds no values")
    return ArrayHeader(tuple(shape), dtype.kind == "c")
