"""A tour in five steps that builds the deconvolution graph with the person's own hands.

What each step asks for is read off the example itself: nodes of certain types and the wires
between them. A step is done once they are there, however they got there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app import theme
from app.session import Session
from nodes import files
from nodes.commands import AddNode, Command, Connect, Macro, new_node
from nodes.document import Document, Node, Wire

__all__ = ["STEPS", "Step", "TourBar", "missing", "perform"]

_EXAMPLE = "example:deconvolution"


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        title: what it is about.
        words: what to do, and why.
        types: the node types that belong to it.
    """

    title: str
    words: str
    types: frozenset[str]


STEPS: tuple[Step, ...] = (
    Step(
        "What was seen",
        "Drag <b>Load image</b> and <b>Gaussian kernel</b> from the palette, or press Space on the "
        "canvas and type their names. Add <b>Blur</b> and <b>Add noise</b>, and drag wires from "
        "port to port: image and kernel into the blur, the blur into the noise.",
        frozenset({"load_image", "gaussian_psf", "blur", "add_noise"}),
    ),
    Step(
        "What is unknown",
        "Add a <b>Variable</b>: the sharp picture x that is looked for. Wire the noisy picture "
        "into <b>shape of</b>, so that x has as many pixels.",
        frozenset({"variable"}),
    ),
    Step(
        "What the answer must explain",
        "A <b>Convolution</b> of x with the kernel should give what was seen. Wire it into a "
        "<b>Sum of squares</b>, and the noisy picture into its <b>minus</b>. Watch the formula "
        "grow above the canvas.",
        frozenset({"conv", "sum_squares"}),
    ),
    Step(
        "What is likely",
        "Photographs have few edges: wire x through a <b>Gradient</b> into an <b>L1 norm</b>. "
        "Light is never negative: <b>Not negative</b>. Wire all three terms into a <b>Problem</b>.",
        frozenset({"grad", "norm1", "nonneg", "problem"}),
    ),
    Step(
        "Solve it",
        "Wire the problem into <b>ADMM</b>, the noisy picture into <b>start</b>, the photograph "
        "into <b>ground truth</b>, and the solution into a <b>View</b>. Then press <b>Run</b> (F5) "
        "and watch. The script below is what runs: take it with you.",
        frozenset({"admm", "view_image"}),
    ),
)


def _wanted(example: Document, step: int) -> tuple[list[Node], list[Wire]]:
    """The nodes of a step, and the wires that can be there once it is done."""
    types = frozenset().union(*(s.types for s in STEPS[: step + 1]))
    nodes = [node for node in example.nodes if node.type in STEPS[step].types]
    known = {node.id for node in example.nodes if node.type in types}
    wires = [w for w in example.wires if w.source in known and w.target in known]
    return nodes, wires


def missing(document: Document, step: int, example: Document | None = None) -> Sequence[str]:
    """What a step still lacks, in words; empty once it is done."""
    example = example or files.load(_EXAMPLE)
    nodes, wires = _wanted(example, step)
    have = {node.type for node in document.nodes}
    lacking = [node.title for node in nodes if node.type not in have]
    if lacking:
        return list(dict.fromkeys(lacking))
    kinds = {node.id: node.type for node in document.nodes}
    joined = {(kinds[w.source], w.output, kinds[w.target], w.input) for w in document.wires}
    found = []
    for wire in wires:
        source, target = example.node(wire.source), example.node(wire.target)
        if (source.type, wire.output, target.type, wire.input) not in joined:
            port = target.spec.input(wire.input) if target.spec else None
            into = f"{target.title}, {port.title}" if port is not None else target.title
            found.append(f"{source.title} → {into}")
    return found


def perform(document: Document, step: int, example: Document | None = None) -> Macro | None:
    """The command that does a step; nodes that are there already are used."""
    example = example or files.load(_EXAMPLE)
    nodes, wires = _wanted(example, step)
    commands: list[Command] = []
    trial = document.copy()
    of: dict[str, str] = {}
    for theirs in example.nodes:
        mine = next((n.id for n in trial.nodes if n.type == theirs.type), None)
        if mine is None and theirs in nodes:
            node = new_node(trial, theirs.type, position=theirs.position)
            node = replace(node, parameters=theirs.parameters)
            commands.append(AddNode(node))
            trial.insert_node(len(trial), node)
            mine = node.id
        if mine is not None:
            of[theirs.id] = mine
    for wire in wires:
        if wire.source in of and wire.target in of:
            ends = (of[wire.source], wire.output, of[wire.target], wire.input)
            if not any(w.ends == ends for w in trial.wires):
                commands.append(Connect(*ends))
    return Macro(f"Tour: {STEPS[step].title.lower()}", tuple(commands)) if commands else None


class TourBar(QFrame):
    """The step that is on, above the canvas.

    Signals:
        ended: the tour is over, or was left.
        performed: a step was done for the person.
    """

    ended = Signal()
    performed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.step = 0
        self._example = files.load(_EXAMPLE)
        self.setObjectName("tour")
        self.setAccessibleName("Tour")
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.do = QPushButton("Do it for me")
        self.do.setToolTip("Add what this step still lacks (can be undone)")
        self.next = QPushButton("Next")
        self.next.setToolTip("Go on to the next step")
        self.leave = QPushButton("End the tour")
        self.leave.setToolTip("The graph stays as it is")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(self.text, 1)
        for button, call in (
            (self.do, self.perform),
            (self.next, self.go_on),
            (self.leave, self.end),
        ):
            button.setAccessibleName(button.text())
            button.clicked.connect(lambda _=False, c=call: c())
            row.addWidget(button)
        session.derived.connect(self.refresh)
        session.replaced.connect(self.end)
        theme.signals().changed.connect(self.refresh)
        self.refresh()

    @property
    def done(self) -> bool:
        """Whether the step that is on has all it asks for."""
        return not missing(self.session.document, self.step, self._example)

    def refresh(self, _: Any = None) -> None:
        """Say what the step asks for, or that it is done."""
        step, tokens = STEPS[self.step], theme.current()
        lacking = missing(self.session.document, self.step, self._example)
        last = self.step == len(STEPS) - 1
        if lacking:
            shown = ", ".join(lacking[:4]) + (" …" if len(lacking) > 4 else "")
            state = f"<span style='color:{tokens.muted}'>Still to do: {shown}</span>"
        else:
            more = "Press Run (F5)." if last else "Go on with Next."
            state = f"<span style='color:{tokens.success}'>✓ Done. {more}</span>"
        number = f"{self.step + 1} of {len(STEPS)}"
        self.text.setText(f"<b>{number} · {step.title}.</b> {step.words}<br>{state}")
        self.do.setEnabled(bool(lacking))
        self.next.setEnabled(not lacking and not last)

    def perform(self) -> None:
        """Do the step for the person."""
        command = perform(self.session.document, self.step, self._example)
        if command is not None:
            self.session.do(command)
            self.session.derive()
            self.performed.emit()

    def go_on(self) -> None:
        """The next step."""
        self.step = min(self.step + 1, len(STEPS) - 1)
        self.refresh()

    def end(self) -> None:
        """Leave the tour."""
        if not self.isHidden():
            self.hide()
            self.session.derived.disconnect(self.refresh)
            self.session.replaced.disconnect(self.end)
            self.ended.emit()
            self.deleteLater()
