"""Numbers that a term cannot take: classes, weights and matrices, where the graph holds them.

Only typed numbers and array files of moderate size are looked at; of everything that is computed
on the way the library has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from nodes.arrayfiles import array_values
from nodes.catalogue import CATALOGUE
from nodes.checks.context import Context, NodeRule
from nodes.document import Node
from nodes.grammars import numbers
from nodes.issues import Issue
from nodes.late import late
from nodes.parameter import number_text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = late("numpy")

__all__ = ["HOLDS", "check_contents"]

_Values: TypeAlias = "npt.NDArray[np.generic]"


def _finite(values: _Values) -> str | None:
    return None if np.isfinite(values).all() else "holds NaN or infinite values: replace them"


def _classes(values: _Values) -> str | None:
    other = values[np.abs(values) != 1]
    return f"holds {_shown(other)}, and a class is 1 or −1" if other.size else None


def _weights(values: _Values) -> str | None:
    lowest = values.min()
    return f"holds {_shown(lowest)}, and a weight is 0 or more" if lowest < 0 else None


def _magnitudes(values: _Values) -> str | None:
    lowest = values.min()
    return f"holds {_shown(lowest)}, and what was measured is 0 or more" if lowest < 0 else None


def _normal(values: _Values) -> str | None:
    return None if values.any() else "holds only zeros: a half-space needs a direction"


def _covariance(values: _Values) -> str | None:
    if values.ndim != 2 or values.shape[0] != values.shape[1] or len(values) > 1000:
        return None  # the shape is complained about elsewhere; a large one by the run
    matrix = values.astype(np.float64)
    size = float(np.abs(matrix).max()) or 1.0
    asymmetry = float(np.abs(matrix - matrix.T).max())
    if asymmetry > 1e-5 * size:
        return f"is not symmetric: two opposite values differ by {asymmetry:.3g}"
    lowest = float(np.linalg.eigvalsh(0.5 * (matrix + matrix.T)).min())
    if lowest < -1e-5 * size:
        return f"has the eigenvalue {lowest:.3g}, and none may be below 0"
    return None


HOLDS: Mapping[str, tuple[Callable[[_Values], str | None], ...]] = {
    "classes": (_finite, _classes),
    "weights": (_finite, _weights),
    "magnitudes": (_finite, _magnitudes),
    "normal": (_finite, _normal),
    "covariance": (_finite, _covariance),
    "equations": (_finite,),
}
"""What an input's values must be → what is wrong with some, as the end of a sentence."""


_TYPES = frozenset(type for type, s in CATALOGUE.items() if any(p.holds for p in s.inputs))


@NodeRule
def check_contents(context: Context, node: Node) -> Iterator[Issue]:
    """Typed numbers and small files that their term cannot take."""
    analysis = context.analysis
    spec = analysis.specs.get(node.id) if node.type in _TYPES else None
    if spec is not None and node.id not in analysis.incomplete:
        for port in spec.inputs:
            source = analysis.source(node.id, port.name) if port.holds else None
            values = None if source is None else _held(context, source)
            if source is None or values is None or np.iscomplexobj(values):
                continue  # complex values are complained about elsewhere
            why = next((w for rule in HOLDS[port.holds] if (w := rule(values))), None)
            if why:
                yield context.error(
                    node.id,
                    f"{node.name}: {source.name} at its input “{port.title}” {why}.",
                    "bad-contents",
                    port=port.name,
                )
        if node.type == "affine_set":
            yield from _solvable(context, node)


def _solvable(context: Context, node: Node) -> Iterator[Issue]:
    sources = [context.analysis.source(node.id, port) for port in ("A", "b")]
    matrix, right = (None if source is None else _held(context, source) for source in sources)
    if matrix is None or right is None or matrix.ndim != 2 or max(matrix.shape) > 1000:
        return
    if right.size not in (1, len(matrix)) or not (
        np.isfinite(matrix).all() and np.isfinite(right).all()
    ):
        return
    target = np.broadcast_to(right.reshape(-1), (len(matrix),)).astype(np.complex128)
    system = matrix.astype(np.complex128)
    nearest = np.linalg.lstsq(system, target, rcond=None)[0]
    off = float(np.abs(system @ nearest - target).max())
    if off > 1e-5 * (1.0 + float(np.abs(target).max())):
        yield context.error(
            node.id,
            f"{node.name}: no point meets all of its equations; the nearest misses one by "
            f"{off:.3g}. Leave out those that contradict each other.",
            "no-point",
            port="b",
        )


def _held(context: Context, source: Node) -> _Values | None:
    """The values of a node, where the graph itself holds them."""
    values = context.analysis.values[source.id]
    if source.type == "array":
        try:
            return np.array(numbers(str(values["values"])))
        except ValueError:
            return None
    if source.type == "load_array":
        return array_values(str(values["source"]), context.base)
    return None


def _shown(values: _Values) -> str:
    value = np.asarray(values).reshape(-1)[0].item()
    return number_text(value) if isinstance(value, int | float) else str(value)
