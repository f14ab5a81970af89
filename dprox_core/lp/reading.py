"""Linear programs in files: MPS and LP through HiGHS, arrays in .npz, networks through PyPSA."""

from __future__ import annotations

import logging
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from dprox_core.arguments import as_path
from dprox_core.errors import DataError
from dprox_core.lp.model import LinearProgram
from dprox_core.lp.networks import read_network
from dprox_core.lp.presolve import from_highs, quiet_highs
from dprox_core.sessions import current, input_path

__all__ = ["read_lp", "save_lp"]

log = logging.getLogger(__name__)

_HIGHS = (".mps", ".lp", ".mps.gz", ".lp.gz")
_VECTORS = ("row_lower", "row_upper", "lower", "upper")


def read_lp(path: str | os.PathLike[str]) -> LinearProgram:
    """Read a linear program from an MPS, LP or .npz file, or from a PyPSA network.

    Integrality in the file is left out, with a warning in the log: what is read is the linear
    relaxation. A .npz file holds the arrays c, A_data, A_indices, A_indptr, A_shape (rows of A,
    compressed) and, where they differ from LinearProgram's defaults, row_lower, row_upper, lower,
    upper, c0 and sense, as ``save_lp`` writes them.

    Args:
        path: ends in .mps, .lp (either also with .gz), .npz, or .nc, or is a folder with PyPSA's
            .csv files (both need the extra "energy"); relative to the session's folder.

    Returns:
        The program, with the file's names of variables and rows.

    Raises:
        DataError: the file is missing, of another kind, or damaged.

    Example:
        >>> import dprox_core as dp, tempfile, pathlib
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = pathlib.Path(folder.name) / "small.npz"
        >>> _ = dp.save_lp(path, dp.LinearProgram(c=[1.0], A=[[2.0]], row_lower=4.0))
        >>> dp.read_lp(path)
        <linear program 'small': min, 1 × 1, 1 nonzeros>

    References:
        Q. Huangfu, J. Hall, Parallelizing the dual revised simplex method, 2018 (HiGHS).
    """
    path = as_path("read_lp", path)
    target = input_path(path)
    if (target / "buses.csv").is_file() or (target.is_file() and target.suffix == ".nc"):
        return read_network(target)
    if not target.is_file():
        raise DataError(f"There is no file {target}.", expected="a file", where=str(path))
    name = target.name.lower()
    if name.endswith(".npz"):
        return _read_arrays(target)
    if name.endswith(_HIGHS):
        return _read_model(target)
    raise DataError(
        f"{target.name} is no linear program that can be read: give a file that ends in .mps, "
        ".lp, .npz or .nc.",
        expected=(*_HIGHS, ".npz", ".nc"),
        got=target.suffix,
        where=str(path),
    )


def save_lp(path: str | os.PathLike[str], program: LinearProgram) -> Path:
    """Write a linear program: .npz as arrays, .mps and .lp through HiGHS.

    Args:
        path: ends in .npz, .mps or .lp; relative to the session's output folder.
        program: what to write; .mps and .lp hold a maximization as the minimization of −c.

    Returns:
        The path written.

    Raises:
        DataError: the ending is another one, or the file cannot be written.
    """
    out = current().out
    target = Path(path) if out is None else out / path
    if target.suffix == ".npz":
        np.savez_compressed(
            target,
            c=program.c,
            A_data=program.A.data,
            A_indices=program.A.indices,
            A_indptr=program.A.indptr,
            A_shape=np.array(program.A.shape),
            c0=np.array(program.c0),
            sense=np.array(program.sense),
            **{name: getattr(program, name) for name in _VECTORS},
        )
        return target
    from dprox_core.lp.presolve import to_highs

    highs = quiet_highs()
    highs.passModel(to_highs(program.minimized()))
    if target.suffix not in (".mps", ".lp") or not _ok(highs.writeModel(str(target))):
        raise DataError(
            f"{target} cannot be written: give a path that ends in .npz, .mps or .lp, in a folder "
            "that is there.",
            expected=".npz, .mps or .lp",
            got=target.suffix,
            where=str(path),
        )
    return target


def _read_model(target: Path) -> LinearProgram:
    import highspy

    highs = quiet_highs()
    if not _ok(highs.readModel(str(target))):
        raise DataError(
            f"{target.name} is damaged, or no MPS or LP file: HiGHS cannot read it.",
            where=str(target),
        )
    lp = highs.getLp()
    continuous = highspy.HighsVarType.kContinuous
    if any(kind != continuous for kind in lp.integrality_):
        log.warning("%s has integer variables: its linear relaxation was read.", target.name)
    program = from_highs(lp)
    program.name = program.name or target.name.split(".")[0]
    return program


def _ok(status: Any) -> bool:
    import highspy

    # A warning is given for what HiGHS mends itself, such as an empty name.
    return bool(status != highspy.HighsStatus.kError)


def _read_arrays(target: Path) -> LinearProgram:
    try:
        with np.load(target, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        parts = (arrays["A_data"], arrays["A_indices"], arrays["A_indptr"])
        matrix = sp.csr_array(parts, shape=tuple(arrays["A_shape"]))
        given: dict[str, Any] = {name: arrays[name] for name in _VECTORS if name in arrays}
        return LinearProgram(
            arrays["c"],
            matrix,
            c0=float(arrays.get("c0", 0.0)),
            sense=str(arrays.get("sense", "min")),  # type: ignore[arg-type]
            name=target.stem,
            **given,
        )
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{target.name} is damaged, or holds no linear program: {error}.", where=str(target)
        ) from error
