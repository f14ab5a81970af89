"""The canvas: turns gestures into commands on the session's history.

Nothing is read back from the items; the document says what changed and ``mirror.py`` follows.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app import theme
from app.canvas.area import CanvasArea
from app.canvas.crumbs import Crumbs
from app.canvas.facts import Facts
from app.canvas.frames import Frames
from app.canvas.hint import Hint
from app.canvas.minimap import Minimap
from app.canvas.mirror import Mirror
from app.canvas.node_item import WIDTH, NodeCardItem
from app.canvas.nodegraphqt import PurePort
from app.canvas.places import snapped
from app.canvas.ports import PortItem, port_colour
from app.canvas.routing import Router
from app.canvas.viewer import CanvasViewer
from app.canvas.wire import WireItem
from app.chooser import Entry
from app.guard import guarded
from app.runner import Runner
from app.session import Session
from nodes.commands import Command, Connect, Disconnect, Macro, MoveNodes, splice
from nodes.document import Node, Wire
from nodes.groups import GROUP, holds, spec_of
from nodes.spec import NodeSpec
from nodes.types import can_connect, output_type

__all__ = ["Canvas"]

SPLICE = "Insert into a wire"
_EMPTY = (
    "<p style='font-size:15px'><b>An empty graph</b></p>"
    "<p>Drag a node from the palette, or press Space here and type its name.<br>"
    "File ▸ Examples has problems that are ready to run.</p>"
)


class Canvas(CanvasArea):
    """The graph of the open document.

    Signals:
        quick_add(global, scene, port): a list of nodes is wanted here; ``port`` is a tuple
            (node id, port name, is_input) whose wire was dropped on empty canvas, or None.
        menu_wanted(global, scene): a context menu is wanted here.
        mime_dropped(mime, scene): something from outside was dropped here.
        renamed(str): the name of a node is to be edited.
    """

    quick_add = Signal(QPoint, QPointF, object)
    menu_wanted = Signal(QPoint, QPointF)
    mime_dropped = Signal(object, QPointF)
    rename_wanted = Signal(str)
    look_wanted = Signal()

    def __init__(self, session: Session, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.runner = session, runner
        self.viewer = CanvasViewer()
        self.viewer.pipe_class = WireItem
        self.mirror = Mirror(session, runner, self.viewer, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.viewer)
        self.setFocusProxy(self.viewer)
        self.router = Router(self.mirror)
        self.hint = Hint(self.viewer)
        self.frames = Frames(self)
        self.facts = Facts()
        self.snap = False
        self.crumbs = Crumbs(session, self.viewer)
        self.minimap = Minimap(self.viewer, self._boxes)
        self._empty = QLabel(_EMPTY, self.viewer)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setProperty("muted", True)
        self._empty.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._wire_shown = False
        self._connect_signals()
        self.mirror.rebuild()

    def _connect_signals(self) -> None:
        viewer, session = self.viewer, self.session
        viewer.wire_started.connect(self._on_wire_started)
        viewer.wire_hovered.connect(self._on_wire_hovered)
        viewer.wire_dropped.connect(self._on_wire_dropped)
        viewer.wire_ended.connect(self._on_wire_ended)
        viewer.pipes_cut.connect(self._on_pipes_cut)
        viewer.moved_nodes.connect(self._on_moved)
        viewer.menu_wanted.connect(self.menu_wanted)
        viewer.mime_dropped.connect(self.mime_dropped)
        viewer.node_double_clicked.connect(self._on_double_click)
        viewer.pipe_double_clicked.connect(self._on_wire_double_click)
        viewer.view_changed.connect(self._place_empty)
        viewer.hovered.connect(self._on_hovered)
        viewer.empty_double_clicked.connect(
            lambda place, scene: self.quick_add.emit(place, scene, None)
        )
        viewer.scene().selectionChanged.connect(self._on_scene_selection)
        session.replaced.connect(viewer.cancel_wire)
        session.selection_changed.connect(self.hint.hide)
        session.hovered.connect(self._on_lit)
        session.selection_changed.connect(self._on_selection)
        self.mirror.rebuilt.connect(self._on_rebuilt)
        self.mirror.changed.connect(self._place_empty)
        theme.signals().changed.connect(self._on_theme)

    def _on_double_click(self, node: str) -> None:
        """A group opens; the name of any other node can be typed."""
        if not self.session.levels.enter(node):
            self.rename_wanted.emit(node)

    def _on_wire_double_click(self, pipe: Any) -> None:
        self.viewer.scene().clearSelection()
        pipe.setSelected(True)
        self.look_wanted.emit()

    def _on_rebuilt(self) -> None:
        self._place_empty()
        self.fit()

    # --- gestures ---

    @staticmethod
    def _ends(first: PurePort, second: PurePort) -> tuple[PurePort, PurePort] | None:
        """(output, input) of two ports, or None if they are of one kind."""
        if first.is_input == second.is_input:
            return None
        return (second, first) if first.is_input else (first, second)

    def why_not(self, first: PurePort, second: PurePort) -> str | None:
        """The sentence that says why two ports cannot be joined."""
        ends = self._ends(first, second)
        if ends is None:
            kind = "an input" if first.is_input else "an output"
            other = "an output" if first.is_input else "an input"
            return f"This is {kind} too: a wire goes from {kind} to {other}."
        output, input_ = ends
        return can_connect(
            self.session.document, output.node.id, output.name, input_.node.id, input_.name
        )

    def _on_wire_started(self, start: Any) -> None:
        self.viewer.set_wire_pen(port_colour(start.kind), False)
        for item in self.mirror.items.values():
            for port in item.port_items:
                port.set_faded(port is not start and self.why_not(start, port) is not None)

    def _on_wire_hovered(self, start: Any, end: Any, where: Any) -> None:
        sentence = self.why_not(start, end) if end is not None else None
        self.viewer.set_wire_pen(port_colour(start.kind), sentence is not None)
        if sentence:
            self.hint.say(sentence, self.viewer.mapFromScene(where), "error")
        else:
            self.hint.hide()

    def _on_wire_ended(self) -> None:
        self.hint.hide()
        for item in self.mirror.items.values():
            for port in item.port_items:
                port.set_faded(False)

    def _on_wire_dropped(self, start: Any, end: Any, detached: Any, where: Any) -> None:
        position = self.viewer.mapFromScene(where)
        if end is None:
            end = self._best_port(start, self.viewer.node_at(position))
        old = detached.wire if detached is not None else None
        if end is None:
            if old is not None:
                self.session.do(Disconnect(*old.ends))
            else:
                where_to = self.viewer.viewport().mapToGlobal(position)
                self.quick_add.emit(where_to, where, (start.node.id, start.name, start.is_input))
            return
        ends = self._ends(start, end)
        if old is not None and ends is not None and self._is_wire(old, ends):
            return  # put back where it was
        sentence = self.why_not(start, end)
        if sentence is not None or ends is None:
            self.hint.say(sentence or "", position, "error", linger=True)
            self.session.said.emit("error", sentence or "")
            return
        connect = Connect(ends[0].node.id, ends[0].name, ends[1].node.id, ends[1].name)
        if old is not None:
            self.session.do(Macro("Move a wire", (Disconnect(*old.ends), connect)))
        else:
            self.session.do(connect)

    @staticmethod
    def _is_wire(wire: Wire, ends: tuple[PurePort, PurePort]) -> bool:
        output, input_ = ends
        return wire.ends == (output.node.id, output.name, input_.node.id, input_.name)

    def _best_port(self, start: PortItem, item: Any) -> PortItem | None:
        """Where a wire dropped on a node's body goes: its first free port that fits."""
        if not isinstance(item, NodeCardItem) or item is start.node:
            return None
        ports = [port for port in item.port_items if port.is_input != start.is_input]
        ports.sort(key=lambda port: bool(port.connected_pipes) and not port.multi_connection)
        fitting = [port for port in ports if self.why_not(start, port) is None]
        return next(iter(fitting or ports), None)

    def _on_pipes_cut(self, pipes: list[WireItem]) -> None:
        wires = [pipe.wire for pipe in pipes if pipe.wire is not None]
        if wires:
            cuts = tuple(Disconnect(*wire.ends) for wire in wires)
            self.session.do(cuts[0] if len(cuts) == 1 else Macro("Cut wires", cuts))

    def _on_moved(self, moved: dict[NodeCardItem, Any]) -> None:
        places = {
            item.card.id: (round(item.x()), round(item.y()))
            for item in moved
            if item.card.id in self.session.document
        }
        if self.snap:
            places = {node: snapped(place) for node, place in places.items()}
        if places:
            commands: list[Command] = [MoveNodes(places)]
            splicing = self._splicing(*places) if len(places) == 1 else None
            if splicing is not None:
                commands.append(splicing)
            moved_only = splicing is None
            self.session.do(commands[0] if moved_only else Macro(SPLICE, tuple(commands)))
            for identifier in places:  # rounding, or a refusal
                self.mirror.items[identifier].setPos(
                    *self.session.document.node(identifier).position
                )

    def _splicing(self, node: str) -> Command | None:
        """What puts a node that was dropped on a wire into it; only one that has no wires yet."""
        document = self.session.document
        if document.wires_into(node) or document.wires_out_of(node):
            return None
        wire = self.wire_at(self.mirror.items[node].sceneBoundingRect().center(), node)
        return splice(document, wire, document.node(node)) if wire is not None else None

    def wire_at(self, scene: QPointF, beside: str | None = None) -> Wire | None:
        """The wire at a point of the scene, under whatever node lies there."""
        reach = 8.0
        area = QRectF(scene.x() - reach, scene.y() - reach, 2 * reach, 2 * reach)
        for item in self.viewer.scene().items(area):
            wire = item.wire if isinstance(item, WireItem) else None
            if wire is not None and beside not in (wire.source, wire.target):
                return wire
        return None

    def beside(self, x: float, y: float, right: bool) -> QPointF:
        """Where a new node goes that is wired to one at (x, y)."""
        return QPointF(x + WIDTH * (2.0 if right else -1.0), y + 40)

    # --- what a wire carries ---

    def _on_lit(self, node: str) -> None:
        shown = self.session.levels.shown(node)
        for identifier, item in self.mirror.items.items():
            if item.lit != (identifier == shown):
                item.lit = identifier == shown
                item.update()

    def _on_hovered(self, scene: QPointF) -> None:
        position = self.viewer.mapFromScene(scene)
        over = self.viewer.node_at(position)
        here = over.card.id if isinstance(over, NodeCardItem) else ""
        self.session.hover(self.session.levels.flat(here) if here else "")
        top = next((i for i in self.viewer.items(position) if i.isVisible()), None)
        wire = top.wire if isinstance(top, WireItem) else None
        if wire is None:
            if self._wire_shown:
                self._wire_shown = False
                self.hint.hide()
            return
        picture = self.runner.pictures.get(self.session.levels.giving(wire.source))
        words = self.facts.wire(self.session.document, wire, picture.dtype if picture else "")
        self._wire_shown = True
        self.hint.say(words, position)

    # --- selection ---

    def _on_scene_selection(self) -> None:
        if not self.mirror.mirroring:
            chosen = [i for i, item in self.mirror.items.items() if item.isSelected()]
            self.session.select(chosen)

    def _on_selection(self) -> None:
        self.mirror.mirroring = True
        try:
            wanted = set(self.session.selection)
            for identifier, item in self.mirror.items.items():
                if item.isSelected() != (identifier in wanted):
                    item.setSelected(identifier in wanted)
        finally:
            self.mirror.mirroring = False

    @property
    def selected_wires(self) -> list[Wire]:
        """The wires that are selected, in the order of the document."""
        chosen = {wire for wire, pipe in self.mirror.wires.items() if pipe.isSelected()}
        return [wire for wire in self.session.document.wires if wire in chosen]

    def ask_for_node(self) -> None:
        """Offer all nodes where the pointer is."""
        scene = self.paste_point()
        where = self.viewer.viewport().mapToGlobal(self.viewer.mapFromScene(scene))
        self.quick_add.emit(where, scene, None)

    def fitting_port(self, spec: NodeSpec, wire: tuple[str, str, bool]) -> str | None:
        """The port of a new node that fits a wire hanging from (node, port, is it an input)."""
        node, name, is_input = wire
        document = self.session.document
        if is_input:
            target = document.get(node)
            port = target.spec.input(name) if target is not None and target.spec else None
            if port is None:
                return None
            return next((out.name for out in spec.outputs if port.accepts(out.type)), None)
        carried = output_type(document, node, name)
        if carried is None:
            return None
        fitting = [port for port in spec.inputs if port.accepts(carried)]
        fitting.sort(key=lambda port: (port.type != carried, port.optional))
        return fitting[0].name if fitting else None

    def groups_on_offer(self, wire: tuple[str, str, bool] | None) -> list[Entry]:
        """The groups of the document that can be used here and fit a hanging wire."""
        document, here = self.session.document, self.session.levels.group
        found = []
        for group in document.groups:
            spec = spec_of(document, Node("", "", GROUP, parameters={"of": group.id}))
            if spec is None or (here and holds(document, group.id, here)):
                continue
            if wire is None or self.fitting_port(spec, wire) is not None:
                found.append(Entry(f"group:{group.id}", group.title, "Groups", spec.icon))
        return found

    def _place_empty(self) -> None:
        self._empty.setVisible(not self.mirror.items)
        self._empty.adjustSize()
        centre = self.viewer.viewport().rect().center()
        self._empty.move(centre - self._empty.rect().center())
        self.minimap.refresh()

    def _on_theme(self, _theme: Any) -> None:
        self.viewer.resetCachedContent()
        for item in self.mirror.items.values():
            item.update()
            for port in item.port_items:
                port.update()
        self.viewer.viewport().update()

    @guarded()
    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self.fit()
