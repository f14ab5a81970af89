"""What every check looks at: the document and the facts that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from nodes.analysis import Analysis
from nodes.complexity import complex_nodes
from nodes.document import Document, Node
from nodes.issues import Fix, Issue
from nodes.shapes import ShapeFault, Shapes

__all__ = ["FAULT", "Context", "NodeRule", "Rule", "listing"]

#: The severity of a fault before it is known whether what is run depends on its node.
FAULT = "fault"


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
        self.analysis.look_at_files()
        self.base = base or (document.path.parent if document.path else None)

    @cached_property
    def shapes(self) -> Shapes:
        """The shapes of everything."""
        return Shapes(self.analysis, self.base)

    @cached_property
    def faults(self) -> Mapping[str, list[ShapeFault]]:
        """What is wrong with shapes, by node."""
        found: dict[str, list[ShapeFault]] = {}
        for fault in self.shapes.faults:
            found.setdefault(fault.node, []).append(fault)
        return found

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
        """An error, or a warning where the node has no part in what is run: ``weighed`` says."""
        return Issue(FAULT, node, sentence, code, port, parameter, fixes)

    def weighed(self, issue: Issue) -> Issue:
        """An issue with its severity, which may depend on what the rest of the graph does."""
        if issue.severity != FAULT:
            return issue
        return replace(issue, severity="error" if issue.node in self.counted else "warning")


Rule: TypeAlias = Callable[[Context], Iterable[Issue]]


class NodeRule:
    """A rule that looks at nodes one by one, at each together with what it depends on."""

    def __init__(self, of: Callable[[Context, Node], Iterable[Issue]]) -> None:
        self.of = of
        self.__name__, self.__doc__ = of.__name__, of.__doc__

    def __call__(self, context: Context) -> Iterator[Issue]:
        for node in context.document.nodes:
            yield from self.of(context, node)


def listing(names: Iterable[str]) -> str:
    """Names as part of a sentence: "a", "a and b", "a, b and c"."""
    found = list(names)
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
