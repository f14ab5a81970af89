"""The help page of a node type: what it does, its parameters with ranges, where to try it."""

from __future__ import annotations

from functools import cache
from html import escape

from nodes import files
from nodes.errors import NodesError
from nodes.modes import through
from nodes.spec import NodeSpec

__all__ = ["examples_of", "help_page"]


@cache
def _by_type() -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for name in files.examples():
        try:
            document = files.load(f"example:{name}")
        except NodesError:
            continue
        for kind in dict.fromkeys(node.type for node in document.nodes):
            found.setdefault(kind, []).append((name, document.title or name))
    return {kind: tuple(names) for kind, names in found.items()}


def examples_of(kind: str) -> tuple[tuple[str, str], ...]:
    """Name and title of the examples that hold a node type."""
    return _by_type().get(kind, ())


def help_page(spec: NodeSpec) -> str:
    """The page as rich text; a link of the form ``example:NAME`` opens that example."""
    parts = [spec.help().html()]
    if spec.parameters:
        rows = "".join(
            f"<tr><td><b>{escape(p.title)}</b>&nbsp;&nbsp;</td><td>{escape(p.range_text)}"
            f"{' ' + escape(p.unit) if p.unit else ''}; default {escape(p.show(p.default))}"
            "</td></tr>"
            for p in spec.parameters
        )
        parts.append(f"<p><b>Parameters</b></p><table>{rows}</table>")
    port = through(spec)
    passed = spec.input(port) if port else None
    parts.append(
        "<p>Switched off (M) it is left out with its wires"
        + (f"; passed by (B) it hands its input “{escape(passed.title)}” through" if passed else "")
        + ".</p>"
    )
    shown = examples_of(spec.type)[:3]
    if shown:
        links = ", ".join(f"<a href='example:{name}'>{escape(title)}</a>" for name, title in shown)
        parts.append(f"<p><b>Open an example:</b> {links}</p>")
    return "\n".join(part for part in parts if part)
