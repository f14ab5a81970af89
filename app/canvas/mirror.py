"""The document as items on the scene: what the canvas shows is only ever changed from here.

Document events come in, items follow; the same way after undo, redo and load.
"""

from __future__ import annotations

import time
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QPixmap

from app.canvas.card import Card, CardPort, Ports
from app.canvas.node_item import NodeCardItem
from app.canvas.nodegraphqt import PureGraph
from app.canvas.viewer import CanvasViewer
from app.canvas.wire import WireItem
from app.pictures import to_image
from app.runner import Runner
from app.session import Notice, Session
from nodes import document as events
from nodes.document import Node, Wire
from nodes.groups import DYNAMIC, GROUP
from nodes.issues import Issue
from nodes.types import output_type, output_types

__all__ = ["Mirror"]

#: What a group is said to do when its nodes do different things: the first that any does.
_STATES = ("failed", "running", "paused", "stale", "done")
_SEVERITIES = ("error", "warning", "hint")
_LIVE_SECONDS = 0.3
_LIVE_PIXELS = 200
_PROGRESS_SECONDS = 0.15


class Mirror(QObject):
    """Keeps one item for each node and each wire of the open document.

    Attributes:
        items, wires: what is on the scene.
        mirroring: whether items are being changed by the document, not by a person.
    """

    rebuilt = Signal()
    changed = Signal()

    def __init__(
        self, session: Session, runner: Runner, viewer: CanvasViewer, parent: QObject
    ) -> None:
        super().__init__(parent)
        self.session, self.runner, self.viewer = session, runner, viewer
        self.graph = PureGraph(viewer, self)
        self.items: dict[str, NodeCardItem] = {}
        self.wires: dict[Wire, WireItem] = {}
        self.mirroring = False
        self._built = -1
        self._last_live = 0.0
        self._last_progress = 0.0
        self._late_types = QTimer(self)
        self._late_types.setSingleShot(True)
        self._late_types.setInterval(0)
        self._late_types.timeout.connect(self._update_types)
        session.replaced.connect(self.rebuild)
        session.changed.connect(self._on_event)
        session.levels.changed.connect(self.rebuild)
        session.derived.connect(self._show_issues)
        session.notices_changed.connect(self._show_issues)
        runner.node_changed.connect(self._on_node_state)
        runner.started.connect(self._on_run_started)
        runner.progressed.connect(self._on_progress)
        runner.state_changed.connect(self._on_progress)
        runner.iterate.connect(self._on_iterate)

    def rebuild(self) -> None:
        """Show the open document from scratch."""
        for wire in list(self.wires):
            self._remove_wire(wire)
        for identifier in list(self.items):
            self._remove_node(identifier)
        for node in self.session.levels.nodes:
            self._add_node(node)
        for wire in self.session.document.wires:
            self._add_wire(wire)
        self._built = self.session.document.revision
        self._update_types()
        self._show_issues()
        self.rebuilt.emit()

    def _on_event(self, event: Any) -> None:
        if self._built == self.session.document.revision:
            return  # what has just been drawn from scratch has it already
        self.mirroring = True
        try:
            match event:
                case events.NodeAdded():
                    self._add_node(event.node)
                case events.NodeRemoved():
                    self._remove_node(event.node.id)
                case events.NodeChanged():
                    self._change_node(event.node, event.what)
                case events.WireAdded():
                    self._add_wire(event.wire)
                case events.WireRemoved():
                    self._remove_wire(event.wire)
                case events.GroupsChanged():
                    for identifier in self.items:
                        node = self.session.document.get(identifier)
                        if node is not None and node.type == GROUP:
                            self._change_node(node, "title")
        finally:
            self.mirroring = False
        if self._matters(event):
            self._late_types.start()
            self.changed.emit()

    def _matters(self, event: Any) -> bool:
        """Whether anything but the node's own card can look different now."""
        inner = isinstance(event, events.NodeChanged) and event.what in ("parameters", "note")
        return not inner or bool(self.session.document.groups)

    def _card_ports(self, node: Node) -> Ports:
        spec = node.spec
        if spec is not None:
            return (
                tuple(
                    CardPort(p.name, p.title, str(p.type), p.multiple, p.optional, p.help)
                    for p in spec.inputs
                ),
                tuple(CardPort(p.name, p.title, str(p.type)) for p in spec.outputs),
            )
        # A placeholder shows the ports that its wires speak of.
        document = self.session.document
        ins = dict.fromkeys(wire.input for wire in document.wires_into(node.id))
        outs = dict.fromkeys(wire.output for wire in document.wires_out_of(node.id))
        return (
            tuple(CardPort(name, name, "unknown", multiple=True) for name in ins),
            tuple(CardPort(name, name, "unknown") for name in outs),
        )

    def _add_node(self, node: Node) -> None:
        elsewhere = node.group != self.session.levels.group
        if node.id in self.items or elsewhere or node.id not in self.session.document:
            return
        item: NodeCardItem = self.graph.add(NodeCardItem, node.id, *node.position)
        item.card = Card(id=node.id)
        self.items[node.id] = item
        item.card.describe(node, self._card_ports(node))
        item.make_ports()
        picture = self.runner.pictures.get(self.session.levels.giving(node.id))
        item.card.thumbnail = picture.thumbnail if picture else None
        item.card.state = self._state(node.id)
        item.show_card()

    def _remove_node(self, identifier: str) -> None:
        if self.items.pop(identifier, None) is not None:
            self.graph.remove(identifier)

    def _change_node(self, node: Node, what: str) -> None:
        item = self.items.get(node.id)
        if item is None:
            return
        if what == "position":
            if (item.x(), item.y()) != tuple(node.position):
                item.setPos(*node.position)
            return
        item.card.describe(node, (item.card.inputs, item.card.outputs))
        item.show_card()

    def _add_wire(self, wire: Wire) -> None:
        source, target = self.items.get(wire.source), self.items.get(wire.target)
        if wire in self.wires or source is None or target is None:
            return
        if wire not in self.session.document.wires_into(wire.target, wire.input):
            return
        for item, name, is_input in ((source, wire.output, False), (target, wire.input, True)):
            if item.port(name, is_input) is None:  # a port that this version does not know
                node = self.session.document.get(item.card.id)
                known = {
                    port.name for port in (item.card.inputs if is_input else item.card.outputs)
                }
                if node is not None and name not in known:
                    extra = (CardPort(name, name, "unknown", multiple=True),)
                    item.card.inputs += extra if is_input else ()
                    item.card.outputs += () if is_input else extra
                    item.make_ports()
                    item.show_card()
        start, end = source.port(wire.output, False), target.port(wire.input, True)
        if start is None or end is None:
            return
        pipe = self.viewer.establish_connection(start, end)
        assert isinstance(pipe, WireItem)
        pipe.wire = wire
        self.wires[wire] = pipe
        start.update()
        end.update()

    def _remove_wire(self, wire: Wire) -> None:
        pipe = self.wires.pop(wire, None)
        if pipe is None:
            return
        ends = [port for port in (pipe.input_port, pipe.output_port) if port is not None]
        pipe.delete()
        for port in ends:
            port.update()

    def _update_types(self) -> None:
        """Operators follow their inputs: an image in gives an image out."""
        known: dict[str, Any] = {}
        document = self.session.document
        for identifier, item in list(self.items.items()):
            node = document.get(identifier)
            if node is None:
                continue
            if node.type in DYNAMIC:
                item = self._renew_ports(node, item)
            if document.groups:
                ports = [port.name for port in item.port_items if not port.is_input]
                carried = {port: output_type(document, identifier, port) for port in ports}
                types = {port: kind for port, kind in carried.items() if kind is not None}
            else:
                types = output_types(document, known, identifier)
            for port in item.port_items:
                if not port.is_input and port.name in types:
                    port.set_kind(str(types[port.name]))

    def _renew_ports(self, node: Node, item: NodeCardItem) -> NodeCardItem:
        """A group has the ports that its definition has now."""
        ports = self._card_ports(node)
        if ports == (item.card.inputs, item.card.outputs):
            return item
        before = {p.name for side in (item.card.inputs, item.card.outputs) for p in side}
        if before == {p.name for side in ports for p in side}:
            item.card.describe(node, ports)
            item.show_card()
            return item
        wires = [w for w in self.wires if node.id in (w.source, w.target)]
        for wire in wires:
            self._remove_wire(wire)
        self._remove_node(node.id)
        self._add_node(node)
        for wire in wires:
            self._add_wire(wire)
        return self.items[node.id]

    def _state(self, identifier: str) -> str:
        """How far a node has got; a group, as far as all that it holds."""
        levels, states = self.session.levels, self.runner.node_states
        inside = levels.flat_graph.within(levels.flat(identifier))
        found = [states.get(node, "idle") for node in inside]
        return next((state for state in _STATES if state in found), "idle")

    def _show_issues(self) -> None:
        found: dict[str, list[tuple[str, str]]] = {}
        entries: list[Issue | Notice] = [*self.session.issues, *self.session.notices]
        for issue in entries:
            if issue.node is not None:
                shown = self.session.levels.shown(issue.node)
                found.setdefault(shown, []).append((issue.severity, issue.sentence))
        for identifier, item in self.items.items():
            mine = found.get(identifier, [])
            worst = next((s for s in _SEVERITIES if any(s == severity for severity, _ in mine)), "")
            sentences = tuple(sentence for _, sentence in mine)
            if (item.card.severity, item.card.issues) != (worst, sentences):
                item.card.severity, item.card.issues = worst, sentences
                item.show_card()

    def _on_node_state(self, identifier: str) -> None:
        shown = self.session.levels.shown(identifier)
        item = self.items.get(shown)
        if item is None:
            return
        card = item.card
        card.state = self._state(shown)
        card.seconds = self.runner.node_seconds.get(identifier)
        picture = self.runner.pictures.get(self.session.levels.giving(shown))
        if picture is not None:  # without one, the live iterate stays
            card.thumbnail = picture.thumbnail
        item.show_card()

    def _on_run_started(self) -> None:
        for item in self.items.values():
            if item.card.progress is not None:
                item.card.progress = None
                item.show_card()

    def _on_progress(self, _: Any = None) -> None:
        progress = self.runner.progress
        item = self.items.get(self.session.levels.shown(progress.node or ""))
        if item is None or not progress.maximum:
            return
        fresh = item.card.progress is None
        now = time.monotonic()
        if (
            not fresh
            and self.runner.state == "running"
            and now - self._last_progress < _PROGRESS_SECONDS
        ):
            return
        self._last_progress = now
        item.card.progress = progress.share
        item.card.progress_text = f"iteration {progress.iteration} of {progress.maximum}"
        if fresh:
            item.show_card()
        else:
            item.update()

    def _on_iterate(self, live: Any) -> None:
        """The newest iterate on its solver and on views of it, not oftener than one can look."""
        now = time.monotonic()
        solver = self.runner.progress.node or ""
        if now - self._last_live < _LIVE_SECONDS:
            return
        shown = {self.session.levels.shown(node) for node in self._showing(solver, live.variable)}
        items = [self.items[node] for node in shown if node in self.items]
        if not items:
            return
        self._last_live = now
        step = max(1, max(live.display.shape[:2]) // _LIVE_PIXELS)
        picture = QPixmap.fromImage(to_image(live.display[::step, ::step]))
        for item in items:
            item.card.thumbnail = picture
            item.update()

    def _showing(self, solver: str, variable: str) -> list[str]:
        """A solver and the views of what it finds for a variable."""
        document = self.session.document
        showing = [solver]
        for wire in document.wires_out_of(solver):
            node = document.node(wire.target)
            if node.is_view:
                showing.append(node.id)
            elif node.type == "recovered":
                meant = [
                    document.node(w.source).name for w in document.wires_into(node.id, "variable")
                ]
                if meant == [variable]:
                    after = document.wires_out_of(node.id)
                    showing += [w.target for w in after if document.node(w.target).is_view]
        return showing
