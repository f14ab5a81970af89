"""The script that the graph means, following every edit."""

from __future__ import annotations

import keyword
import re
from typing import Any

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QPlainTextEdit,
    QTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import icons, theme
from app.guard import guarded
from app.session import Session

__all__ = ["CodePane"]

_WORDS = (
    ("string", re.compile(r"\"\"\".*?\"\"\"|\"[^\"\n]*\"|'[^'\n]*'")),
    ("comment", re.compile(r"#[^\n]*")),
    ("number", re.compile(r"(?<![\w.])-?\d+(\.\d*)?([eE][-+]?\d+)?(?![\w])")),
    ("keyword", re.compile(rf"\b({'|'.join(keyword.kwlist)})\b")),
    ("call", re.compile(r"\b[A-Za-z_]\w*(?=\()")),
)


class _Highlighter(QSyntaxHighlighter):
    """Colours for Python, enough for scripts that this program writes."""

    @guarded()
    def highlightBlock(self, text: str) -> None:
        """Colour one line; strings and comments win over what they hold."""
        tokens = theme.current().syntax
        taken: list[tuple[int, int]] = []
        # A docstring that is wrapped over several lines.
        inside = self.previousBlockState() == 1
        quotes = text.count('"""')
        if inside or quotes == 1:
            self.setFormat(0, len(text), self._format(tokens["string"]))
            self.setCurrentBlockState(1 if inside != (quotes == 1) else 0)
            return
        self.setCurrentBlockState(0)
        for name, pattern in _WORDS:
            for match in pattern.finditer(text):
                start, end = match.span()
                if any(start < b and end > a for a, b in taken):
                    continue
                if name in ("string", "comment"):
                    taken.append((start, end))
                self.setFormat(start, end - start, self._format(tokens[name]))

    @staticmethod
    def _format(colour: str) -> QTextCharFormat:
        style = QTextCharFormat()
        style.setForeground(QColor(colour))
        return style


class _Gutter(QWidget):
    """The numbers of the lines."""

    def __init__(self, editor: CodeView) -> None:
        super().__init__(editor)
        self.editor = editor

    @guarded(QSize(0, 0))
    def sizeHint(self) -> QSize:
        return QSize(self.editor.gutter_width, 0)

    @guarded()
    def paintEvent(self, event: QPaintEvent) -> None:
        self.editor.paint_gutter(self, event.rect())


