"""Pieces of a script, each owned by a node, and how they are laid out on lines of 100 columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload

__all__ = [
    "WIDTH",
    "Call",
    "Items",
    "Name",
    "Part",
    "Piece",
    "Printer",
    "Product",
    "Span",
    "Spans",
    "Sum",
    "block",
    "flat",
    "quote",
    "width",
]

WIDTH = 100
_INDENT = "    "


@dataclass(frozen=True)
class Span:
    """Where a node is written: lines from 1, columns from 0, the end column not included.

    Columns count characters, as editors do.
    """

    node: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True)
class Name:
    """A name or a literal."""

    text: str
    owner: str | None = None


@dataclass(frozen=True)
class Call:
    """A call; arguments are (keyword or None, piece)."""

    head: str
    arguments: Sequence[tuple[str | None, Piece]]
    owner: str | None = None


@dataclass(frozen=True)
class Sum:
    """Operands with "+" or "-" between them."""

    operands: Sequence[Piece]
    operators: Sequence[str]
    owner: str | None = None


@dataclass(frozen=True)
class Product:
    """A literal factor times a piece."""

    factor: str
    operand: Piece
    owner: str | None = None


@dataclass(frozen=True)
class Items:
    """A list."""

    pieces: Sequence[Piece]
    owner: str | None = None


@dataclass(frozen=True)
class Part:
    """A piece with an index behind it."""

    operand: Piece
    index: str
    owner: str | None = None


Piece = Name | Call | Sum | Product | Items | Part


def quote(text: str) -> str:
    """A string literal as the formatter writes it."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    body = []
    for character in text:
        if character in ("\\", mark):
            body.append("\\" + character)
        elif character.isprintable():
            body.append(character)
        else:
            body.append(repr(character)[1:-1])
    return mark + "".join(body) + mark


