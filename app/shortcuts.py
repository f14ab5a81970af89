"""The table in which shortcuts are seen and changed."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.command_table import COMMANDS
from app.settings import Settings

__all__ = ["ShortcutDialog", "apply_keys"]

_MOUSE = (
    "On the canvas: drag from port to port to wire; drop a wire on empty canvas to add what fits; "
    "drop a node on a wire to insert it. Drag over empty canvas to select. The wheel zooms, the "
    "middle button or Alt and drag pans, Alt+Shift and drag cuts wires."
)


def apply_keys(actions: Mapping[str, QAction], settings: Settings) -> None:
    """Give every action its keys: a person's own, else those of the table."""
    own = settings.keys
    for command in COMMANDS:
        keys = own.get(command.id, list(command.keys))
        action = actions[command.id]
        action.setShortcuts([QKeySequence(key) for key in keys])
        shown = f" ({keys[0]})" if keys else ""
        action.setToolTip(f"{command.tip}{shown}")


class ShortcutDialog(QDialog):
    """Every command with its keys; a conflict is said, not made."""

    def __init__(self, actions: Mapping[str, QAction], settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard shortcuts")
        self.actions_by_id, self.settings = actions, settings
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search commands")
        self.search.setAccessibleName("Search commands")
        self.search.setToolTip("Part of a command's name, or a key")
        self.table = QTableWidget(0, 2)
        self.table.setHorizontalHeaderLabels(["Command", "Keys"])
        self.table.setAccessibleName("Shortcuts")
        self.table.verticalHeader().hide()
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.keys = QKeySequenceEdit()
        self.keys.setAccessibleName("New keys")
        self.keys.setToolTip("Press the new keys")
        self.assign, self.restore = QPushButton("Assign"), QPushButton("Restore all")
        self.assign.setToolTip("Give these keys to the chosen command")
        self.restore.setToolTip("The keys that the studio came with")
        self.said = QLabel(_MOUSE)
        self.said.setWordWrap(True)
        self.said.setProperty("muted", True)
        row = QHBoxLayout()
        row.addWidget(self.keys, 1)
        row.addWidget(self.assign)
        row.addWidget(self.restore)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.setSpacing(8)
        for widget in (self.search, self.table):
            layout.addWidget(widget)
        layout.addLayout(row)
        layout.addWidget(self.said)
        layout.addWidget(buttons)
        self.search.textChanged.connect(self._filter)
        self.assign.clicked.connect(self._on_assign)
        self.restore.clicked.connect(self._on_restore)
        self._fill()
        self.resize(600, 640)

    def _keys(self, identifier: str) -> list[str]:
        return [s.toString() for s in self.actions_by_id[identifier].shortcuts()]

    def _fill(self) -> None:
        self.table.setRowCount(len(COMMANDS))
        for row, command in enumerate(COMMANDS):
            name = QTableWidgetItem(command.text.rstrip("…"))
            name.setData(Qt.ItemDataRole.UserRole, command.id)
            name.setToolTip(command.tip)
            self.table.setItem(row, 0, name)
            self.table.setItem(row, 1, QTableWidgetItem(" or ".join(self._keys(command.id))))
        self.table.setColumnWidth(0, 300)
        self._filter(self.search.text())

    def _filter(self, text: str) -> None:
        for row, command in enumerate(COMMANDS):
            words = f"{command.text} {command.tip} {' '.join(self._keys(command.id))}".lower()
            self.table.setRowHidden(row, text.strip().lower() not in words)

    def _on_assign(self) -> None:
        row = self.table.currentRow()
        if row < 0:
            self.said.setText("Choose a command in the table first.")
            return
        command, wanted = COMMANDS[row], self.keys.keySequence().toString()
        for other in COMMANDS:
            if wanted and other.id != command.id and wanted in self._keys(other.id):
                self.said.setText(
                    f"{wanted} already means “{other.text.rstrip('…')}”: give that one other keys "
                    "first."
                )
                return
        bare = len(wanted) == 1 or wanted in ("Space", "Tab", "Del", "Backspace")
        if bare and not command.canvas:
            self.said.setText(f"{wanted} alone would be taken from text fields: add Ctrl or Alt.")
            return
        self.settings.keys = {**self.settings.keys, command.id: [wanted] if wanted else []}
        self._done(f"{command.text.rstrip('…')}: {wanted or 'no keys'}.")

    def _on_restore(self) -> None:
        self.settings.keys = {}
        self._done("All keys are as the studio came with them.")

    def _done(self, sentence: str) -> None:
        apply_keys(self.actions_by_id, self.settings)
        self.keys.clear()
        self._fill()
        self.said.setText(sentence)