class CodeView(QPlainTextEdit):
    """Read-only text with line numbers; a click says where it was."""

    clicked = Signal(int, int)  # line from 1, column from 0
    pointed = Signal(int, int)  # the same under the pointer; line 0 when it left

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("code")
        self.setReadOnly(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setFont(theme.monospace_font())
        self.setAccessibleName("Script")
        self.gutter_width = 34
        self._gutter = _Gutter(self)
        self._highlighter = _Highlighter(self.document())
        self.setViewportMargins(self.gutter_width, 0, 0, 0)
        self.updateRequest.connect(self._on_update)
        theme.signals().changed.connect(self._on_theme)

    def _on_theme(self, _theme: Any) -> None:
        self._highlighter.rehighlight()
        self._gutter.update()

    def _on_update(self, rect: QRect, moved: int) -> None:
        if moved:
            self._gutter.scroll(0, moved)
        else:
            self._gutter.update(0, rect.y(), self._gutter.width(), rect.height())

    @guarded()
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        inner = self.contentsRect()
        self._gutter.setGeometry(inner.left(), inner.top(), self.gutter_width, inner.height())

    @guarded()
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        cursor = self.cursorForPosition(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and not self.textCursor().hasSelection():
            self.clicked.emit(cursor.blockNumber() + 1, cursor.positionInBlock())

    @guarded()
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        cursor = self.cursorForPosition(event.position().toPoint())
        self.pointed.emit(cursor.blockNumber() + 1, cursor.positionInBlock())

    @guarded()
    def leaveEvent(self, event: Any) -> None:
        super().leaveEvent(event)
        self.pointed.emit(0, 0)

    def paint_gutter(self, gutter: QWidget, rect: QRect) -> None:
        """Draw the line numbers that are in sight."""
        tokens = theme.current()
        painter = QPainter(gutter)
        painter.fillRect(rect, QColor(tokens.field))
        painter.setPen(QColor(tokens.border_strong if tokens.dark else tokens.muted))
        painter.setFont(theme.monospace_font(10))
        block = self.firstVisibleBlock()
        top = self.blockBoundingGeometry(block).translated(self.contentOffset()).top()
        while block.isValid() and top <= rect.bottom():
            height = self.blockBoundingRect(block).height()
            if top + height >= rect.top():
                where = QRect(0, int(top), self.gutter_width - 8, int(height))
                align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                painter.drawText(where, int(align), str(block.blockNumber() + 1))
            top += height
            block = block.next()
        painter.end()


class CodePane(QWidget):
    """The script; a node and its lines point at each other."""

    export_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.view = CodeView()
        self.view.setPlaceholderText("The Python script appears here as the graph grows.")
        self._copy = QToolButton()
        self._copy.setText("Copy")
        self._copy.setToolTip("Copy the whole script")
        self._copy.clicked.connect(self.copy)
        self._export = QToolButton()
        self._export.setText("Export…")
        self._export.setToolTip("Write the script to a file (Ctrl+E)")
        self._export.clicked.connect(self.export_wanted)
        for button in (self._copy, self._export):
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setAccessibleName(button.toolTip())
        # The dock shows them beside its tabs: a bar of their own would cost two lines of script.
        self.tools = QWidget(self)
        row = QHBoxLayout(self.tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self._copy)
        row.addWidget(self._export)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self.view.clicked.connect(self._on_clicked)
        self.view.pointed.connect(self._on_pointed)
        self._lit = ""
        session.hovered.connect(self._on_lit)
        session.derived.connect(self._on_derived)
        session.selection_changed.connect(self._mark)
        theme.signals().changed.connect(self._on_theme)
        self._on_theme(None)
        self._on_derived()

    @property
    def text(self) -> str:
        """The script as shown."""
        return self.view.toPlainText()

    def copy(self) -> None:
        """Put the script on the clipboard."""
        QApplication.clipboard().setText(self.session.script.text)
        self.session.said.emit("hint", "The script is on the clipboard.")

    def _on_theme(self, _theme: Any) -> None:
        self._copy.setIcon(icons.icon("content-copy"))
        self._export.setIcon(icons.icon("export-variant"))
        self._mark()

    def _on_derived(self) -> None:
        text = self.session.script.text
        if text != self.text:
            bar = self.view.verticalScrollBar()
            before = bar.value()
            self._replace(text)
            self.tools.setEnabled(bool(text))
            bar.setValue(before)
        self._mark()

    def _replace(self, text: str) -> None:
        """Write the lines that differ; the rest keeps its colours and its place."""
        old, new = self.text.split("\n"), text.split("\n")
        first = 0
        while first < min(len(old), len(new)) and old[first] == new[first]:
            first += 1
        last = 0
        while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
            last += 1
        if first == 0 or first == len(old):
            self.view.setPlainText(text)
            return
        document = self.view.document()
        cursor = QTextCursor(document.findBlockByNumber(first - 1))
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock)
        before_end = document.findBlockByNumber(len(old) - last - 1)
        cursor.setPosition(
            before_end.position() + before_end.length() - 1, QTextCursor.MoveMode.KeepAnchor
        )
        lines = new[first : len(new) - last]
        cursor.insertText("".join(f"\n{line}" for line in lines))

    def _on_clicked(self, line: int, column: int) -> None:
        node = self.session.script.node_at(line, column)
        if node is None:
            node = self.session.script.node_at(line)
        if node is not None:
            self.session.select([node])

    def _on_pointed(self, line: int, column: int) -> None:
        script = self.session.script
        node = (script.node_at(line, column) or script.node_at(line)) if line else None
        self.session.hover(node or "")

    def _on_lit(self, node: str) -> None:
        self._lit = node
        self._mark(reveal=False)

    def _mark(self, reveal: bool = True) -> None:
        """Show which lines the selected nodes wrote."""
        tokens = theme.current()
        levels, script = self.session.levels, self.session.script
        chosen = [levels.flat(node) for node in self.session.selection]
        marks: list[QTextEdit.ExtraSelection] = []
        line_colour, piece_colour = QColor(tokens.selection), QColor(tokens.accent)
        line_colour.setAlphaF(0.55)
        piece_colour.setAlphaF(0.35)
        whole = {s.node: (s.first_line, s.last_line) for s in script.statements}
        lines: set[int] = set()
        for node, (first, last) in whole.items():
            if levels.covers(chosen, node):
                lines.update(range(first, last + 1))
        for line in sorted(lines):
            marks.append(self._selection(line, 0, line, 0, line_colour, full=True))
        for span in script.spans:
            if span.node not in whole and levels.covers(chosen, span.node):
                marks.append(
                    self._selection(
                        span.line, span.column, span.end_line, span.end_column, piece_colour
                    )
                )
                lines.add(span.line)
        inside = [s for s in script.statements if levels.covers([self._lit], s.node)]
        around = script.statement_of(self._lit) if self._lit and not inside else None
        ground = QColor(tokens.hover)
        for statement in (*inside, *([around] if around is not None else [])):
            for line in range(statement.first_line, statement.last_line + 1):
                marks.insert(0, self._selection(line, 0, line, 0, ground, full=True))
        self.view.setExtraSelections(marks)
        if lines and reveal:
            self._reveal(min(lines))

    def _selection(
        self,
        line: int,
        column: int,
        end_line: int,
        end_column: int,
        colour: QColor,
        full: bool = False,
    ) -> QTextEdit.ExtraSelection:
        mark = QTextEdit.ExtraSelection()
        mark.format.setBackground(colour)
        document = self.view.document()
        cursor = QTextCursor(document.findBlockByNumber(line - 1))
        if full:
            mark.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
        else:
            start = document.findBlockByNumber(line - 1)
            end = document.findBlockByNumber(end_line - 1)
            cursor.setPosition(start.position() + min(column, max(0, start.length() - 1)))
            cursor.setPosition(
                end.position() + min(end_column, max(0, end.length() - 1)),
                QTextCursor.MoveMode.KeepAnchor,
            )
        mark.cursor = cursor
        return mark

    def _reveal(self, line: int) -> None:
        block = self.view.document().findBlockByNumber(line - 1)
        geometry = self.view.blockBoundingGeometry(block).translated(self.view.contentOffset())
        if not (geometry.top() >= 0 and geometry.bottom() <= self.view.viewport().height()):
            self.view.verticalScrollBar().setValue(max(0, line - 4))