def width(text: str) -> int:
    """Columns that a text takes on the screen: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.category(c) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(c) in "WF"
        else 1
        for c in text
    )


def flat(piece: Piece) -> str:
    """The piece on one line; pieces never change, so each is written once."""
    known: str | None = piece.__dict__.get("_flat")
    if known is None:
        printer = Printer()
        printer.put(piece)
        known = printer.text
        object.__setattr__(piece, "_flat", known)
    return known


def block(target: str, piece: Piece) -> Printer:
    """A statement on lines of its own, counted from 1; written once for each target."""
    known: tuple[str, Printer] | None = piece.__dict__.get("_block")
    if known is None or known[0] != target:
        printer = Printer()
        printer.statement(target, piece)
        printer.spans.sort(key=lambda s: (s.line, s.column, -s.end_line, -s.end_column))
        known = (target, printer)
        object.__setattr__(piece, "_block", known)
    return known[1]


class Spans(Sequence[Span]):
    """The spans of blocks one below the other; counted out when somebody asks.

    Args:
        blocks: the line before each block's first, and the block.
    """

    def __init__(self, blocks: Sequence[tuple[int, Printer]]) -> None:
        self._blocks = blocks

    @cached_property
    def _all(self) -> tuple[Span, ...]:
        return tuple(
            Span(s.node, s.line + above, s.column, s.end_line + above, s.end_column)
            for above, block in self._blocks
            for s in block.spans
        )

    @overload
    def __getitem__(self, index: int) -> Span: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Span]: ...

    def __getitem__(self, index: int | slice) -> Span | Sequence[Span]:
        return self._all[index]

    def __len__(self) -> int:
        return len(self._all)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._all == tuple(other)

    def __hash__(self) -> int:
        return hash(self._all)


@dataclass
class Printer:
    """Writes pieces and remembers where each node's begin and end."""

    lines: list[str] = field(default_factory=lambda: [""])
    spans: list[Span] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Everything written."""
        return "\n".join(self.lines)

    def write(self, text: str) -> None:
        """Continue the line."""
        self.lines[-1] += text

    def newline(self, depth: int = 0) -> None:
        """Begin a line."""
        self.lines.append(_INDENT * depth)

    def statement(self, target: str, piece: Piece) -> None:
        """One statement, ``target = piece`` or the bare piece, broken where it is too long."""
        prefix = f"{target} = " if target else ""
        self.write(prefix)
        if width(prefix) + width(flat(piece)) <= WIDTH:
            self.put(piece)
        else:
            self._broken(piece)

    def put(self, piece: Piece) -> None:
        """A piece on the present line."""
        start = (len(self.lines), len(self.lines[-1]))
        match piece:
            case Name(text):
                self.write(text)
            case Call(head, arguments):
                self.write(head + "(")
                for index, (keyword, argument) in enumerate(arguments):
                    self.write(", " if index else "")
                    self.write(f"{keyword}=" if keyword else "")
                    self.put(argument)
                self.write(")")
            case Sum(operands, operators):
                for index, operand in enumerate(operands):
                    self.write(f" {operators[index - 1]} " if index else "")
                    # a - (b + c) needs its parentheses, and (a + b) + c is written as it was made.
                    self._operand(operand, parenthesize=isinstance(operand, Sum) and index > 0)
            case Product(factor, operand):
                self.write(f"{factor} * ")
                self._operand(operand, parenthesize=isinstance(operand, Sum | Product))
            case Items(pieces):
                self.write("[")
                for index, item in enumerate(pieces):
                    self.write(", " if index else "")
                    self.put(item)
                self.write("]")
            case Part(operand, where):
                self._operand(operand, parenthesize=isinstance(operand, Sum | Product))
                self.write(f"[{where}]")
        self._mark(piece, start)

    def _operand(self, piece: Piece, parenthesize: bool) -> None:
        self.write("(" if parenthesize else "")
        self.put(piece)
        self.write(")" if parenthesize else "")

    def _mark(self, piece: Piece, start: tuple[int, int]) -> None:
        if piece.owner is not None:
            end = (len(self.lines), len(self.lines[-1]))
            self.spans.append(Span(piece.owner, *start, *end))

    def _broken(self, piece: Piece) -> None:
        start = (len(self.lines), len(self.lines[-1]))
        match piece:
            case Call(head, arguments):
                self._broken_call(head, arguments)
            case Product(factor, Call(head, arguments)):
                self.write(f"{factor} * ")
                self._broken_call(head, arguments)
            case _:
                self.write("(")
                self.newline(1)
                if len(_INDENT) + width(flat(piece)) <= WIDTH:
                    self.put(piece)
                else:
                    self._broken_sum(piece, 1)
                self.newline()
                self.write(")")
        self._mark(piece, start)

    def _broken_call(self, head: str, arguments: Sequence[tuple[str | None, Piece]]) -> None:
        self.write(head + "(")
        joined = ", ".join((f"{k}=" if k else "") + flat(a) for k, a in arguments)
        if len(_INDENT) + width(joined) <= WIDTH:
            self.newline(1)
            for index, (keyword, argument) in enumerate(arguments):
                self.write(", " if index else "")
                self.write(f"{keyword}=" if keyword else "")
                self.put(argument)
        elif len(arguments) == 1 and not isinstance(arguments[0][1], Items):
            self.newline(1)
            keyword, argument = arguments[0]
            self.write(f"{keyword}=" if keyword else "")
            self._broken_sum(argument, 1)
        else:
            for keyword, argument in arguments:
                self.newline(1)
                self.write(f"{keyword}=" if keyword else "")
                self._element(argument, 1)
                # The formatter ends what stands alone in its brackets without a comma.
                self.write("," if len(arguments) > 1 else "")
        self.newline()
        self.write(")")

    def _element(self, piece: Piece, depth: int) -> None:
        """What stands on lines of its own: a list that is too long has one entry a line."""
        if not isinstance(piece, Items) or width(self.lines[-1] + flat(piece)) < WIDTH:
            self.put(piece)
            return
        self.write("[")
        for item in piece.pieces:
            self.newline(depth + 1)
            self._element(item, depth + 1)
            self.write(",")
        self.newline(depth)
        self.write("]")

    def _broken_sum(self, piece: Piece, depth: int) -> None:
        if isinstance(piece, Product):
            self.write(piece.factor)
            self.newline(depth)
            self.write("* ")
            self.put(piece.operand)
            return
        if not isinstance(piece, Sum):
            self.put(piece)
            return
        for index, operand in enumerate(piece.operands):
            if index:
                self.newline(depth)
                self.write(f"{piece.operators[index - 1]} ")
            self._operand(operand, parenthesize=isinstance(operand, Sum) and index > 0)
