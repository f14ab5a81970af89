"""What is known about a wire: what flows through it, of which shape and kind of number."""

from __future__ import annotations

from html import escape

from app.canvas.ports import port_colour
from nodes.analysis import Analysis
from nodes.complexity import complex_nodes
from nodes.document import Document, Wire
from nodes.flatten import flatten, meant
from nodes.shapes import Shapes, shape_text
from nodes.types import output_type

__all__ = ["LEGEND", "LETTERS", "Facts"]

#: What stands for a kind of value where neither colour nor shape can be seen.
LETTERS = {
    "image": "I",
    "kernel": "K",
    "mask": "M",
    "array": "A",
    "matrix": "X",
    "expression": "E",
    "term": "T",
    "problem": "P",
    "solution": "S",
    "linear program": "L",
    "optimum": "O",
}
LEGEND = (
    ("image", "Pixels, known"),
    ("kernel", "A point spread function"),
    ("mask", "Ones where something was measured"),
    ("array", "Numbers of any shape"),
    ("matrix", "A matrix, mostly zeros"),
    ("expression", "An unknown, and operators on it"),
    ("term", "A penalty or a constraint"),
    ("problem", "All terms together"),
    ("solution", "What a solver found"),
    ("linear program", "Costs, rows and bounds"),
    ("optimum", "What a linear program's solver found"),
)


#: What has pixels that can be looked at.
PICTURED = ("image", "kernel", "mask", "solution")


class Facts:
    """Shapes of a document, worked out when first asked for after a change."""

    def __init__(self) -> None:
        self._of: tuple[int, int] | None = None
        self._analysis: Analysis | None = None
        self._shapes: Shapes | None = None
        self._complex: frozenset[str] = frozenset()

    def _look(self, document: Document) -> tuple[Analysis, Shapes]:
        state = (id(document), document.revision)
        if self._of != state or self._analysis is None or self._shapes is None:
            shown = meant(document)
            base = document.path.parent if document.path else None
            self._analysis = Analysis.of(shown)
            self._shapes = Shapes(self._analysis, base)
            self._complex = complex_nodes(self._analysis, base)
            self._of = state
        return self._analysis, self._shapes

    def shape(self, document: Document, node: str) -> str:
        """The shape of what a node gives, or an empty text."""
        found = self._look(document)[1].of.get(node)
        return shape_text(found) if found is not None else ""

    @staticmethod
    def _origin(document: Document, wire: Wire) -> str:
        """The node that computes what a wire carries; of several uses of a group, the first's."""
        flat = flatten(document)
        for (use, output), end in flat.sources.items():
            if output == wire.output and use.split("/")[-1] == wire.source:
                return end[0]
        return next(iter(flat.copies(wire.source)), wire.source)

    def wire(self, document: Document, wire: Wire, dtype: str = "") -> str:
        """A few lines of rich text about a wire; ``dtype`` is that of what was computed."""
        analysis, shapes = self._look(document)
        source, target = document.get(wire.source), document.get(wire.target)
        if source is None or target is None:
            return ""
        carried = (
            output_type(document, wire.source, wire.output)
            if document.groups
            else analysis.carried(wire)
        )
        kind = str(carried) if carried is not None else "unknown"
        colour = port_colour(kind).name()
        origin = self._origin(document, wire)
        found = shapes.of.get(origin)
        port = target.spec.input(wire.input) if target.spec else None
        look = "<br><small>Double-click, or click and press L, to look at it</small>"
        lines = [
            f"<span style='color:{colour}'>■</span> <b>{kind}</b> ({LETTERS.get(kind, '?')})",
            f"{escape(source.name)} → {escape(target.name)}"
            + (f" · {escape(port.title)}" if port is not None else ""),
        ]
        words = [shape_text(found)] if found is not None else []
        if dtype or found is not None:  # before anything has run, as far as the graph tells
            words.append(dtype or ("complex" if origin in self._complex else "real"))
        if words:
            lines.append(" · ".join(words))
        return "<br>".join(lines) + (look if kind in PICTURED else "")
