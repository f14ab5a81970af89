"""What every check looks at: the document and the facts that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from nodes.analysis import Analysis
from nodes.complexity import complex_nodes
from nodes.document import Document
from nodes.issues import Fix, Issue
from nodes.shapes import Shapes

__all__ = ["Context", "Rule", "listing"]


class Context:
    """A document under check.

    Attributes:
        document: the graph.
        analysis: order, types, what is needed.
        base: the folder that relative input paths start from.
    """

    def __init__(self, document: Document, base: Path | None = None) -> None:
        self.document = document
        self.analysis = Analysis.of(document)
        self.base = base or (document.path.parent if document.path else None)

    @cached_property
    def shapes(self) -> Shapes:
        """The shapes of everything."""
        return Shapes(self.analysis, self.base)

    @cached_property
    def complex(self) -> frozenset[str]:
        """The nodes whose values are complex."""
        return complex_nodes(self.analysis, self.base)

    @cached_property
    def counted(self) -> set[str]:
        """The nodes whose faults stop a run: all of them while nothing is solved or shown."""
        if not self.analysis.sinks:
            return {node.id for node in self.document.nodes}
        return self.analysis.needed

    def error(
        self,
        node: str,
        sentence: str,
        code: str,
        port: str | None = None,
        parameter: str | None = None,
        fixes: tuple[Fix, ...] = (),
    ) -> Issue:
        """An error, or a warning where the node has no part in what is run."""
        severity = "error" if node in self.counted else "warning"
        return Issue(severity, node, sentence, code, port, parameter, fixes)


Rule: TypeAlias = Callable[[Context], Iterable[Issue]]


def listing(names: Iterable[str]) -> str:
    """Names as part of a sentence: "a", "a and b", "a, b and c"."""
    found = list(names)
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
