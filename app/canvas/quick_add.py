"""The list of node types that opens where one is wanted; what is used often comes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtWidgets import QWidget

from app import theme
from app.chooser import Chooser, Entry, matching
from app.search import rank
from nodes.catalogue import CATEGORIES
from nodes.spec import NodeSpec

__all__ = ["QuickAdd"]


class QuickAdd(Chooser):
    """A popup that offers node types.

    Args:
        specs: the types on offer.
        title: what choosing one does.
        parent: the window.
        used: how often each type has been added.
        others: what is offered besides, such as the groups of the document.
    """

    def __init__(
        self,
        specs: Sequence[NodeSpec],
        title: str,
        parent: QWidget,
        used: Mapping[str, int] | None = None,
        others: Sequence[Entry] = (),
    ) -> None:
        ground = theme.current().panel
        entries = []
        for spec in specs:
            category = CATEGORIES[spec.category]
            colour = theme.readable(category.colour, ground).name()
            entries.append(Entry(spec.type, spec.title, category.title, spec.icon, colour))
        super().__init__(entries, title, parent)
        self._others = list(others)
        self._specs = list(specs)
        self._used = dict(used or {})
        self._by_type = {entry.key: entry for entry in entries}

    def order(self, text: str) -> Sequence[Entry]:
        """The types that match a text, with those used often before their equals."""
        found = [self._by_type[spec.type] for spec in rank(text, self._specs, self._used)]
        others = list(matching(text, self._others))
        return [*others, *found] if text.strip() else [*found, *others]
