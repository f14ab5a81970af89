"""Executes a script statement by statement: in the worker, and in the command line's own process.

The script runs in one namespace, as ``python script.py`` would run it, under ``dp.session`` and
``dp.monitor``; whoever watches sees each node begin and end, its value, and each iteration.
Watching changes no arithmetic.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import linecache
import logging
import sys
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

import dprox_core as dp
from app.engine.protocol import Piece, Program
from app.engine.worker_cache import Cache, Kept
from app.engine.worker_failure import Failure, failure_of, piece_at

__all__ = ["Ending", "Observer", "SkipSolve", "execute"]

log = logging.getLogger(__name__)

_TAP = "__dprox_studio_value__"
# What PyTorch's generators start from in a fresh process: a warm worker starts each run there too.
_FRESH_SEED = 67280421310721
_SOLVING = {"solve", "compile"}
_FUTURE = 0
for _name in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _name).compiler_flag


class SkipSolve(BaseException):
    """Raised by an observer's ``solve_started``: the solve is compiled, and that is enough."""


class Observer:
    """What a run tells. A subclass overrides what it wants to know; ``node`` is a node's id."""

    def node_started(self, node: str) -> None:
        """The statement of this node begins."""

    def node_finished(self, node: str, seconds: float | None) -> None:
        """It is done; None for a node whose code is a part of another node's statement."""

    def node_value(self, node: str, value: object) -> None:
        """The value the node has given."""

    def solve_started(self, node: str | None, event: Any) -> None:
        """A problem is compiled and its iterations begin; may raise ``SkipSolve``."""

    def iteration(self, event: Any) -> None:
        """An iteration is done; blocking here pauses the solve."""

    def solve_finished(self, node: str | None, event: Any) -> None:
        """The iterations of a solve are over."""

    def output(self, node: str | None, event: Any) -> None:
        """The script has saved an image."""

    def should_stop(self) -> bool:
        """Whether the run is to end; asked at each statement, iteration and inner step."""
        return False


@dataclass
class Ending:
    """How a run ended: as it should where neither ``stopped`` nor ``failure`` is set."""

    stopped: bool = False
    failure: Failure | None = None
    namespace: dict[str, Any] = field(default_factory=dict)


def execute(
    program: Program,
    observer: Observer,
    *,
    base: Path | None = None,
    device: str = "auto",
    out: Path | None = None,
    preview: bool = False,
    watch_values: bool = False,
    cache: Cache | None = None,
) -> Ending:
    """Execute a script, statement by statement.

    Args:
        program: the script and its nodes.
        observer: who wants to know how it goes, and may stop it.
        base: the folder that relative input paths start from.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        out: the folder that images are saved to.
        preview: leave out solves and what depends on them, and go on after a failure.
        watch_values: also report the values of nodes written inside another node's statement.
        cache: values of earlier runs, for a worker that stays.

    Returns:
        How it ended; never raises what the script raised.
    """
    return _Execution(program, observer, preview, watch_values, cache).run(base, device, out)


class _Listener:
    """What ``dp.monitor`` calls, passed on with the node that is being executed."""

    def __init__(self, execution: _Execution) -> None:
        self._execution = execution
        self._observer = execution.observer

    def should_stop(self) -> bool:
        return self._observer.should_stop()

    def on_start(self, event: Any) -> None:
        self._execution.solves += 1
        self._observer.solve_started(self._execution.node, event)

    def on_iteration(self, event: Any) -> None:
        self._observer.iteration(event)
        if self._observer.should_stop():
            event.stop()

    def on_output(self, event: Any) -> None:
        self._observer.output(self._execution.node, event)

    def on_finish(self, event: Any) -> None:
        self._observer.solve_finished(self._execution.node, event)


