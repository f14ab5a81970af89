"""The page one begins with: a gallery of problems that run, recent files, an empty graph."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QFile, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

import resources
from app import icons, theme
from app.canvas.nodegraphqt import wire_path
from app.guard import guarded
from app.templates import templates
from nodes import files
from nodes.catalogue import CATEGORIES
from nodes.document import Document
from nodes.errors import NodesError

if TYPE_CHECKING:
    from app.main_window import MainWindow

__all__ = ["Card", "Welcome", "thumbnail"]

_LOG = logging.getLogger(__name__)
_EXAMPLE = "example:"
_WIDE, _HIGH = 248, 104
_LONGEST = 22  # letters of a recent file's name
_NODE = (160.0, 80.0)


def thumbnail(document: Document, size: QSize, ratio: float = 1.0) -> QPixmap:
    """The photograph of a document, if it has one that ships, and its graph drawn small."""
    picture = QPixmap(size * ratio)
    picture.setDevicePixelRatio(ratio)
    tokens = theme.current()
    picture.fill(QColor(tokens.canvas))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    room = QRectF(0, 0, size.width(), size.height())
    photo = _photo(document)
    if photo is not None:
        frame = QRectF(0, 0, room.width() * 0.4, room.height())
        scale = max(frame.width() / photo.width(), frame.height() / photo.height())
        part = QRectF(0, 0, frame.width() / scale, frame.height() / scale)
        part.moveCenter(QPointF(photo.rect().center()))
        painter.drawPixmap(frame, photo, part)
        room.setLeft(frame.right())
    _draw_graph(painter, document, room.adjusted(10, 10, -10, -10))
    painter.end()
    return picture


def _photo(document: Document) -> QPixmap | None:
    for node in document.nodes:
        source = node.values.get("source")
        if isinstance(source, str) and source.startswith("sample:"):
            path = resources.path(f"images/{source.removeprefix('sample:')}.png")
            if path.exists():
                return QPixmap(str(path))
    return None


def _draw_graph(painter: QPainter, document: Document, room: QRectF) -> None:
    nodes = document.members("")
    boxes = {node.id: QRectF(*node.position, *_NODE) for node in nodes}
    whole = QRectF()
    for box in boxes.values():
        whole = whole.united(box)
    if whole.isEmpty():
        return
    tokens = theme.current()
    scale = min(room.width() / whole.width(), room.height() / whole.height())
    painter.save()
    painter.translate(room.center())
    painter.scale(scale, scale)
    painter.translate(-whole.center())
    pen = QPen(QColor(tokens.muted), 1.0)
    pen.setCosmetic(True)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for wire in document.wires:
        if wire.source in boxes and wire.target in boxes:
            start, end = boxes[wire.source], boxes[wire.target]
            painter.drawPath(
                wire_path(
                    QPointF(start.right(), start.center().y()),
                    QPointF(end.left(), end.center().y()),
                )
            )
    painter.setPen(Qt.PenStyle.NoPen)
    for node in nodes:
        category = CATEGORIES.get(node.spec.category) if node.spec else None
        colour = category.colour if category else "#999999"
        path = QPainterPath()
        path.addRoundedRect(boxes[node.id], 14, 14)
        painter.fillPath(path, theme.readable(colour, tokens.canvas, 3.0))
    painter.restore()


class Card(QFrame):
    """One document of the gallery; a click or Enter opens it."""

    chosen = Signal()

    def __init__(
        self, source: str, title: str, note: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.source = source
        self.setObjectName("card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedWidth(_WIDE + 2)
        title = title or "Untitled"
        kind = "example" if source.startswith(_EXAMPLE) else "template"
        self.setAccessibleName(f"Open the {kind} {title}")
        self.setToolTip(note or title)
        self.document: Document | None = None
        self.picture = QLabel()
        self.picture.setFixedSize(_WIDE, _HIGH)
        name = QLabel(title)
        name.setFont(theme.ui_font(13, bold=True))
        name.setWordWrap(True)
        words = QLabel(note.split(". ")[0].split(": ")[0].rstrip(".") + ".")
        words.setWordWrap(True)
        words.setFont(theme.ui_font(12))
        words.setProperty("muted", True)
        words.setAlignment(Qt.AlignmentFlag.AlignTop)
        if not note:
            words.hide()
        text = QVBoxLayout()
        text.setContentsMargins(10, 6, 10, 8)
        text.setSpacing(2)
        text.addWidget(name)
        text.addWidget(words)
        text.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addWidget(self.picture)
        layout.addLayout(text, 1)

    def draw(self) -> None:
        """Draw the thumbnail in the theme's colours."""
        if self.document is None:
            self.document = files.load(self.source)
        ratio = self.devicePixelRatioF()
        self.picture.setPixmap(thumbnail(self.document, QSize(_WIDE, _HIGH), ratio))

    @guarded()
    def mouseReleaseEvent(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit()

    @guarded()
    def keyPressEvent(self, event: Any) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit()
        else:
            super().keyPressEvent(event)


class Welcome(QScrollArea):
    """Stands in the place of the canvas until something is opened."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window_ = window
        self.cards: list[Card] = []
        self.kept: list[Card] = []  # templates
        self._grids: list[tuple[QGridLayout, list[Card]]] = []
        self.recent: list[QPushButton] = []
        self.setWidgetResizable(True)
        self.setAccessibleName("Welcome")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.hide()
        # The pictures follow the first paint, one at a time.
        self._blank: list[Card] = []
        self._drawing = QTimer(self)
        self._drawing.timeout.connect(self._draw_next)
        theme.signals().changed.connect(self._on_theme)

    def _on_theme(self, _theme: Any) -> None:
        for card in (*self.kept, *self.cards):
            if card not in self._blank:
                card.draw()

    def _draw_next(self) -> None:
        if not self._blank:
            self._drawing.stop()
            return
        card = self._blank.pop(0)
        try:
            card.draw()
        except NodesError:
            _LOG.warning("%s cannot be read", card.source, exc_info=True)

    def open(self) -> None:
        """Fill the page and show it."""
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(28, 22, 28, 22)
        column.setSpacing(12)
        heading = QLabel("∇-Prox Studio")
        heading.setFont(theme.ui_font(24, bold=True))
        column.addWidget(heading)
        column.addWidget(self._words("Draw an optimization problem, watch it being solved, take "
                                     "it away as a script."))  # fmt: skip
        column.addLayout(self._starts())
        self._add_recent(column)
        self.cards = [card for name in files.examples() if (card := self._card(name)) is not None]
        self.kept = [self._template(path) for path in templates(self.window_.settings)]
        self._grids = []
        for caption, cards in (
            ("Your templates", self.kept),
            ("Problems that are ready to run", self.cards),
        ):
            if cards:
                column.addWidget(self._caption(caption))
                grid = QGridLayout()
                grid.setSpacing(14)
                column.addLayout(grid)
                self._grids.append((grid, cards))
        self._blank = [*self.kept, *self.cards]
        self._drawing.start()
        column.addStretch(1)
        self.setWidget(inside)
        self._columns = 0
        self._place()
        self.window_.show_welcome(True)

    @staticmethod
    def _words(text: str) -> QLabel:
        label = QLabel(text)
        label.setProperty("muted", True)
        label.setWordWrap(True)
        return label

    @staticmethod
    def _caption(text: str) -> QLabel:
        label = QLabel(text)
        label.setFont(theme.ui_font(14, bold=True))
        return label

    def _starts(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        commands = self.window_.commands
        for text, icon, tip, call in (
            ("Empty graph", "file-outline", "Begin with nothing", self.leave),
            ("Open…", "folder-open-outline", "Open a document", commands.file_open),
            ("Take the tour", "map-marker-path", "Build a problem in five steps",
             commands.help_tour),
        ):  # fmt: skip
            button = QPushButton(icons.icon(icon), text)
            button.setToolTip(tip)
            button.setAccessibleName(text)
            button.clicked.connect(lambda _=False, c=call: c())
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _add_recent(self, column: QVBoxLayout) -> None:
        self.recent = []
        paths = self.window_.settings.recent[:5]
        if not paths:
            return
        column.addWidget(self._caption("Go on with"))
        row = QGridLayout()
        row.setSpacing(8)
        for index, path in enumerate(paths):
            short = path.stem if len(path.stem) <= _LONGEST else f"{path.stem[: _LONGEST - 1]}…"
            button = QPushButton(icons.icon("history"), short)
            button.setToolTip(str(path))
            button.setAccessibleName(f"Open {path.name}")
            button.clicked.connect(partial(self._open, path))
            row.addWidget(button, index // 3, index % 3)
            self.recent.append(button)
        row.setColumnStretch(3, 1)
        column.addLayout(row)

    def _open(self, path: Any, _checked: bool = False) -> None:
        self.window_.commands.open_path(path)

    def _template(self, path: Path) -> Card:
        card = Card(str(path), path.stem)
        card.setToolTip("A right click takes this template away.")
        card.chosen.connect(lambda: self.window_.commands.open_path(path, copy=True))
        card.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        action = QAction(f"Move {path.stem} to the trash", card)
        action.triggered.connect(lambda: self._drop(path))
        card.addAction(action)
        return card

    def _drop(self, path: Path) -> None:
        if not QFile.moveToTrash(str(path)):
            self.window_.show_problem(f"The template {path.stem} could not be moved to the trash.")
        QTimer.singleShot(0, self, self.open)  # not under the hands of the card that asked

    def _card(self, name: str) -> Card | None:
        try:
            card = Card(f"{_EXAMPLE}{name}", *files.headline(name))
        except NodesError:
            _LOG.warning("The example %s cannot be read", name, exc_info=True)
            return None
        card.chosen.connect(partial(self._open, card.source))
        return card

    def _place(self) -> None:
        columns = max(1, (self.viewport().width() - 56 + 14) // (_WIDE + 16))
        if not self.cards or columns == self._columns:
            return
        self._columns = columns
        for grid, cards in self._grids:
            for index, card in enumerate(cards):
                grid.addWidget(card, index // columns, index % columns)
            grid.setColumnStretch(columns, 1)

    _columns = 0

    @guarded()
    def resizeEvent(self, event: Any) -> None:
        """As many cards in a row as there is room for."""
        super().resizeEvent(event)
        self._place()

    @guarded()
    def keyPressEvent(self, event: Any) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)

    def leave(self) -> None:
        """Give the place back to the canvas."""
        if not self.isHidden():
            self.window_.show_welcome(False)
            self.window_.canvas.viewer.setFocus()
