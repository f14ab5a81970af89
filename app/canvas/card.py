"""What a node item shows, apart from how it is painted."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtGui import QPixmap

from nodes.catalogue import CATEGORIES
from nodes.document import Node
from nodes.groups import ENTRY, EXIT

__all__ = ["Card", "CardPort", "holds_picture"]

#: What is said about a node that does not take part.
MODE_WORDS = {
    "off": "Switched off: left out (M)",
    "bypass": "Passed by: hands its input through (B)",
}

_PICTURES = {"image", "kernel", "mask", "solution"}


@dataclass(frozen=True)
class CardPort:
    """A port as drawn: its name in the document, its words and what flows through it."""

    name: str
    title: str
    kind: str
    multiple: bool = False
    optional: bool = False
    help: str = ""


#: Inputs and outputs.
Ports = tuple[tuple[CardPort, ...], tuple[CardPort, ...]]


@dataclass
class Card:
    """Everything a node item shows.

    Attributes:
        state: "idle", "running", "paused", "done", "failed", or "stale": done before an edit.
        progress: share of the iterations done, on a solver that runs.
        thumbnail: the node's picture, if it has one.
        pictured: whether room is kept for a picture.
        severity: of the worst issue: "error", "warning", "hint" or "".
        issues: their sentences.
        seconds: how long its statement took when it was last computed.
    """

    id: str
    title: str = ""
    name: str = ""
    colour: str = "#999999"
    icon: str = "mdi6.help-circle-outline"
    summary: str = ""
    inputs: tuple[CardPort, ...] = ()
    outputs: tuple[CardPort, ...] = ()
    placeholder: bool = False
    mode: str = ""
    state: str = "idle"
    progress: float | None = None
    progress_text: str = ""
    thumbnail: QPixmap | None = None
    pictured: bool = False
    severity: str = ""
    issues: tuple[str, ...] = field(default=())
    seconds: float | None = None

    def describe(
        self, node: Node, ports: tuple[tuple[CardPort, ...], tuple[CardPort, ...]]
    ) -> None:
        """Take over what the document says about the node."""
        spec = node.spec
        category = CATEGORIES.get(spec.category) if spec else None
        self.title = node.title
        self.name = node.name
        self.colour = category.colour if category else "#999999"
        self.icon = spec.icon if spec else "mdi6.help-circle-outline"
        self.summary = node.summary
        self.inputs, self.outputs = ports
        self.placeholder = node.is_placeholder
        self.mode = node.mode
        self.pictured = holds_picture(node)

    @property
    def tooltip(self) -> str:
        """A few lines of rich text."""
        from html import escape

        lines = [f"<b>{escape(self.title)}</b> · <code>{escape(self.name)}</code>"]
        if self.seconds is not None and self.state == "done":
            lines.append(f"Computed in {_duration(self.seconds)}")
        if self.mode:
            lines.append(MODE_WORDS[self.mode])
        lines += [escape(sentence) for sentence in self.issues]
        return "<br>".join(lines)


def _duration(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def holds_picture(node: Node) -> bool:
    """Whether a node's value is, or shows, an image."""
    spec = node.spec
    if spec is None:
        return False
    if spec.category == "views":
        return True
    if node.type in (ENTRY, EXIT):
        return False  # what a port carries is shown where it comes from
    return any(str(port.type) in _PICTURES for port in spec.outputs)
