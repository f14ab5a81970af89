"""The selected node: its name, its parameters, what is known about it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app import icons, theme
from app.nodehelp import help_page
from app.panes.editors import ParameterEditor, PathEditor, make_editor
from app.panes.group_editor import GroupEditor, is_part_of_groups
from app.panes.pieces import Note, caption, rule, sentence, words
from app.panes.pin import pin
from app.panes.preview import Preview
from app.panes.prior_trial import PriorTrial, is_prior
from app.runner import Runner
from app.session import Session
from nodes import document as events
from nodes.catalogue import CATEGORIES
from nodes.commands import Rename, SetNote, SetOnAll, SetParameter, SetTitle
from nodes.document import Node
from nodes.errors import DocumentError
from nodes.names import name_problem
from nodes.parameter import Parameter

__all__ = ["Inspector"]


class Inspector(QScrollArea):
    """Shows one node, or the document while none is selected.

    Args:
        session: the open document.
        runner: whose worker tries priors; None shows no trial.

    Signals:
        example_wanted(str): the help's link to an example was followed.
    """

    example_wanted = Signal(str)

    def __init__(
        self, session: Session, runner: Runner | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.session, self.runner = session, runner
        self.trial: PriorTrial | None = None
        self.preview: Preview | None = None
        self.editors: dict[str, ParameterEditor] = {}
        self.name: QLineEdit | None = None
        self._name_problem: QLabel | None = None
        self._node: Node | None = None
        self.group: GroupEditor | None = None
        self._pinned = False  # whether its parameters can be put on uses of a group
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Inspector")
        session.selection_changed.connect(self.rebuild)
        session.replaced.connect(self.rebuild)
        session.changed.connect(self._on_event)
        theme.signals().changed.connect(self._on_theme)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(0)
        self._late.timeout.connect(self._renew)
        self.rebuild()

    def _renew(self) -> None:
        """The group or several nodes changed; a field that is typed in is left alone."""
        inside = self.widget()
        if self._node is None:
            nodes = [self.session.document.node(i) for i in self.session.selection]
            for editor in self.editors.values() if nodes else ():  # they may just have gone
                self._show_all(editor, nodes)
            return
        typing = inside is not None and inside.isAncestorOf(QApplication.focusWidget() or self)
        if (self.group is not None or self._pinned) and not typing:
            self.rebuild()

    def _on_theme(self, _theme: Any) -> None:
        self.rebuild()

    @property
    def node(self) -> Node | None:
        """The node that is shown."""
        return self._node

    # --- building ---

    def rebuild(self) -> None:
        """Show what is selected, from scratch."""
        self.editors = {}
        self.preview = None
        self._pinned = False
        self.name = self._name_problem = self.trial = self.group = None
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(8)
        chosen = [self.session.document.get(i) for i in self.session.selection]
        nodes = [node for node in chosen if node is not None]
        self._node = nodes[0] if len(nodes) == 1 else None
        if self._node is not None:
            self._build_node(column, self._node)
        elif nodes:
            self._build_several(column, nodes)
        else:
            self._build_document(column)
        column.addStretch(1)
        self.setWidget(inside)  # deletes the widget before

    def _build_node(self, column: QVBoxLayout, node: Node) -> None:
        column.addLayout(self._heading(node))
        self.name = QLineEdit(node.name)
        self.name.setFont(theme.monospace_font())
        self.name.setToolTip("The node's name in the script")
        self.name.setAccessibleName("Name in the script")
        self.name.textEdited.connect(self._on_name_typed)
        self.name.editingFinished.connect(self._on_renamed)
        self._name_problem = sentence()
        column.addWidget(caption("Name in the script"))
        column.addWidget(self.name)
        column.addWidget(self._name_problem)
        spec = node.spec
        if spec is None:
            column.addWidget(
                words(
                    f"This version does not know the type “{node.type}”. The node is kept as it "
                    "is, and saved with the document; it cannot run."
                )
            )
            return
        if is_part_of_groups(node):
            self.group = GroupEditor(self.session, node)
            self.group.open_wanted.connect(self.session.levels.enter)
            if spec.parameters:
                column.addWidget(caption("Values of this use; reset follows the definition"))
                self._build_parameters(column, node)
            column.addWidget(self.group)
            column.addWidget(caption("Note"))
            column.addWidget(self._note(node.note, node.id))
            return
        self._build_parameters(column, node)
        if not spec.parameters:
            column.addWidget(words("This node has no parameters: wire its inputs."))
        picture = spec.outputs and str(spec.outputs[0].type) in ("kernel", "mask", "image")
        if self.runner is not None and picture and spec.category == "data":
            self.preview = Preview(self.runner, self.session.levels.giving(node.id))
            column.addWidget(self.preview)
        if self.runner is not None and is_prior(node):
            self.trial = PriorTrial(self.runner, node, self.session.base)
            column.addWidget(self.trial)
        column.addWidget(rule())
        if spec.formula:
            formula = QLabel(f"<span style='font-size:15px'>{spec.formula}</span>")
            formula.setTextFormat(Qt.TextFormat.RichText)
            formula.setWordWrap(True)
            column.addWidget(formula)
        column.addWidget(self._help(node))
        column.addWidget(caption("Note"))
        column.addWidget(self._note(node.note, node.id))

    def _build_parameters(self, column: QVBoxLayout, node: Node) -> None:
        for parameter in node.spec.parameters if node.spec is not None else ():
            editor = make_editor(parameter)
            if isinstance(editor, PathEditor):
                editor.base = self.session.base if self.session.path else None
            editor.set_value(node.value(parameter.name))
            editor.edited.connect(
                lambda value, token, name=parameter.name: self._on_edited(name, value, token)
            )
            editor.settled.connect(self.session.history.end_merge)
            self.editors[parameter.name] = editor
            self._pinned |= pin(self.session, node, editor) is not None
            column.addWidget(editor)

    def _heading(self, node: Node) -> QHBoxLayout:
        spec = node.spec
        category = CATEGORIES.get(spec.category) if spec else None
        row = QHBoxLayout()
        row.setSpacing(8)
        colour = theme.readable(category.colour if category else "#999999", theme.current().panel)
        mark = QLabel()
        mark.setPixmap(icons.pixmap(spec.icon if spec else "help", 22, colour.name()))
        row.addWidget(mark)
        title = QLabel(node.title)
        title.setFont(theme.ui_font(theme.TITLE + 1, bold=True))
        row.addWidget(title)
        row.addStretch(1)
        if category is not None:
            kind = QLabel(category.title)
            kind.setProperty("muted", True)
            row.addWidget(kind)
        return row

    def _build_several(self, column: QVBoxLayout, nodes: list[Node]) -> None:
        heading = QLabel(f"{len(nodes)} nodes selected")
        heading.setFont(theme.ui_font(theme.TITLE + 1, bold=True))
        column.addWidget(heading)
        names = ", ".join(node.name for node in nodes[:12]) + (" …" if len(nodes) > 12 else "")
        column.addWidget(words(names))
        shared = self._shared(nodes)
        ids = tuple(node.id for node in nodes)
        for parameter in shared:
            editor = make_editor(parameter)
            self._show_all(editor, nodes)
            editor.edited.connect(
                lambda value, token, name=parameter.name: self.session.do(
                    SetOnAll(ids, name, value, merge=token)
                )
            )
            editor.settled.connect(self.session.history.end_merge)
            self.editors[parameter.name] = editor
            column.addWidget(editor)
        told = "A change is made on all of them. " if shared else "They share no parameter. "
        column.addWidget(words(told + "Ctrl+D duplicates, Delete removes them."))

    @staticmethod
    def _show_all(editor: ParameterEditor, nodes: list[Node]) -> None:
        """The value of the first of several nodes, and in words where the others differ."""
        parameter = editor.parameter
        values = [node.value(parameter.name) for node in nodes]
        editor.set_value(values[0])
        if any(value != values[0] for value in values):
            editor.say_differs([parameter.show(value) for value in values])

    @staticmethod
    def _shared(nodes: list[Node]) -> list[Parameter]:
        """The parameters that all nodes have, with the same meaning."""
        specs = [node.spec for node in nodes]
        if any(spec is None for spec in specs):
            return []
        known = [spec for spec in specs if spec is not None]
        return [
            parameter
            for parameter in known[0].parameters
            if all(
                other is not None
                and (other.kind, other.unit, other.choices, other.odd)
                == (parameter.kind, parameter.unit, parameter.choices, parameter.odd)
                for other in (spec.parameter(parameter.name) for spec in known[1:])
            )
        ]

    def _build_document(self, column: QVBoxLayout) -> None:
        document = self.session.document
        heading = QLabel("Document")
        heading.setFont(theme.ui_font(theme.TITLE + 1, bold=True))
        column.addWidget(heading)
        column.addWidget(caption("Title"))
        self.title = QLineEdit(document.title)
        self.title.setPlaceholderText("Untitled")
        self.title.setCursorPosition(0)
        self.title.setAccessibleName("Title of the document")
        self.title.setToolTip("The first line of the script")
        self.title.editingFinished.connect(
            lambda line=self.title: self.session.do(SetTitle(line.text().strip()))
        )
        column.addWidget(self.title)
        column.addWidget(caption("Note"))
        column.addWidget(self._note(document.note, None))
        column.addWidget(words("Select a node to see and change its parameters."))

    # --- pieces ---

    def _help(self, node: Node) -> QWidget:
        browser = QTextBrowser()
        browser.setObjectName("help")
        browser.setAccessibleName("Help")
        browser.setOpenLinks(False)
        tokens = theme.current()
        browser.document().setDefaultStyleSheet(
            f"code, pre {{ font-family: '{theme.MONOSPACE}'; font-size: 11px; }}"
            f"a {{ color: {tokens.accent}; }}"
        )
        browser.document().setDocumentMargin(0)
        spec = node.spec
        html = help_page(spec) if spec else ""
        browser.anchorClicked.connect(lambda url: self.example_wanted.emit(url.toString()))
        browser.setHtml(html or "<p>No help has been written for this node yet.</p>")
        browser.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        browser.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        document = browser.document()
        document.documentLayout().documentSizeChanged.connect(
            lambda size: browser.setFixedHeight(int(size.height()) + 10)
        )
        document.setTextWidth(280)
        return browser

    def _note(self, text: str, node: str | None) -> QWidget:
        note = Note(text)
        note.setFixedHeight(72 if node else 140)
        note.finished.connect(lambda words: self.session.do(SetNote(node, words)))
        return note

    # --- edits ---

    def _on_edited(self, name: str, value: Any, token: object) -> None:
        if self._node is not None:
            self.session.do(SetParameter(self._node.id, name, value, merge=token))

    def _on_name_typed(self, text: str) -> None:
        self._say_name(self._why_not_name(text))

    def _why_not_name(self, text: str) -> str | None:
        assert self._node is not None
        if text == self._node.name:
            return None
        problem = name_problem(text)
        others = self.session.document.named(text)
        if problem is None and any(n.namespace == self._node.namespace for n in others):
            problem = f"There is already a node named {text}."
        return problem

    def _say_name(self, problem: str | None) -> None:
        if self._name_problem is not None:
            self._name_problem.setText(problem or "")
            self._name_problem.setVisible(bool(problem))

    def _on_renamed(self) -> None:
        if self._node is None or self.name is None or self.name.text() == self._node.name:
            return
        try:
            self.session.history.do(Rename(self._node.id, self.name.text()))
        except DocumentError as error:
            self._say_name(str(error))
            self.name.setText(self._node.name)

    def focus_name(self) -> None:
        """Let the name be typed."""
        if self.name is not None:
            self.name.setFocus()
            self.name.selectAll()

    def _on_event(self, event: Any) -> None:
        match event:
            case events.NodeChanged() if self._node is not None and event.node.id == self._node.id:
                self._node = event.node
                if event.what == "parameters":
                    for name, editor in self.editors.items():
                        editor.set_value(event.node.value(name))
                    if self.trial is not None:
                        self.trial.follow(event.node)
                elif event.what == "name" and self.name is not None:
                    self.name.setText(event.node.name)
            case events.NodeChanged() if (
                self._node is None
                and event.what == "parameters"
                and event.node.id in self.session.selection
            ):
                self._late.start()  # once for all of them
            case events.NodeRemoved() if self._node is not None and event.node.id == self._node.id:
                self._node = None
            case events.GroupsChanged() if self._pinned:
                self._late.start()
            case _ if self.group is not None and not self._late.isActive():
                self._late.start()  # not now: a field of the group may be speaking