class _Execution:
    def __init__(
        self,
        program: Program,
        observer: Observer,
        preview: bool,
        watch_values: bool,
        cache: Cache | None = None,
    ) -> None:
        self.program = program
        self.observer = observer
        self.preview = preview
        self.watch_values = watch_values
        self.solves = 0
        self.piece: Piece | None = None
        self.missing: set[str] = set()  # names whose statement was left out or failed
        self.cache = cache
        self.keys: dict[str, Hashable] = {}  # of the names whose value is kept
        self.inside: list[tuple[str, object]] = []  # values of nodes inside this statement
        self.base: Path | None = None
        self.device = ""
        self.flags = 0
        self.ending = Ending()
        self.namespace: dict[str, Any] = {"__name__": "__main__", "__file__": program.name}

    @property
    def node(self) -> str | None:
        return self.piece.node if self.piece else None

    def run(self, base: Path | None, device: str, out: Path | None) -> Ending:
        """Execute everything and say how it ended."""
        self.base, self.device = base, device
        text = self.program.text
        lines = text.splitlines(keepends=True)
        # No modification time: Python then keeps the entry, and tracebacks show the source.
        linecache.cache[self.program.name] = (len(text), None, lines, self.program.name)
        self.ending.namespace = self.namespace
        try:
            tree = ast.parse(text, self.program.name)
            with contextlib.ExitStack() as around:
                around.enter_context(dp.session(device=device, base=base, out=out))
                around.enter_context(dp.monitor(_Listener(self)))
                torch.manual_seed(_FRESH_SEED)
                self._statements(tree)
        except BaseException as error:
            self._fail(error)
        return self.ending

    def _statements(self, tree: ast.Module) -> None:
        taps = _Taps(self) if self.watch_values else None
        if taps is not None:
            self.namespace[_TAP] = taps.value
        for statement in tree.body:
            if self.observer.should_stop():
                self.ending.stopped = True
                if self.solves == 0:
                    return
            # After a stop, what shows the last iterate is still done; a preview does no solve.
            names = _Names(statement)
            no_solves = self.preview or self.ending.stopped
            if (no_solves and names.solves) or names.loaded & self.missing:
                self.missing |= names.stored
                continue
            if not self._statement(statement, taps):
                self.missing |= names.stored
                if self.ending.failure is not None and not self.preview:
                    return
        if self.observer.should_stop():
            self.ending.stopped = True

    def _statement(self, statement: ast.stmt, taps: _Taps | None) -> bool:
        """Execute one statement; whether it gave its value."""
        end = statement.end_lineno or statement.lineno
        self.piece = piece = piece_at(self.program, (statement.lineno, 0, end, 0))
        key = self._key(statement, taps)
        kept = self.cache.get(key) if self.cache is not None and key is not None else None
        if kept is not None and piece is not None:
            self._again(statement, piece, kept)
            return True
        inner = taps.wrap(statement) if taps is not None else []
        self.inside = []
        try:
            code = compile(ast.Module([statement], []), self.program.name, "exec", self.flags, True)
            self.flags |= code.co_flags & _FUTURE
            if piece is not None:
                self.observer.node_started(piece.node)
            begin = time.perf_counter()
            exec(code, self.namespace)
            if torch.cuda.is_initialized():
                torch.cuda.synchronize()  # so that the seconds are this statement's own
            seconds = time.perf_counter() - begin
        except SkipSolve:
            return False
        except BaseException as error:
            self._fail(error)
            return False
        if key is not None and self.cache is not None and piece is not None:
            self.cache.put(key, self.namespace.get(piece.name), list(self.inside))
        if piece is not None:
            value = self.namespace.get(piece.name)
            self._tell(self.observer.node_value, piece.node, value)
            for node in inner:
                self.observer.node_finished(node, None)
            self.observer.node_finished(piece.node, seconds)
        return True

    def _key(self, statement: ast.stmt, taps: _Taps | None) -> Hashable | None:
        """What the value of a statement depends on, and that of the name it gives from now on."""
        if self.cache is None:
            return None
        here = range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
        nodes = tuple(p.node for p in self.program.pieces if p.line in here) if taps else ()
        key = self.cache.key(statement, self.keys, self.base, self.device, nodes)
        for name in _Names(statement).stored:
            self.keys.pop(name, None)
            if key is not None:
                self.keys[name] = key
        return key

    def _again(self, statement: ast.stmt, piece: Piece, kept: Kept) -> None:
        """Give a statement's name the value of an earlier run, and tell all about it again."""
        begin = time.perf_counter()
        for name in _Names(statement).stored:
            self.namespace[name] = kept.value
        self.observer.node_started(piece.node)
        for node, value in kept.inner:
            self._tell(self.observer.node_value, node, value)
        self._tell(self.observer.node_value, piece.node, kept.value)
        for node, _ in kept.inner:
            self.observer.node_finished(node, None)
        self.observer.node_finished(piece.node, time.perf_counter() - begin)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, KeyboardInterrupt):
            self.ending.stopped = True
        elif self.ending.failure is None:
            self.ending.failure = failure_of(error, self.program, self.piece)

    def _tell(self, report: Callable[[str, object], None], node: str, value: object) -> None:
        """Report a value; a picture that cannot be drawn is no reason to end a run."""
        try:
            report(node, value)
        except Exception:
            log.warning("The value of a node could not be shown.", exc_info=sys.exc_info())

    def tell_value(self, node: str, value: object) -> None:
        """Report the value of a node inside another node's statement."""
        self.inside.append((node, value))
        self._tell(self.observer.node_value, node, value)


