"""Shapes, orders of axes, indices and small matrices, as people type them and scripts write them.

Parsed with rules of their own, never executed.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType

from nodes.arithmetic import evaluate

__all__ = ["GRAMMARS", "Grammar", "Index", "indices", "numbers", "whole_numbers"]

Index = int | slice | EllipsisType

_LONGEST = 40_000
# A larger one belongs into a file.
_MOST_NUMBERS = 1024
_MOST_AXES = 8
_SLICE = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(\d+)?\s*)?")
_WHOLE = re.compile(r"\s*[-−]?\d{1,9}\s*")


@dataclass(frozen=True)
class Grammar:
    """What a text may say, and how it is written in a script.

    Attributes:
        values: the kind of value, in words.
        source: the source text that a typed text means.
        text: the text that a person would have typed for a source; None where it is none.

    Both raise ValueError with the end of a sentence, "must be …".
    """

    values: str
    source: Callable[[str], str]
    text: Callable[[ast.expr], str | None]


def whole_numbers(text: str) -> tuple[int, ...]:
    """The whole numbers of a text, separated by commas or ×.

    Raises:
        ValueError: with the end of a sentence.

    Example:
        >>> whole_numbers("1, 3, -1")
        (1, 3, -1)
    """
    pieces = re.split(r"[,×]", _stripped(text))
    if pieces and not pieces[-1].strip():
        pieces.pop()  # (3,) is what Python writes for one
    wrong = next((piece for piece in pieces if not _WHOLE.fullmatch(piece)), None)
    if wrong is not None or not pieces:
        raise ValueError(f"must be whole numbers such as 1, 3, 64, not {_quoted(text)}")
    if len(pieces) > _MOST_AXES:
        raise ValueError(f"must be at most {_MOST_AXES} numbers, not {len(pieces)}")
    return tuple(int(piece.replace("−", "-")) for piece in pieces)


def indices(text: str) -> tuple[Index, ...]:
    """What a text such as ``0, 2:5, ...`` picks, one entry an axis.

    Raises:
        ValueError: with the end of a sentence.

    Example:
        >>> indices("0, 2:5")
        (0, slice(2, 5, None))
    """
    found: list[Index] = []
    pieces = _stripped(text, "[]()").split(",")
    if len(pieces) > 1 and not pieces[-1].strip():
        pieces.pop()
    for piece in pieces:
        cut = _SLICE.fullmatch(piece)
        if piece.strip() in ("...", "…"):
            found.append(...)
        elif cut is not None:
            start, stop, step = (int(n) if n else None for n in cut.groups())
            if step == 0:
                raise ValueError("must step forward by 1 or more, not by 0")
            found.append(slice(start, stop, step))
        elif _WHOLE.fullmatch(piece):
            found.append(int(piece.replace("−", "-")))
        else:
            raise ValueError(
                f"must be whole numbers and ranges such as 0, 2:5, ::2, not {_quoted(text)}"
            )
    if sum(item is ... for item in found) > 1:
        raise ValueError("must hold ... once at most")
    if len(found) > _MOST_AXES:
        raise ValueError(f"must be at most {_MOST_AXES} entries, not {len(found)}")
    return tuple(found)


def numbers(text: str) -> list[float] | list[list[float]]:
    """A vector or, with rows separated by semicolons or lines, a matrix.

    Raises:
        ValueError: with the end of a sentence.

    Example:
        >>> numbers("1, 0; 0, 1/2")
        [[1.0, 0.0], [0.0, 0.5]]
    """
    if len(text) > _LONGEST:
        raise ValueError("must be shorter: put so many numbers into a file")
    plain = text.strip()
    if plain.startswith("["):
        plain = re.sub(r"\]\s*,\s*\[", ";", plain).replace("[", "").replace("]", "")
    rows = [row for row in re.split(r"[;\n]", plain) if row.strip()]
    found: list[list[float]] = []
    for row in rows:
        pieces = row.split(",") if "," in row else row.split()
        if len(pieces) > 1 and not pieces[-1].strip():
            pieces.pop()
        values = [evaluate(piece.replace("−", "-")) for piece in pieces]
        wrong = next((p for p, v in zip(pieces, values, strict=True) if v is None), None)
        if wrong is not None:
            raise ValueError(
                "must be numbers, with semicolons between rows, such as 1, 0; 0, 1, and "
                f"{_quoted(wrong)} is none"
            )
        found.append([value for value in values if value is not None])
    if not found:
        raise ValueError("must hold at least one number")
    if len({len(row) for row in found}) > 1:
        lengths = ", ".join(str(len(row)) for row in found)
        raise ValueError(f"must have rows of one length, and they have {lengths} numbers")
    if len(found) * len(found[0]) > _MOST_NUMBERS:
        raise ValueError(f"must be at most {_MOST_NUMBERS} numbers: put more into a file")
    return found if ";" in plain or len(found) > 1 else found[0]


def _stripped(text: str, brackets: str = "()[]") -> str:
    plain = text.strip()
    for begin, end in zip(brackets[::2], brackets[1::2], strict=True):
        if plain.startswith(begin) and plain.endswith(end):
            return plain[1:-1].strip()
    return plain


def _quoted(text: str) -> str:
    plain = " ".join(text.split())
    return f'"{plain if len(plain) <= 40 else plain[:37] + "…"}"' if plain else "empty"


def _tuple(values: tuple[int, ...]) -> str:
    return f"({values[0]},)" if len(values) == 1 else "(" + ", ".join(map(str, values)) + ")"


def _shape_source(text: str) -> str:
    extents = whole_numbers(text)
    if extents.count(-1) > 1 or any(n < 1 and n != -1 for n in extents):
        raise ValueError(
            "must be whole numbers from 1, one of them -1 for what is left, "
            f"not {', '.join(map(str, extents))}"
        )
    return _tuple(extents)


def _order_source(text: str) -> str:
    axes = whole_numbers(text)
    if len(set(axes)) < len(axes):
        raise ValueError(f"must name each axis once, not {', '.join(map(str, axes))}")
    return _tuple(axes)


def _pieces_source(text: str) -> str:
    sizes = whole_numbers(text)
    if any(n < 1 for n in sizes):
        raise ValueError(f"must be whole numbers from 1, not {', '.join(map(str, sizes))}")
    return str(sizes[0]) if len(sizes) == 1 else "[" + ", ".join(map(str, sizes)) + "]"


def _index_source(text: str) -> str:
    pieces = []
    for item in indices(text):
        if isinstance(item, slice):
            ends = [("" if n is None else str(n)) for n in (item.start, item.stop)]
            pieces.append(":".join(ends) + ("" if item.step is None else f":{item.step}"))
        else:
            pieces.append("..." if item is ... else str(item))
    return ", ".join(pieces)


def _numbers_source(text: str) -> str:
    return repr(numbers(text))


def _ints_text(place: ast.expr) -> str | None:
    try:
        value = ast.literal_eval(place)
    except (ValueError, TypeError, SyntaxError):
        return None
    held = value if isinstance(value, tuple | list) else (value,)
    if not held or not all(isinstance(n, int) and not isinstance(n, bool) for n in held):
        return None
    return ", ".join(map(str, held))


def _index_text(place: ast.expr) -> str | None:
    match place:
        case ast.Tuple(elts=elements) if elements:
            pieces = [_index_text(element) for element in elements]
            return ", ".join(p for p in pieces if p) if all(pieces) else None
        case ast.Constant(value=value) if value is ...:
            return "..."
        case ast.Slice(lower=lower, upper=upper, step=step):
            ends = _end_texts([lower, upper, step][: 3 if step else 2])
            return None if ends is None else ":".join(ends)
        case ast.Call(func=ast.Name(id="slice"), args=[*given], keywords=[]) if given:
            shown = _end_texts(given)
            if shown is None or len(shown) > 3:
                return None
            ends = ["", *shown] if len(shown) == 1 else shown
            ends = ends[:2] if not ends[2:] or not ends[2] else ends
            return ":".join(ends)
    found = _ints_text(place)
    return found if found is not None and "," not in found else None


def _end_texts(places: Sequence[ast.expr | None]) -> list[str] | None:
    """All of them, None where one is none."""
    found = [text for text in map(_end_text, places) if text is not None]
    return found if len(found) == len(places) else None


def _end_text(place: ast.expr | None) -> str | None:
    if place is None or (isinstance(place, ast.Constant) and place.value is None):
        return ""
    return _ints_text(place)


def _numbers_text(place: ast.expr) -> str | None:
    try:
        value = ast.literal_eval(place)
    except (ValueError, TypeError, SyntaxError):
        return None
    rows = value if isinstance(value, list | tuple) else None
    if not rows:
        return None
    nested = all(isinstance(row, list | tuple) for row in rows)
    table = rows if nested else [rows]
    if not all(row and all(_plain(n) for n in row) for row in table):
        return None
    lines = [", ".join(_number_text(n) for n in row) for row in table]
    # One row of a matrix is told from a vector by its semicolon.
    return "; ".join(lines) + (";" if nested and len(lines) == 1 else "")


def _plain(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def _number_text(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(value)


GRAMMARS: Mapping[str, Grammar] = {
    "shape": Grammar("extents such as 1, 3, -1", _shape_source, _ints_text),
    "order": Grammar("axes such as 0, 1, 3, 2", _order_source, _ints_text),
    "pieces": Grammar("a number of pieces, or their lengths", _pieces_source, _ints_text),
    "index": Grammar("whole numbers and ranges such as 0, 2:5", _index_source, _index_text),
    "numbers": Grammar("numbers, with semicolons between rows", _numbers_source, _numbers_text),
}
"""The name in ``Parameter.grammar`` → what such a text may say."""
