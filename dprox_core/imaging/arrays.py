"""Numbers that are no image: written out, from array files, and sparse matrices."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dprox_core.arguments import as_path, from_array, refuse_unless
from dprox_core.errors import DataError, ParameterError
from dprox_core.sessions import default_device, input_path

__all__ = ["array", "load_array", "load_matrix"]

_PRECISIONS = {
    "float32": (torch.float32, torch.complex64),
    "float64": (torch.float64, torch.complex128),
}
# What scipy.sparse.save_npz writes beside the values.
_SPARSE_KEYS = {"format", "shape", "data"}


def array(values: Sequence[Any], precision: str = "float32") -> torch.Tensor:
    """Numbers written out: a vector, or a matrix row by row.

    Args:
        values: a list of numbers, or a list of rows of the same length.
        precision: "float32" or "float64".

    Returns:
        A tensor (N,) or (rows, columns) on the session's device.

    Raises:
        ParameterError: rows differ in length, something is no finite number, or the precision is
            unknown.

    Example:
        >>> import dprox_core as dp
        >>> dp.array([[1, 0], [0, 2]])
        tensor([[1., 0.],
                [0., 2.]])
    """
    real, _ = _dtypes("array", precision)
    try:
        found = np.array(values)
    except (TypeError, ValueError, RuntimeError):
        found = np.array(None)
    if found.dtype.kind not in "buif":
        raise ParameterError(
            "array: the values must be real numbers, in rows of the same length.",
            expected="real numbers in rows of one length",
            got=str(values)[:80],
            where="values",
        )
    if found.size == 0 or not np.isfinite(found).all():
        raise ParameterError(
            "array: the values must be finite numbers, at least one.",
            expected="finite numbers",
            got=str(values)[:80],
            where="values",
        )
    return from_array(found, "array").to(dtype=real, device=default_device())


def load_array(source: str | os.PathLike[str], precision: str = "float32") -> torch.Tensor:
    """Read numbers of any shape, as NumPy writes them: measurements, flows, labels, kernels.

    Values stay as they are; whole numbers and truth values become floating point. Nothing but
    numbers is read: a file can run no code.

    Args:
        source: a ``.npy`` file, or a ``.npz`` file that holds one array (relative paths start
            from the session's input folder, else from the working directory).
        precision: "float32" or "float64", for complex numbers of each part.

    Returns:
        A tensor in the shape of the array on the session's device; complex where the file is.

    Raises:
        DataError: the file is missing or damaged, or holds something else than finite numbers.
        ParameterError: the precision is unknown.

    Example:
        >>> import dprox_core as dp, numpy, pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     numpy.save(pathlib.Path(folder) / "labels.npy", [1, -1, 1])
        ...     dp.load_array(pathlib.Path(folder) / "labels.npy")
        tensor([ 1., -1.,  1.])
    """
    dtypes = _dtypes("load_array", precision)
    path = _locate(as_path("load_array", source), "array")
    try:
        held = np.load(path, allow_pickle=False)
        if isinstance(held, np.ndarray):
            found = held
        else:
            with held:
                names = list(held.files)
                if len(names) != 1:
                    raise _refusal(path, _several(names), "one array", names)
                found = held[names[0]]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _damaged(path, error, "array file", "numpy.save") from error
    return _tensor(path, found, dtypes)


def load_matrix(source: str | os.PathLike[str], precision: str = "float32") -> torch.Tensor:
    """Read a sparse matrix, for ``matrix``.

    Args:
        source: a ``.npz`` file as ``scipy.sparse.save_npz`` writes it, or a Matrix Market file
            ``.mtx`` (relative paths start from the session's input folder, else from the working
            directory).
        precision: "float32" or "float64", for complex numbers of each part.

    Returns:
        A sparse tensor (rows, columns) on the session's device.

    Raises:
        DataError: the file is missing or damaged, or holds no sparse matrix of finite numbers.
        ParameterError: the precision is unknown.

    Example:
        >>> import dprox_core as dp, pathlib, scipy.sparse, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder) / "A.npz"
        ...     scipy.sparse.save_npz(file, scipy.sparse.eye(4, format="csr"))
        ...     tuple(dp.load_matrix(file).shape)
        (4, 4)

    References:
        R. F. Boisvert, R. Pozo, K. Remington, The Matrix Market exchange formats, 1996.
    """
    import scipy.io
    import scipy.sparse

    dtypes = _dtypes("load_matrix", precision)
    path = _locate(as_path("load_matrix", source), "matrix")
    try:
        if path.suffix.lower() == ".mtx":
            held = scipy.sparse.coo_matrix(scipy.io.mmread(path))
        else:
            held = scipy.sparse.load_npz(path).tocoo()
    except (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise _damaged(path, error, "sparse matrix", "scipy.sparse.save_npz") from error
    held.sum_duplicates()
    values = _tensor(path, held.data, dtypes)
    places = torch.from_numpy(np.stack([held.row, held.col]).astype(np.int64))
    return torch.sparse_coo_tensor(
        places.to(values.device), values, held.shape, check_invariants=True
    ).coalesce()


def _dtypes(function: str, precision: str) -> tuple[torch.dtype, torch.dtype]:
    words = '"float32" or "float64"'
    refuse_unless(precision in _PRECISIONS, function, "precision", words, precision)
    return _PRECISIONS[precision]


def _locate(source: str, noun: str) -> Path:
    path = input_path(source)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else f'was not found in "{path.parent}"'
        raise DataError(
            f'The {noun} file "{source}" {what}: check the name, or choose another file.',
            expected="a file",
            got="a folder" if path.is_dir() else "no file",
            where=str(path),
        )
    return path


def _tensor(path: Path, found: np.ndarray, dtypes: tuple[torch.dtype, torch.dtype]) -> torch.Tensor:
    if found.dtype.kind not in "buifc" or found.size == 0:
        held = f"{found.dtype} values" if found.size else "no values"
        raise _refusal(path, f"it holds {held}, and numbers are needed", "numbers", held)
    if not np.isfinite(found).all():
        raise _refusal(path, "it holds NaN or infinite values", "finite values", "NaN or infinity")
    real, complex_ = dtypes
    dtype = complex_ if found.dtype.kind == "c" else real
    # Widened first: torch knows no unsigned 64-bit numbers on every device.
    wide = found.astype(np.complex128 if found.dtype.kind == "c" else np.float64)
    return torch.from_numpy(np.ascontiguousarray(wide)).to(dtype=dtype, device=default_device())


def _several(names: list[str]) -> str:
    if set(names) >= _SPARSE_KEYS:
        return "it holds a sparse matrix: read it with load_matrix"
    return f"it holds {len(names)} arrays ({', '.join(names[:6])}), and one is needed"


def _refusal(path: Path, why: str, expected: str, got: object) -> DataError:
    return DataError(
        f'"{path.name}" cannot be used: {why}.', expected=expected, got=got, where=str(path)
    )


def _damaged(path: Path, error: Exception, what: str, writer: str) -> DataError:
    return DataError(
        f'"{path.name}" is no {what} that can be read ({error}): write it with {writer}, or choose '
        "another file.",
        expected="a whole file",
        got=str(error),
        where=str(path),
    )