class _Taps:
    """Looks at the values of expressions that a node wrote inside another node's statement.

    Such an expression ``e`` is compiled as ``tap(node, e)``, where ``tap`` hands ``e`` through.
    """

    def __init__(self, execution: _Execution) -> None:
        self._execution = execution
        lines = execution.program.text.splitlines()
        self._nodes: dict[tuple[int, int, int, int], str] = {}
        for piece in execution.program.pieces:
            if not piece.whole and 0 < piece.line <= len(lines) >= piece.end_line:
                start = len(lines[piece.line - 1][: piece.column].encode())
                end = len(lines[piece.end_line - 1][: piece.end_column].encode())
                self._nodes[piece.line, start, piece.end_line, end] = piece.node

    def value(self, node: str, value: Any) -> Any:
        """Report a value and hand it through."""
        self._execution.tell_value(node, value)
        return value

    def wrap(self, statement: ast.stmt) -> list[str]:
        """Put taps into a statement; the nodes that were found in it."""
        wrapper = _Wrapper(self._nodes)
        wrapper.visit(statement)
        return wrapper.found


class _Wrapper(ast.NodeTransformer):
    def __init__(self, nodes: dict[tuple[int, int, int, int], str]) -> None:
        self._nodes = nodes
        self.found: list[str] = []

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if not isinstance(node, ast.expr) or not isinstance(
            getattr(node, "ctx", ast.Load()), ast.Load
        ):
            return node
        place = (node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)
        found = self._nodes.get(place)
        if found is None or found in self.found:
            return node
        self.found.append(found)
        call = ast.Call(ast.Name(_TAP, ast.Load()), [ast.Constant(found), node], [])
        return ast.fix_missing_locations(ast.copy_location(call, node))


class _Names(ast.NodeVisitor):
    """The names a statement reads and writes, and whether it compiles or solves a problem."""

    def __init__(self, statement: ast.stmt) -> None:
        self.loaded: set[str] = set()
        self.stored: set[str] = set()
        self.solves = False
        self.visit(statement)

    def visit_Name(self, node: ast.Name) -> None:
        """Sort a name into the read and the written ones."""
        (self.loaded if isinstance(node.ctx, ast.Load) else self.stored).add(node.id)

    def visit_Call(self, node: ast.Call) -> None:
        """Notice a call of ``solve`` or ``compile``."""
        if isinstance(node.func, ast.Attribute) and node.func.attr in _SOLVING:
            self.solves = True
        self.generic_visit(node)
