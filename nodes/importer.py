"""Script text → document, for scripts of the shape that ``generate`` writes.

The text is parsed, never run.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from nodes.binding import Binder
from nodes.document import Document
from nodes.errors import ImportScriptError
from nodes.layout import arrange
from nodes.making import Ref, Value
from nodes.names import name_problem

__all__ = ["import_script"]

_LIBRARY = "dprox_core"
_MADE = re.compile(r"\s*Made by dprox-studio [\d.]+( from .*)?\.\s*$", re.S)


def import_script(text: str, path: Path | None = None) -> Document:
    """The document that a script means.

    Understood is what ``generate`` writes, and what a person writes in the same words: one
    assignment a line, calls of library functions, sums of terms, a weight times a term, conditions
    such as ``x >= 0`` and ``A @ x == b``, shapes written out.

    Args:
        text: the script.
        path: the file that the document will belong to.

    Returns:
        A document laid out from left to right.

    Raises:
        ImportScriptError: something else was found; the sentence names its line.

    Example:
        >>> from nodes.files import load
        >>> from nodes.script import generate
        >>> script = generate(load("example:deconvolution"))
        >>> [node.name for node in import_script(script.text).nodes][:2]
        ['photo', 'kernel']
    """
    try:
        module = ast.parse(text)
    except SyntaxError as error:
        line = error.lineno or 1
        raise ImportScriptError(f"this is not valid Python ({error.msg}).", line) from None
    except (ValueError, RecursionError, MemoryError):
        raise ImportScriptError("the text is not a Python script.", 1) from None
    try:
        return _Importer(module, path).document()
    except RecursionError:
        raise ImportScriptError("an expression is nested too deeply.", 1) from None


class _Importer:
    def __init__(self, module: ast.Module, path: Path | None) -> None:
        self.body = list(module.body)
        self.result = Document(path=path)
        self.values: dict[str, Value] = {}
        self.alias = ""

    def document(self) -> Document:
        self._docstring()
        targets = {
            target.id
            for statement in self.body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
        self.binder = Binder(self.result, self.values, targets)
        for statement in self.body:
            match statement:
                case ast.Import() | ast.ImportFrom():
                    self._import(statement)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._assign(name, value)
                case ast.Assign(
                    targets=[ast.Tuple(elts=names)],
                    value=ast.Call(func=ast.Attribute(attr="split")) as call,
                ) if names and all(isinstance(name, ast.Name) for name in names):
                    self._pieces([name.id for name in names if isinstance(name, ast.Name)], call)
                case ast.Expr(value=ast.Call() as call):
                    self._expression(call)
                case _:
                    kind = type(statement).__name__.lower()
                    raise ImportScriptError(
                        f"a statement of the kind “{kind}” has no node: only assignments of one "
                        "name and calls of save_image can be drawn.",
                        statement.lineno,
                    )
        arrange(self.result)
        return self.result

    def _docstring(self) -> None:
        match self.body:
            case [ast.Expr(value=ast.Constant(value=str(text))), *_]:
                title = " ".join(_MADE.sub("", " ".join(text.split())).split())
                self.result.title = title.rstrip(". ")
                self.body.pop(0)

    def _import(self, statement: ast.Import | ast.ImportFrom) -> None:
        match statement:
            case ast.Import(names=[ast.alias(name="dprox_core", asname=alias)]):
                self.alias = alias or _LIBRARY
                self.binder.alias = self.alias
            case ast.ImportFrom(module="__future__"):
                pass
            case _:
                raise ImportScriptError(
                    "only “import dprox_core as dp” is understood; other libraries have no nodes.",
                    statement.lineno,
                )

    def _assign(self, name: str, value: ast.expr) -> None:
        problem = name_problem(name)
        if problem:
            raise ImportScriptError(problem, value.lineno)
        if name in self.values:
            raise ImportScriptError(
                f"{name} is assigned a second time: give each value a name of its own.",
                value.lineno,
            )
        self.values[name] = self.binder.value(value, name)

    def _pieces(self, names: list[str], call: ast.Call) -> None:
        """``low, high = dp.split(…)``: a node for each piece."""
        for index, name in enumerate(names):
            piece = ast.Subscript(call, ast.Constant(index), ast.Load())
            for node in (piece, piece.slice):
                ast.copy_location(node, call)
            self._assign(name, piece)

    def _expression(self, call: ast.Call) -> None:
        found = self.binder.value(call, None)
        if isinstance(found, Ref) and found.output:
            raise ImportScriptError(
                "the value of this call is not kept: give it a name, or remove the line.",
                call.lineno,
            )
