"""From an exception to a sentence in the language of the model, and to the node that caused it."""

from __future__ import annotations

import errno
import re
import traceback
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Literal

import torch

import dprox_core as dp
from app.engine.protocol import Piece, Program

__all__ = ["Failure", "failure_of", "piece_at"]

Kind = Literal["document", "solve", "disk"]
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}


@dataclass(frozen=True)
class Failure:
    """What went wrong.

    Attributes:
        piece: the part of the script at fault, if it is known.
        sentence: what is wrong and what to do.
        details: the traceback.
        kind: ``"document"`` where the document or the call has to be changed, ``"solve"`` where
            the computation itself failed, ``"disk"`` where there was no room to write.
        errno: what the system said, if it was the system.
    """

    piece: Piece | None
    sentence: str
    details: str
    kind: Kind
    errno: int | None = None


def failure_of(error: BaseException, program: Program, fallback: Piece | None = None) -> Failure:
    """Describe an exception that a script raised.

    Args:
        error: the exception, with its traceback.
        program: the script.
        fallback: the statement that was being executed, should the traceback not tell more.
    """
    sentence, kind = _sentence(error)
    number = _errno(error)
    if number in _NO_ROOM:
        kind = "disk"
    piece = _place(error, program) or fallback
    details = "".join(traceback.format_exception(_trimmed(error, program)))
    return Failure(piece, sentence, details, kind, number)


def _errno(error: BaseException | None) -> int | None:
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        error = error.__cause__
    return None


def _sentence(error: BaseException) -> tuple[str, Kind]:
    if _is_out_of_memory(error):
        return _memory_sentence(error), "solve"
    if isinstance(error, dp.DproxError):
        return str(error), "document"
    if isinstance(error, SyntaxError):
        return f"The script is not valid Python: {error.msg} (line {error.lineno}).", "document"
    if isinstance(error, NameError):
        name = getattr(error, "name", None) or "a name"
        return f"{name} is not defined: something is not wired, or failed before.", "document"
    if isinstance(error, RecursionError):
        return "The script calls itself without end.", "solve"
    if isinstance(error, SystemExit):
        return "The script ended itself before it was done.", "solve"
    if isinstance(error, OSError):
        where = f" “{error.filename}”" if error.filename else ""
        return f"A file{where} could not be used: {error.strerror or error}.", "solve"
    text = " ".join(str(error).split())
    if len(text) > 400:
        text = text[:400] + " …"
    return f"{type(error).__name__}: {text}" if text else f"{type(error).__name__}.", "solve"


def _is_out_of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
            return True
        text = str(error)
        if isinstance(error, RuntimeError) and (
            "DefaultCPUAllocator" in text
            or "not enough memory" in text
            or "out of memory" in text.lower()
        ):
            return True
        if isinstance(error, dp.DeviceError) and "memory" in text.lower():
            return True
        error = error.__cause__
    return False


def _memory_sentence(error: BaseException) -> str:
    if isinstance(error, dp.DproxError):
        return str(error)
    text = str(error)
    device = "the graphics card" if "CUDA" in text else "this machine"
    asked = re.search(r"allocate ([0-9.]+ ?\w+)", text)
    amount = f" ({_size(asked.group(1))} more were asked for)" if asked else ""
    other = ' or choose the device "cpu"' if "CUDA" in text else ""
    return (
        f"There is not enough memory on {device}{amount}: load the image at a smaller size{other}."
    )


def _size(text: str) -> str:
    """A byte count as people say it; PyTorch writes "8000000000 bytes" or "7.45 GiB"."""
    number, _, unit = text.partition(" ")
    if unit not in ("bytes", ""):
        return text
    value, index = float(number), 0
    units = ("bytes", "KiB", "MiB", "GiB", "TiB")
    while value >= 1024 and index < len(units) - 1:
        value, index = value / 1024, index + 1
    return f"{value:.3g} {units[index]}"


def _frames(error: BaseException, program: Program) -> list[TracebackType]:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == program.name:
            frames.append(trace)
        trace = trace.tb_next
    return frames


def _trimmed(error: BaseException, program: Program) -> BaseException:
    """The exception with a traceback that begins in the script, not in what executes it."""
    frames = _frames(error, program)
    return error.with_traceback(frames[0]) if frames else error


def _place(error: BaseException, program: Program) -> Piece | None:
    if isinstance(error, SyntaxError) and error.lineno:
        return piece_at(program, (error.lineno, 0, error.lineno, 0))
    for trace in reversed(_frames(error, program)):
        positions = trace.tb_frame.f_code.co_positions()
        line, end_line, column, end_column = next(
            islice(positions, trace.tb_lasti // 2, None), (None, None, None, None)
        )
        line = line or trace.tb_lineno
        lines = program.text.splitlines()
        start = _characters(lines, line, column)
        end = _characters(lines, end_line or line, end_column)
        piece = piece_at(program, (line, start, end_line or line, end))
        if piece is not None:
            return piece
    return None


def _characters(lines: list[str], line: int, column: int | None) -> int:
    """A column in characters; Python counts bytes of UTF-8."""
    if column is None or not 0 < line <= len(lines):
        return 0
    return len(lines[line - 1].encode()[:column].decode(errors="replace"))


def piece_at(program: Program, stretch: tuple[int, int, int, int]) -> Piece | None:
    """The innermost part of the script that holds a stretch (line, column, end line, column)."""
    holding = [piece for piece in program.pieces if piece.holds(stretch)]
    if not holding:
        return None
    # Of nested stretches, the one that begins last and ends first.
    return max(holding, key=lambda p: (p.line, p.column, -p.end_line, -p.end_column, not p.whole))
