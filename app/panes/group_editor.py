"""What a group is: its title, its ports and how often it is used."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.session import Session
from nodes.commands import Detach, Rename, RenameGroup
from nodes.document import Node
from nodes.groups import DYNAMIC, GROUP
from nodes.spec import Port

__all__ = ["GroupEditor", "is_part_of_groups"]


def is_part_of_groups(node: Node) -> bool:
    """Whether a node stands for a group or for one of its ports."""
    return node.type in DYNAMIC and node.spec is not None


class GroupEditor(QWidget):
    """The definition behind one use; what is changed here changes every use.

    Signals:
        open_wanted(str): the group of this use is to be opened.
    """

    open_wanted = Signal(str)

    def __init__(self, session: Session, node: Node, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.node = session, node
        self.title: QLineEdit | None = None
        self.ports: dict[str, QLineEdit] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        spec = node.spec
        if node.type != GROUP or spec is None:
            words = "A port of the group: its name is the port's name; higher ports come first."
            column.addWidget(self._words(words))
            return
        group = session.document.group(str(node.parameters["of"]))
        assert group is not None
        column.addWidget(self._words("Title of the group"))
        self.title = QLineEdit(group.title)
        self.title.setAccessibleName("Title of the group")
        self.title.setToolTip("Shown on every use of the group, and above its lines in the script")
        self.title.editingFinished.connect(
            lambda line=self.title: session.do(RenameGroup(group.id, line.text()))
        )
        column.addWidget(self.title)
        for caption, ports in (("Inputs", spec.inputs), ("Outputs", spec.outputs)):
            if ports:
                column.addWidget(self._words(caption))
            for port in ports:
                column.addLayout(self._port(port))
        uses = len(session.document.uses(group.id))
        times = "once" if uses == 1 else f"{uses} times"
        column.addWidget(self._words(f"Used {times}. A change inside changes every use."))
        self.detach = QPushButton("Make independent")
        self.detach.setToolTip("A definition of its own, so that changes inside stay here")
        self.detach.clicked.connect(self._detach)
        self.detach.setVisible(uses > 1)
        self.open = QPushButton("Open the group")
        self.open.setToolTip("Show what the group holds (Enter)")
        self.open.clicked.connect(lambda: self.open_wanted.emit(node.id))
        row = QHBoxLayout()
        row.addWidget(self.open)
        row.addWidget(self.detach)
        column.addLayout(row)
        if not spec.parameters:
            pin = "The pin beside a parameter inside puts it here, for each use to have its own."
            column.addWidget(self._words(pin))

    def _detach(self) -> None:
        if self.session.do(Detach(self.node.id)):
            # Later, because the selection renews the pane that this button is in.
            again = partial(self.session.select, [self.node.id])
            QTimer.singleShot(0, self.session, partial(self.session.select, []))
            QTimer.singleShot(0, self.session, again)

    def _port(self, port: Port) -> QHBoxLayout:
        row = QHBoxLayout()
        field = QLineEdit(port.title)
        field.setAccessibleName(f"Name of the port {port.title}")
        field.setToolTip("Renames the port; its wires stay")
        field.editingFinished.connect(partial(self._rename, port.name, field))
        kind = QLabel(str(port.type))
        kind.setProperty("muted", True)
        row.addWidget(field, 1)
        row.addWidget(kind)
        self.ports[port.title] = field
        return row

    def _rename(self, port: str, field: QLineEdit) -> None:
        node = self.session.document.get(port)
        if node is None or node.name == field.text().strip():
            return
        if not self.session.do(Rename(port, field.text().strip())):
            field.setText(node.name)

    @staticmethod
    def _words(text: str) -> QLabel:
        label = QLabel(text)
        label.setWordWrap(True)
        label.setProperty("muted", True)
        return label
