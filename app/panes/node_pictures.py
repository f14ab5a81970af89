"""The picture of any node: a kernel, what was observed, the truth, a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from app import theme
from app.canvas.card import holds_picture
from app.eliding import ElidingLabel
from app.panes.image_view import ImageView
from app.pictures import auto_levels, to_display
from app.results import Picture
from app.runner import Runner
from app.session import Session
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
else:
    np = late("numpy")

__all__ = ["PicturePane"]

_EMPTY = "Click a node that holds an image or a kernel, or choose one above."
_LEVELS = ("Fitting levels", "0 to 1", "Full range")


class PicturePane(QWidget):
    """Follows the selection; a selector lists every node that has a picture."""

    save_wanted = Signal(object)  # QImage
    values_wanted = Signal(object)  # array

    def __init__(self, session: Session, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.runner = session, runner
        self._node: str | None = None
        self.selector = QComboBox()
        self.selector.setToolTip("The node whose picture is shown; clicking a node chooses it too.")
        self.selector.setAccessibleName("Node shown")
        self.levels = QComboBox()
        self.levels.addItems(_LEVELS)
        self.levels.setToolTip("Which values are black and white.")
        self.levels.setAccessibleName("Levels")
        self.part = QComboBox()
        self.part.addItems(("Modulus", "Phase"))
        self.part.setToolTip("Which part of complex values is shown.")
        self.part.setAccessibleName("Part of complex values")
        self.part.hide()
        self.part.activated.connect(lambda _: self._show())
        self.selector.setMinimumContentsLength(8)
        self.selector.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.view = ImageView(_EMPTY)
        self.view.setAccessibleName("Picture of a node")
        self.view.setToolTip("Wheel zooms, dragging pans, double-click shows the whole picture.")
        self.caption, self.value = ElidingLabel(), ElidingLabel()
        for label in (self.caption, self.value):
            label.setProperty("muted", True)
            label.setFont(theme.ui_font(12))
        head = QHBoxLayout()
        head.setContentsMargins(8, 6, 8, 6)
        head.addWidget(self.selector, 1)
        head.addWidget(self.part)
        head.addWidget(self.levels)
        foot = QHBoxLayout()
        foot.setContentsMargins(8, 2, 8, 4)
        for label in (self.caption, self.value):
            foot.addWidget(label, 1)
        self.value.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.view, 1)
        layout.addLayout(foot)
        self.selector.activated.connect(self._on_chosen)
        self.levels.activated.connect(lambda _: self._show())
        self.view.pointed.connect(self._on_pointed)
        self.view.save_wanted.connect(lambda: self.save_wanted.emit(self.view.image))
        self.view.values_wanted.connect(self._on_values)
        session.replaced.connect(self._on_replaced)
        session.derived.connect(self._fill)
        session.selection_changed.connect(self._on_selection)
        runner.node_changed.connect(self._on_node)
        self._fill()

    @property
    def node(self) -> str | None:
        """The node whose picture is shown."""
        return self._node

    def choose(self, node: str) -> None:
        """Show a node's picture."""
        if node != self._node:
            self._node = node
            self._fill()
            self._show()

    def _on_replaced(self) -> None:
        self._node = None
        self._fill()
        self._show()

    def _on_selection(self) -> None:
        chosen = [self.session.document.get(i) for i in self.session.selection]
        for node in chosen:
            if node is not None and holds_picture(node):
                self.choose(self.session.levels.giving(node.id))
                return

    def _on_node(self, node: str) -> None:
        if self._node is None and node in self.runner.pictures:
            self._node = node
            self._fill()
        if node == self._node:
            self._show()

    def _fill(self) -> None:
        computed = self.session.levels.flat_graph.document
        nodes = [node for node in computed.nodes if holds_picture(node)]
        wanted = [(node.id, f"{node.name} — {node.title.lower()}") for node in nodes]
        have = [
            (self.selector.itemData(i), self.selector.itemText(i))
            for i in range(self.selector.count())
        ]
        if have != wanted:
            self.selector.clear()
            for identifier, text in wanted:
                self.selector.addItem(text, identifier)
        if self._node is not None and self._node not in computed:
            self._node = None
            self._show()
        self.selector.setCurrentIndex(self.selector.findData(self._node) if self._node else -1)
        self.selector.setEnabled(bool(wanted))

    def _on_chosen(self, index: int) -> None:
        node = self.selector.itemData(index)
        if node:
            self._node = node
            self._show()

    def _show(self) -> None:
        picture = self.runner.pictures.get(self._node or "")
        if picture is None:
            self.view.clear()
            self.view.set_empty(self._why_empty())
            self.caption.setText("")
            self.part.hide()
            return
        low, high = self._range(picture)
        shown, phase = picture.data, picture.phase
        self.part.setVisible(phase is not None)
        if phase is not None and self.part.currentIndex() == 1:
            shown, low, high = phase, -np.pi, np.pi
        self.view.show_levels(
            to_display(shown, low, high), lambda: picture.data, smooth_now=True, phase=phase
        )
        self.caption.setText(picture.words)

    def _range(self, picture: Picture) -> tuple[float, float]:
        match self.levels.currentIndex():
            case 1:
                return 0.0, 1.0
            case 2:
                return picture.low, picture.high
        return auto_levels(picture.data)

    def _why_empty(self) -> str:
        computed = self.session.levels.flat_graph.document
        node = computed.get(self._node) if self._node else None
        if node is None:
            return _EMPTY
        if any(issue.node == node.id for issue in self.session.errors()):
            return f"{node.name} has no picture yet: see its issue."
        if node.spec is not None and node.spec.category in ("solvers", "views"):
            return f"{node.name} has no picture yet: press Run (F5)."
        return f"The picture of {node.name} is on its way."

    def _on_values(self) -> None:
        picture = self.runner.pictures.get(self._node or "")
        if picture is not None:
            self.values_wanted.emit(picture.values)

    def _on_pointed(self, text: str) -> None:
        self.value.setText(text)
        self.value.setVisible(bool(text))
        self.caption.setVisible(not text)

    def refresh(self, _: Any = None) -> None:
        """Paint again, after the theme has changed."""
        self.view.update()
