"""Numbers that are no image: typed, from array files, and sparse matrices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from nodes.catalogue.data import constant
from nodes.parameter import Json, Parameter
from nodes.spec import NodeSpec, Port, PortType

__all__ = ["SPECS"]

_PRECISION = Parameter(
    "precision",
    "precision",
    "choice",
    "float32",
    choices=("float32", "float64"),
    quiet=True,
    help="In which the numbers are kept; one array in double precision makes a whole solve so.",
)


def _file(parameters: Mapping[str, Json]) -> str:
    return PurePath(str(parameters.get("source") or "")).name


def _shortened(parameters: Mapping[str, Json]) -> str:
    text = " ".join(str(parameters.get("values") or "").split())
    return text if len(text) <= 28 else text[:27] + "…"


def _source(default: str, endings: tuple[str, ...], help: str) -> Parameter:
    return Parameter("source", "file", "path", default, files=endings, help=help)


SPECS = (
    NodeSpec(
        type="array",
        title="Numbers",
        category="data",
        function="array",
        stem="numbers",
        icon="mdi6.numeric",
        outputs=(Port("array", "array", PortType.ARRAY),),
        parameters=(
            Parameter(
                "values",
                "values",
                "text",
                "1, 0, 0; 0, 1, 0; 0, 0, 1",
                grammar="numbers",
                help="A vector such as 1, -1, 1/2, or a matrix with semicolons between its rows.",
            ),
            _PRECISION,
        ),
        formula="A = (a<sub>ij</sub>)",
        notation=constant(),
        summary=_shortened,
        keywords=("matrix", "vector", "typed", "constant", "3 × 3", "literal"),
    ),
    NodeSpec(
        type="load_array",
        title="Array file",
        category="data",
        function="load_array",
        stem="data",
        icon="mdi6.file-table-box",
        outputs=(Port("array", "array", PortType.ARRAY),),
        parameters=(
            _source(
                "data.npy",
                (".npy", ".npz"),
                "A .npy file, or a .npz that holds one array, beside the graph.",
            ),
            _PRECISION,
        ),
        formula="A",
        notation=constant(),
        summary=_file,
        keywords=("numpy", "npy", "npz", "measurements", "labels", "flow", "load", "open"),
    ),
    NodeSpec(
        type="load_matrix",
        title="Sparse matrix",
        category="data",
        function="load_matrix",
        stem="matrix",
        icon="mdi6.matrix",
        outputs=(Port("matrix", "matrix", PortType.MATRIX),),
        parameters=(
            _source(
                "matrix.npz",
                (".npz", ".mtx"),
                "A .npz that scipy.sparse.save_npz wrote, or a Matrix Market .mtx file.",
            ),
            _PRECISION,
        ),
        formula="A, mostly zeros",
        notation=constant(),
        summary=_file,
        keywords=("scipy", "sparse", "matrix market", "npz", "mtx", "load", "open"),
    ),
)
