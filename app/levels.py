"""Where in the graph one is: in the graph itself, or inside a use of a group.

A node as drawn has its id in the document; what is computed is called by the uses that lead to it
(``nodes.flatten``). This is the one place that translates between the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from nodes.document import Document, Node
from nodes.flatten import Flat, flatten
from nodes.groups import GROUP

if TYPE_CHECKING:
    from app.session import Session

__all__ = ["Levels", "touched"]


class Levels(QObject):
    """The place of the graph that is shown.

    Signals:
        changed: another place is shown.

    Attributes:
        inside: the uses of groups that were opened, from the outermost on.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.session = session
        self.inside: tuple[str, ...] = ()

    # --- where one is ---

    @property
    def _document(self) -> Document:
        return self.session.document

    @property
    def flat_graph(self) -> Flat:
        """The graph with its groups written out."""
        return flatten(self._document)

    @property
    def group(self) -> str:
        """The group whose definition is shown; "" is the graph itself."""
        return self._group_of(self.inside[-1]) if self.inside else ""

    @property
    def nodes(self) -> list[Node]:
        """The nodes that are shown, in order."""
        return self._document.members(self.group)

    @property
    def drawn(self) -> Document:
        """What is shown, as a graph of its own to look at."""
        if not self._document.groups:
            return self._document
        group = self.group
        found: Document = self._document.derived(("drawn", group), lambda: self._draw(group))
        return found

    def _draw(self, group: str) -> Document:
        nodes = self._document.members(group)
        known = {node.id for node in nodes}
        wires = [w for w in self._document.wires if w.source in known and w.target in known]
        return Document(nodes, wires, path=self._document.path)

    def _group_of(self, use: str) -> str:
        node = self._document.get(use)
        return str(node.parameters.get("of", "")) if node is not None else ""

    # --- going about ---

    def enter(self, use: str) -> bool:
        """Open a use of a group that is shown."""
        node = self._document.get(use)
        if node is None or node.type != GROUP or node.spec is None or node.group != self.group:
            return False
        self.go((*self.inside, use))
        return True

    def leave(self) -> None:
        """Go back to where the group is used."""
        if self.inside:
            use = self.inside[-1]
            self.go(self.inside[:-1])
            self.session.select([use])

    def go(self, inside: Iterable[str]) -> None:
        """Show the inside of a use, given by all uses that lead to it."""
        wanted = tuple(inside)
        if wanted != self.inside:
            self.inside = wanted
            self.session.select([])
            self.changed.emit()

    def reset(self) -> None:
        """Another document: begin at its graph, without telling."""
        self.inside = ()

    def way_to(self, group: str) -> tuple[str, ...]:
        """The uses that lead to a definition; the ones that are open now, where they do."""
        if group == self.group:
            return self.inside
        way: list[str] = []
        while group:
            uses = self._document.uses(group)
            if not uses or len(way) > len(self._document.groups):
                break
            way.insert(0, uses[0].id)
            group = uses[0].group
        return tuple(way)

    def settle(self) -> None:
        """Leave what is no longer there."""
        good: list[str] = []
        group = ""
        for use in self.inside:
            node = self._document.get(use)
            if node is None or node.type != GROUP or node.spec is None or node.group != group:
                break
            good.append(use)
            group = self._group_of(use)
        self.go(good)

    def follow(self, groups: set[str]) -> None:
        """Show one of the places where something was just undone, unless one is shown."""
        known = {g for g in groups if not g or self._document.group(g) is not None}
        if known and self.group not in known:
            self.go(self.way_to(min(known, key=lambda group: len(self.way_to(group)))))

    # --- names of what is computed ---

    def flat(self, node: str) -> str:
        """What a node that is shown is called where it is computed."""
        return "/".join((*self.inside, node))

    def giving(self, node: str) -> str:
        """What computes the value of a node that is shown: of a group, its first output."""
        flat, found = self.flat(node), self._document.get(node)
        if found is None or found.type != GROUP or found.spec is None:
            return flat
        ends = [self.flat_graph.sources.get((flat, port.name)) for port in found.spec.outputs]
        return next((end[0] for end in ends if end is not None), flat)

    def shown(self, flat: str) -> str:
        """The node on the screen that something computed belongs to; "" if it is elsewhere."""
        if not self._document.groups:
            return flat
        path = self.flat_graph.home.get(flat) or tuple(flat.split("/"))
        depth = len(self.inside)
        return path[depth] if path[:depth] == self.inside and len(path) > depth else ""

    def lead(self, node: str) -> str:
        """Go to where a node can be seen, whatever it is called by; gives its id as drawn."""
        document = self._document
        known = document.get(node)
        if known is not None:
            if known.group != self.group:
                self.go(self.way_to(known.group))
            return node
        path = self.flat_graph.home.get(node) or tuple(node.split("/"))
        if path[-1] not in document:
            return node
        common = 0
        while common < min(len(self.inside), len(path) - 1):
            if self.inside[common] != path[common]:
                break
            common += 1
        self.go(path[:common])
        return path[common]

    @staticmethod
    def covers(places: Iterable[str], flat: str) -> bool:
        """Whether something computed is, or lies inside, one of some places."""
        return any(flat == place or flat.startswith(f"{place}/") for place in places if place)


def touched(document: Document, event: Any) -> str | None:
    """The group in whose definition an event took place; None where it has no place."""
    node = getattr(event, "node", None)
    if node is not None:
        return str(node.group)
    wire = getattr(event, "wire", None)
    source = document.get(wire.source) if wire is not None else None
    return source.group if source is not None else None
