"""Running, and help."""

from __future__ import annotations

from PySide6.QtCore import QTimer

from app import helpviews
from app.chooser import Chooser, Entry
from app.command_table import COMMANDS
from app.commands.base import Handlers
from app.helpwindow import HelpWindow
from app.shortcuts import ShortcutDialog
from app.tour import TourBar
from nodes.spec import PortType
from nodes.types import output_type

__all__ = ["LOOKABLE", "RunCommands"]

#: What has pixels.
LOOKABLE = (PortType.IMAGE, PortType.KERNEL, PortType.MASK, PortType.SOLUTION)


class RunCommands(Handlers):
    """What the Run and Help menus ask for."""

    def run_run(self) -> None:
        self.finish_typing()
        if not self.runner.run_or_resume():
            self.window.show_dock("issues")

    def run_to_node(self) -> None:
        """Compute the selected node and what it depends on."""
        self.finish_typing()
        if len(self.session.selection) != 1:
            self.session.said.emit("hint", "Select one node to run up to it.")
        elif not self.runner.busy and not self.runner.run(target=self.session.selection[0]):
            self.window.show_dock("issues")

    def run_look(self) -> None:
        """Show the picture that flows through the selected wire, or out of the selected node."""
        document, canvas = self.session.document, self.window.canvas
        wires = canvas.selected_wires
        if len(wires) == 1:
            node, output = wires[0].source, wires[0].output
        elif len(self.session.selection) == 1:
            node = self.session.selection[0]
            spec = document.node(node).spec
            output = spec.outputs[0].name if spec is not None and spec.outputs else ""
        else:
            self.session.said.emit("hint", "Click a wire, then press L to look at it.")
            return
        kind = output_type(document, node, output)
        if kind not in LOOKABLE:
            words = kind.phrase if kind is not None else "nothing known"
            self.session.said.emit(
                "hint", f"This carries {words}, which has no pixels: look at an image or a kernel."
            )
            return
        levels = self.session.levels
        ends = levels.flat_graph.sources.get((levels.flat(node), output))
        flat = ends[0] if ends is not None else levels.giving(node)
        self.window.show_dock("pictures")
        self.window.pictures.choose(flat)
        if flat not in self.runner.pictures or self.runner.node_states.get(flat) == "stale":
            if self.runner.busy:
                self.session.said.emit("hint", "It is shown as soon as the run gets there.")
            elif not self.runner.run(target=node):
                self.window.show_dock("issues")

    def run_pause(self) -> None:
        self.runner.pause()

    def run_step(self) -> None:
        self.finish_typing()
        self.runner.step()

    def run_stop(self) -> None:
        self.runner.stop()

    def run_plan(self) -> None:
        helpviews.show_plan(self.window, self.runner.plan_text)

    # --- help ---

    def help_legend(self) -> None:
        helpviews.show_legend(self.window)

    def help_welcome(self) -> None:
        self.window.welcome.open()

    def help_tour(self) -> None:
        """Begin the tour with an empty graph."""
        self.window.commands.file_new()
        if len(self.session.document):
            return  # the question about unsaved work was answered with Cancel
        self.window.show_welcome(False)
        self.window.tour = TourBar(self.session)
        self.window.tour.performed.connect(self.window.canvas.fit)
        self.window.tour.ended.connect(self._end_tour)
        self.window.column.insertWidget(0, self.window.tour)
        self.window.tour.show()

    def _end_tour(self) -> None:
        self.window.tour = None

    def help_commands(self) -> None:
        """Every command that can be given now, found by its name."""
        known = self.window.actions_by_id
        entries = [
            Entry(
                command.id,
                known[command.id].text().rstrip("…"),
                command.tip,
                command.icon,
                hint=known[command.id].shortcut().toString(),
            )
            for command in COMMANDS
            if command.id != "help.commands" and known[command.id].isEnabled()
        ]
        popup = Chooser(entries, "What do you want to do?", self.window, width=400)
        popup.chosen.connect(
            lambda identifier: QTimer.singleShot(0, self.window, known[identifier].trigger)
        )
        popup.open_over(self.window.canvas)

    def help_node(self) -> None:
        """The page of the selected node, in a window that follows the selection."""
        if not self.session.selection:
            self.session.said.emit("hint", "Select a node: F1 tells what it computes.")
            return
        if self._help is None:
            self._help = HelpWindow(self.session, self.window)
            self._help.example_wanted.connect(self.window.commands.open_path)
        self._help.refresh()
        self._help.show()
        self._help.raise_()

    _help: HelpWindow | None = None

    def help_keys(self) -> None:
        ShortcutDialog(self.window.actions_by_id, self.settings, self.window).show()

    def help_about(self) -> None:
        helpviews.show_about(self.window, self.runner.engine.versions)
