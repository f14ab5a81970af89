"""The window: puts panes, docks, menus and bars together. It decides nothing."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, QPointF, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QPaintEvent, QShowEvent
from PySide6.QtWidgets import (
    QMainWindow,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from app import bars, icons, restore, theme
from app.actions import colour_actions, make_actions
from app.canvas import clipboard
from app.canvas.quick_add import QuickAdd
from app.canvas.view import Canvas
from app.commands import Commands
from app.docks import Docks
from app.guard import guarded
from app.journal import Journal
from app.menu_table import CANVAS_MENU, SEPARATOR
from app.panes.code import CodePane
from app.panes.compare import ComparePane
from app.panes.curves import CurvesPane
from app.panes.formula import FormulaBar
from app.panes.history import HistoryPane
from app.panes.inspector import Inspector
from app.panes.iterates import IteratePane
from app.panes.node_pictures import PicturePane
from app.panes.outline import OutlinePane
from app.panes.palette import MIME, Palette
from app.panes.problems import ProblemsPane
from app.panes.transport import DeviceChooser, ProgressStrip
from app.runner import Runner
from app.session import Notice, Session
from app.settings import Settings
from app.shortcuts import apply_keys
from app.status import StatusLine
from app.tour import TourBar
from app.welcome import Welcome
from nodes import late
from nodes.catalogue import CATALOGUE

__all__ = ["MainWindow"]

_PATIENCE_MS = 1000


class MainWindow(QMainWindow):
    """The studio."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("studio")
        self.setWindowIcon(icons.app_icon())
        self.settings = Settings()
        self.session = Session(self)
        self.runner = Runner(self.session, self)
        self.journal = Journal(self.session, self.settings.recovery, self)
        self.commands = Commands(self)
        self.canvas = Canvas(self.session, self.runner)
        self.canvas.snap = self.settings.flag("snap")
        self.formula = FormulaBar(self.session)
        self.palette_pane = Palette()
        self.inspector = Inspector(self.session, self.runner)
        self.iterate = IteratePane(self.runner)
        self.pictures = PicturePane(self.session, self.runner)
        self.compare = ComparePane(self.session, self.runner)
        self.code = CodePane(self.session)
        self.problems = ProblemsPane(self.session)
        self.history = HistoryPane(self.session)
        self.outline = OutlinePane(self.session)
        self.curves = CurvesPane(self.runner)
        self.actions_by_id = make_actions(self, self.canvas, self.commands.handler)
        self._compose()
        apply_keys(self.actions_by_id, self.settings)
        self.device = DeviceChooser(self.runner)
        self.progress = ProgressStrip(self.runner)
        self.submenus = bars.make_menus(self)
        bars.make_toolbar(self)
        self.stage = bars.make_stage(self)
        self.status = StatusLine(self.session, self.runner)
        self.setStatusBar(self.status)
        self._connect()
        self._started = False
        self._beginning = QTimer(self)
        self._beginning.timeout.connect(self._begin)
        self.tour: TourBar | None = None
        self._update_actions()
        self._update_title()
        self.actions_by_id["view.snap"].setChecked(self.canvas.snap)
        self.actions_by_id["file.restore"].setChecked(self.settings.flag(restore.FLAG))

    # --- assembly ---

    def _compose(self) -> None:
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.column = column
        column.addWidget(self.formula)
        column.addWidget(self.canvas, 1)
        self.welcome = Welcome(self)
        column.addWidget(self.welcome, 1)
        self.setCentralWidget(middle)
        self.docks = Docks(
            self,
            {
                "palette": self.palette_pane,
                "inspector": self.inspector,
                "iterate": self.iterate,
                "pictures": self.pictures,
                "compare": self.compare,
                "script": self.code,
                "issues": self.problems,
                "history": self.history,
                "outline": self.outline,
                "curves": self.curves,
            },
        )

    def _connect(self) -> None:
        session, runner, canvas = self.session, self.runner, self.canvas
        session.history_changed.connect(self._update_actions)
        session.history_changed.connect(self._update_title)
        session.selection_changed.connect(self._update_actions)
        session.replaced.connect(self._on_document)
        session.changed.connect(self._on_document)
        session.derived.connect(self._update_title)
        session.replaced.connect(self._update_title)
        runner.state_changed.connect(self._update_actions)
        runner.progressed.connect(self._update_actions)
        self.inspector.example_wanted.connect(self.commands.open_path)
        self.outline.shown.connect(self.commands.show_node)
        self.palette_pane.chosen.connect(self.commands.add_node)
        self.problems.counted.connect(self._count_issues)
        self.problems.refresh(force=True)
        self.code.export_wanted.connect(self.commands.file_export)
        self.iterate.save_wanted.connect(self.commands.save_picture)
        self.pictures.save_wanted.connect(self.commands.save_picture)
        self.compare.save_wanted.connect(self.commands.save_picture)
        for pane in (self.iterate, self.pictures, self.compare):
            pane.values_wanted.connect(self.commands.save_values)
        self.curves.table_wanted.connect(self.commands.save_curves)
        self.curves.picture_wanted.connect(self.commands.save_plot)
        runner.iterate.connect(lambda _: self.docks.show_once("iterate"))
        runner.started.connect(self.docks.forget_shown)
        canvas.viewer.accepts_mime = lambda mime: mime.hasFormat(MIME) or mime.hasUrls()
        canvas.mime_dropped.connect(self._on_dropped)
        canvas.quick_add.connect(self._on_quick_add)
        canvas.look_wanted.connect(self.commands.run_look)
        canvas.menu_wanted.connect(self._on_canvas_menu)
        canvas.rename_wanted.connect(lambda _: self.commands.edit_rename())
        theme.signals().changed.connect(self._on_theme)
        self._on_theme(theme.current())

    # --- keeping up ---

    def _on_theme(self, tokens: Any) -> None:
        colour_actions(self.actions_by_id)
        self.actions_by_id["run.run"].setIcon(icons.icon("play", tokens.on_accent))
        self.actions_by_id["view.dark"].setChecked(tokens.dark)
        self.actions_by_id["view.contrast"].setChecked(tokens.name == "contrast")

    def _update_title(self) -> None:
        mark = "" if self.session.is_clean else " •"
        self.setWindowTitle(f"{self.session.title}{mark} — ∇-Prox Studio")
        self.setWindowModified(False)

    def _update_actions(self, _: Any = None) -> None:
        known, history, runner = self.actions_by_id, self.session.history, self.runner
        undo, redo = history.undo_text, history.redo_text
        known["edit.undo"].setEnabled(history.can_undo)
        known["edit.undo"].setText(f"Undo {_lower(undo)}" if history.can_undo and undo else "Undo")
        known["edit.redo"].setEnabled(history.can_redo)
        known["edit.redo"].setText(f"Redo {_lower(redo)}" if history.can_redo and redo else "Redo")
        chosen = bool(self.session.selection)
        for identifier in ("edit.cut", "edit.copy", "edit.duplicate"):
            known[identifier].setEnabled(chosen)
        known["edit.rename"].setEnabled(len(self.session.selection) == 1)
        state, busy = runner.state, runner.busy
        known["run.run"].setText("Resume" if state == "paused" else "Run")
        known["run.run"].setEnabled(state == "paused" or not busy)
        known["run.pause"].setEnabled(busy and state == "running")
        known["run.step"].setEnabled(state == "paused" or not busy)
        known["run.stop"].setEnabled(busy and state != "stopping")

    def _count_issues(self, errors: int, warnings: int) -> None:
        total = errors + warnings
        self.docks.retitle("issues", f" ({total})" if total else "")

    def show_welcome(self, shown: bool) -> None:
        """Show the welcome page in the place of formula and canvas, or these again."""
        self.welcome.setVisible(shown)
        self.formula.setVisible(not shown)
        self.canvas.setVisible(not shown)

    def _on_document(self, _: Any = None) -> None:
        """Something was opened or added: the welcome page has done its work."""
        if not self.welcome.isHidden():
            self.show_welcome(False)

    def show_dock(self, name: str) -> None:
        """Bring a pane to the front."""
        self.docks.show(name)

    def show_problem(self, sentence: str) -> None:
        """A sentence about something that did not work."""
        self.session.note(Notice("error", sentence, source="file"))

    def arrange(self, name: str) -> None:
        """Arrange the panes for building, watching or presenting."""
        self.set_stage(name == "present")
        self.docks.arrange(name)

    def set_stage(self, present: bool) -> None:
        """The objective across the whole window, or above the canvas."""
        place = self.stage.findChild(QVBoxLayout)
        assert place is not None
        if present:
            place.addWidget(self.formula)
        elif self.column.indexOf(self.formula) < 0:  # else it would go below the canvas
            self.column.insertWidget(self.column.indexOf(self.canvas), self.formula)
        self.stage.setVisible(present)
        self.formula.set_big(present)
        self.curves.set_big(present)

    # --- the canvas asks ---

    def _on_dropped(self, mime: Any, where: QPointF) -> None:
        if mime.hasFormat(MIME):
            kind = bytes(mime.data(MIME).data()).decode("ascii", errors="replace")
            if kind in CATALOGUE:
                self.commands.add_node(kind, where)
            return
        paths = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
        if paths:
            self.commands.drop_files(paths, where)

    def _on_quick_add(self, place: QPoint, scene: QPointF, wire: Any) -> None:
        specs = [
            spec
            for spec in CATALOGUE.values()
            if wire is None or self.canvas.fitting_port(spec, wire) is not None
        ]
        title = "Add a node" if wire is None else "Add a node that fits"
        others = self.canvas.groups_on_offer(wire)
        popup = QuickAdd(specs, title, self, self.settings.used, others)
        popup.chosen.connect(lambda kind: self.commands.add_node(kind, scene, wire))
        popup.open_at(place)

    def _on_canvas_menu(self, place: QPoint, scene: QPointF) -> None:
        item = self.canvas.viewer.node_at(self.canvas.viewer.mapFromScene(scene))
        if item is not None and item.id not in self.session.selection:
            self.session.select([item.id])
        menu = QMenu(self)
        for entry in CANVAS_MENU:
            if entry == SEPARATOR:
                menu.addSeparator()
            else:
                menu.addAction(self.actions_by_id[entry])
        menu.exec(place)
        menu.deleteLater()

    # --- life ---

    @guarded()
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._started:
            self._beginning.start(_PATIENCE_MS)  # where nothing is painted

    @guarded()
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._started:
            self._beginning.start(0)

    def _begin(self) -> None:
        """After the first paint: the worker, which imports torch for seconds, then what is late."""
        if not self._started:
            self._started = True
            self._late = late.names()
            self.runner.start()
            self._beginning.setInterval(0)
        elif self._late:
            importlib.import_module(self._late.pop())
        else:
            self._beginning.stop()

    @guarded()
    def closeEvent(self, event: QCloseEvent) -> None:
        self.commands.finish_typing()
        kept = self.settings.flag(restore.FLAG) and restore.keep(self)
        if not kept:
            if not self.commands.may_leave():
                event.ignore()
                return
            restore.forget(self)
        self.settings.keep_window(self.saveGeometry(), self.saveState())
        clipboard.let_go()
        self._beginning.stop()
        self.journal.close()
        self.runner.close()
        self.session.close()
        event.accept()

    def action(self, identifier: str) -> QAction:
        """The action of a command."""
        return self.actions_by_id[identifier]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
