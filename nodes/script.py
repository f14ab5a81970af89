"""The script that a document means, and which node every part of it comes from."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nodes import __version__
from nodes.analysis import Analysis
from nodes.checks import check
from nodes.code import WIDTH, Printer, Span, Spans, block, flat, width
from nodes.document import Document
from nodes.errors import ScriptError
from nodes.flatten import flatten, meant
from nodes.render import Renderer
from nodes.spec import Form, PortType

__all__ = ["Script", "Span", "Statement", "generate"]

_DATA, _MODEL, _SOLVE, _OUTPUT = range(4)
_DATA_TYPES = (
    *(PortType.IMAGE, PortType.KERNEL, PortType.MASK),
    *(PortType.ARRAY, PortType.MATRIX, PortType.PROGRAM),
)


@dataclass(frozen=True)
class Statement:
    """One statement of the script; lines count from 1, the last one included."""

    node: str
    name: str
    first_line: int
    last_line: int


@dataclass(frozen=True)
class Script:
    """A script with its source map.

    Attributes:
        text: the whole text, ending in a newline.
        statements: in order, one for each node that is not written inside another.
        spans: where each node is written, outer ones before the inner ones they hold.
    """

    text: str
    statements: tuple[Statement, ...]
    spans: Sequence[Span]

    def node_at(
        self,
        line: int,
        column: int | None = None,
        end_line: int | None = None,
        end_column: int | None = None,
        utf8: bool = False,
    ) -> str | None:
        """The node written at a place: the innermost that holds it.

        Args:
            line: from 1.
            column: from 0; without it the statement's node.
            end_line, end_column: the end of a range, as a traceback gives it.
            utf8: columns count bytes, as ``ast`` and tracebacks do, not characters.

        Returns:
            The node's id, or None where no node is written.
        """
        statement = next((s for s in self.statements if s.first_line <= line <= s.last_line), None)
        if statement is None:
            return None
        if column is None:
            return statement.node
        start = (line, self._character(line, column) if utf8 else column)
        last = line if end_line is None else end_line
        if end_column is None:
            end = (start[0], start[1] + 1)
        else:
            end = (last, self._character(last, end_column) if utf8 else end_column)
        inside = [
            span
            for span in self.spans
            if (span.line, span.column) <= start and end <= (span.end_line, span.end_column)
        ]
        return inside[-1].node if inside else statement.node

    def statement_of(self, node_id: str) -> Statement | None:
        """The statement that holds a node, also where it is written inside another."""
        for span in self.spans:
            if span.node == node_id:
                for statement in self.statements:
                    if statement.first_line <= span.line <= statement.last_line:
                        return statement
        return next((s for s in self.statements if s.node == node_id), None)

    def _character(self, line: int, column: int) -> int:
        lines = self.text.split("\n")
        if not 1 <= line <= len(lines):
            return column
        return len(lines[line - 1].encode()[:column].decode(errors="ignore"))


def generate(document: Document, base: Path | None = None, strict: bool = True) -> Script:
    """The script of a document: what Run, the command line and a terminal all execute.

    Args:
        document: the graph.
        base: the folder that the script's relative input paths start from; the document's own
            folder where None.
        strict: refuse a document with errors; otherwise write what is complete, and the rest
            as comments.

    Raises:
        ScriptError: ``strict``, and the document has errors.

    Example:
        >>> from nodes.files import load
        >>> print(generate(load("example:deconvolution")).text.splitlines()[1])
        import dprox_core as dp
    """
    if strict:
        errors = [issue for issue in check(document) if issue.severity == "error"]
        if errors:
            raise ScriptError(errors)
    return _Generator(document, base, strict).script()


class _Generator:
    def __init__(self, document: Document, base: Path | None, strict: bool) -> None:
        self.drawn, self.flat = document, flatten(document)
        self.document = document = meant(document)
        self.analysis = Analysis.of(document)
        self.strict = strict
        self.renderer = Renderer(self.analysis, _rebase(document, base))
        self.statements: list[Statement] = []
        self.blocks: list[tuple[int, Printer]] = []

    def script(self) -> Script:
        lines = _header(self.document)
        order = self.order()
        written = [n for n in order if n not in self.analysis.incomplete]
        if self.strict:
            order = written
        if written:
            lines += ["", "import dprox_core as dp"]
        self.decide(written)
        previous: int | None = None
        inside: tuple[str, ...] = ()
        for node_id in order:
            if node_id in self.renderer.inlined:
                continue
            group = self.group(node_id)
            uses = self.flat.path(node_id)[:-1]
            if group != previous or uses != inside:
                lines.append("")
                if uses:
                    lines.append(self.heading(uses))
            previous, inside = group, uses
            self.write(lines, node_id)
        if not self.strict and len(self.analysis.specs) < len(self.document):
            lines += [
                f"# {node.name}: the node type {_clean(node.type)!r} is not known."
                for node in self.document.nodes
                if node.is_placeholder
            ]
        return Script("\n".join(lines) + "\n", tuple(self.statements), Spans(self.blocks))

    def order(self) -> list[str]:
        """The nodes in the order of their statements."""
        document, analysis = self.document, self.analysis
        structure, order = document.kept.get("statements", (None, []))
        if structure != document.structure:
            order = [n for n in analysis.sorted(self.group) if n in analysis.specs]
            order += [n for n in analysis.looped if n in analysis.specs]
            document.kept["statements"] = (document.structure, order)
        return order

    def heading(self, uses: Sequence[str]) -> str:
        """The comment above what a group holds."""
        words = []
        for use in uses:
            node = self.drawn.node(use)
            words.append(f"{_clean(node.title)[:60]} ({node.name})")
        return "# " + ", ".join(words)

    def group(self, node_id: str) -> int:
        spec = self.analysis.specs.get(node_id)
        if spec is None:
            return _OUTPUT
        if spec.form in (Form.VIEW, Form.RECOVERED):
            return _OUTPUT
        if spec.form in (Form.PROBLEM, Form.SOLVE):
            return _SOLVE
        carried = self.analysis.types.get(node_id, {}).values()
        return _DATA if any(t in _DATA_TYPES for t in carried) else _MODEL

    def decide(self, written: Sequence[str]) -> None:
        """Write operators inside their consumer, as long as the line stays short enough."""
        inlined = self.renderer.inlined = self.renderer.may_inline()
        # Sources first, so that what is nested never grows beyond a line; a node that loses its
        # place inside another gets a statement of its own, which may be too long in turn.
        self.renderer.forget()
        pending = list(reversed(written))
        while pending:
            node_id = pending.pop()
            inside = [n for n in self.renderer.inside(node_id) if n in inlined]
            if not inside:
                continue
            target, piece = self.renderer.statement(node_id)
            prefix = f"{target} = " if target and node_id not in inlined else ""
            if width(prefix) + width(flat(piece)) > WIDTH:
                inlined.difference_update(inside)
                self.renderer.forget()
                pending += [node_id, *inside]

    def write(self, lines: list[str], node_id: str) -> None:
        target, piece = self.renderer.statement(node_id)
        if node_id in self.analysis.incomplete:
            lines.append("# " + (f"{target} = " if target else "") + flat(piece))
            return
        above, written = len(lines), block(target, piece)
        self.blocks.append((above, written))
        lines += written.lines
        name = self.document.node(node_id).name
        self.statements.append(Statement(node_id, name, above + 1, len(lines)))


def _rebase(document: Document, base: Path | None) -> Path | None:
    """The way from the script's folder to the document's; None where they are the same."""
    if base is None or document.path is None:
        return None
    start = os.path.abspath(base)
    home = document.path.absolute().parent
    try:
        way = os.path.relpath(home, start)
    except ValueError:
        # Another drive: only an absolute path leads there.
        way = str(home)
    return None if way == "." else Path(way)


def _header(document: Document) -> list[str]:
    version = ".".join(__version__.split(".")[:2])
    origin = f" from {_clean(document.path.name)}" if document.path else ""
    made = f"Made by dprox-studio {version}{origin}."
    title = _clean(document.title).rstrip(". ")
    if title:
        title += "" if title.endswith(("?", "!", "…")) else "."
    line = f'"""{title} {made}"""' if title else f'"""{made}"""'
    if len(line) <= WIDTH:
        return [line]
    wrapped = [*textwrap.wrap(title, WIDTH - 3), "", *textwrap.wrap(made, WIDTH)]
    return ['"""' + wrapped[0], *wrapped[1:], '"""']


def _clean(text: str) -> str:
    """Text that can stand in a docstring or a comment."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(plain.split()).replace("\\", "/").replace('"', "'")
