"""What the window and the worker say to each other, as plain data.

A message is a frozen dataclass; on the wire it is one line of JSON. Arrays travel beside the line
in anonymous memory whose descriptor is handed over, so a large picture costs the reader nothing.
Rows of history and the running iterate are not messages: they lie in shared memory (``memory.py``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = [
    "ARRAY",
    "MESSAGES",
    "Execute",
    "FrameStarted",
    "Message",
    "NodeFinished",
    "NodeImage",
    "NodeStarted",
    "Output",
    "Piece",
    "Program",
    "RunFailed",
    "RunFinished",
    "RunStarted",
    "RunStopped",
    "SolveFinished",
    "SolveStarted",
    "WorkerDied",
    "WorkerReady",
    "decode",
    "encode",
    "padded",
]


class _Statement(Protocol):
    @property
    def node(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def first_line(self) -> int: ...
    @property
    def last_line(self) -> int: ...


class _Span(Protocol):
    @property
    def node(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def end_line(self) -> int: ...
    @property
    def end_column(self) -> int: ...


class ScriptLike(Protocol):
    """What is needed of ``nodes.script.Script``."""

    @property
    def text(self) -> str: ...
    @property
    def statements(self) -> Sequence[_Statement]: ...
    @property
    def spans(self) -> Sequence[_Span]: ...


@dataclass(frozen=True)
class Piece:
    """A stretch of the script that one node wrote; lines from 1, columns from 0."""

    node: str
    name: str
    line: int
    column: int
    end_line: int
    end_column: int
    whole: bool = True  # of a node with a statement of its own, not inside another node's

    def holds(self, other: tuple[int, int, int, int]) -> bool:
        """Whether a stretch (line, column, end line, end column) lies inside this one."""
        line, column, end_line, end_column = other
        return (self.line, self.column) <= (line, column) and (end_line, end_column) <= (
            self.end_line,
            self.end_column,
        )


@dataclass(frozen=True)
class Program:
    """A script and which node wrote which part of it: all that a run needs to know."""

    text: str
    pieces: tuple[Piece, ...] = ()
    name: str = "script.py"

    @classmethod
    def of(
        cls, script: ScriptLike, name: str = "script.py", names: Mapping[str, str] | None = None
    ) -> Program:
        """The program of a generated script.

        Args:
            script: a ``nodes.script.Script``.
            name: what tracebacks call the file.
            names: names of the nodes that have no statement of their own, for error sentences.
        """
        known = dict(names or {}) | {part.node: part.name for part in script.statements}
        own = {part.node for part in script.statements}
        whole = [
            Piece(part.node, part.name, part.first_line, 0, part.last_line, 1 << 30)
            for part in script.statements
        ]
        parts = [
            Piece(
                part.node,
                known.get(part.node, ""),
                part.line,
                part.column,
                part.end_line,
                part.end_column,
                whole=part.node in own,
            )
            for part in script.spans
        ]
        return cls(script.text, (*whole, *parts), name)


@dataclass(frozen=True)
class Output:
    """A file that a script wrote, and the node that asked for it."""

    node: str | None
    name: str
    path: str


@dataclass(frozen=True)
class Execute:
    """Window → worker: execute this script; ``preview`` executes only what comes before a solve."""

    run: int
    program: Program
    base: str | None = None
    device: str = "auto"
    out: str | None = None
    preview: bool = False
    steps: int = 0  # single steps granted before this run


@dataclass(frozen=True)
class WorkerReady:
    """The worker has imported the solver and waits for a script."""

    devices: tuple[str, ...]
    versions: dict[str, str]
    titles: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunStarted:
    """The worker has begun to execute a script."""

    run: int
    preview: bool = False


@dataclass(frozen=True)
class NodeStarted:
    """The statement of this node is being executed."""

    run: int
    node: str


@dataclass(frozen=True)
class NodeFinished:
    """The statement of this node is done; ``seconds`` is None for a node inside another's."""

    run: int
    node: str
    seconds: float | None


@dataclass(frozen=True)
class NodeImage:
    """The value of a node, where it is an image.

    Attributes:
        array: a thumbnail, float32, ``(H, W)`` or ``(H, W, 3)``, at most 256 pixels long.
        full: the image with at most 4 megapixels; a larger one was averaged over blocks.
        reduction: the side of those blocks; 1 says that ``full`` holds every pixel.
        low: the smallest value of the whole image.
        high: the largest value of the whole image.
        shape: the shape of the tensor itself.
        dtype: its type, such as ``float32``.
    """

    run: int
    node: str
    array: npt.NDArray[np.float32]
    full: npt.NDArray[np.float32]
    reduction: int
    low: float
    high: float
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class FrameStarted:
    """Worker → client: pictures numbered from ``first`` on lie in the memory beside this line."""

    first: int
    variable: str
    shape: tuple[int, ...]
    reduction: int
    solve: int


@dataclass(frozen=True)
class SolveStarted:
    """A problem was compiled and its iterations begin; ``solve`` counts solves of this worker."""

    run: int
    node: str | None
    plan: dict[str, Any]
    plan_text: str
    max_iter: int
    tolerances: dict[str, float]
    variables: tuple[str, ...] = ()
    solve: int = 0


@dataclass(frozen=True)
class SolveFinished:
    """The iterations of a solve are over; ``sentence`` says how they ended."""

    run: int
    node: str | None
    status: str
    sentence: str
    converged: bool
    iterations: int
    seconds: float
    objective: float
    metrics: dict[str, float]
    solve: int = 0


@dataclass(frozen=True)
class RunFinished:
    """The whole script was executed."""

    run: int
    outputs: tuple[Output, ...] = ()
    preview: bool = False


@dataclass(frozen=True)
class RunFailed:
    """A statement failed; ``details`` is the traceback, for whoever wants to see it."""

    run: int
    node: str | None
    sentence: str
    details: str
    preview: bool = False


@dataclass(frozen=True)
class RunStopped:
    """The run was stopped by request; ``forced`` says that the worker had to be ended for it."""

    run: int
    forced: bool = False
    preview: bool = False


@dataclass(frozen=True)
class WorkerDied:
    """The worker process ended by itself; ``run`` is what it was at, ``details`` its last words."""

    sentence: str
    run: int | None = None
    node: str | None = None
    details: str = ""


Message = (
    WorkerReady
    | RunStarted
    | NodeStarted
    | NodeFinished
    | NodeImage
    | FrameStarted
    | SolveStarted
    | SolveFinished
    | RunFinished
    | RunFailed
    | RunStopped
    | WorkerDied
)

MESSAGES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Execute,
        WorkerReady,
        RunStarted,
        NodeStarted,
        NodeFinished,
        NodeImage,
        FrameStarted,
        SolveStarted,
        SolveFinished,
        RunFinished,
        RunFailed,
        RunStopped,
        WorkerDied,
    )
}
ARRAY = b'"$array"'  # what marks, in a line, an array that travels beside it
_PARTS: dict[str, type] = {kind.__name__: kind for kind in (Program, Piece, Output)}


def encode(message: Any) -> tuple[bytes, list[npt.NDArray[Any]]]:
    """A message as one line of JSON, and the arrays that travel beside it."""
    arrays: list[npt.NDArray[Any]] = []
    return json.dumps(_plain(message, arrays)).encode("ascii") + b"\n", arrays


def decode(line: bytes, memory: Any = None) -> Any:
    """The message in a line; ``memory`` is the buffer that holds its arrays, if it has any."""
    return _rebuilt(json.loads(line), memory)


def padded(size: int) -> int:
    """The bytes an array of this size takes where several lie one after the other."""
    return -(-size // 64) * 64


# The two below are functions of their own and not closures: a closure that calls itself is a
# cycle, and would keep large arrays, and their descriptors, until the collector comes by.


def _plain(value: Any, arrays: list[npt.NDArray[Any]]) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray):
        start = sum(padded(array.nbytes) for array in arrays)
        arrays.append(value)
        return {"$array": [start, value.dtype.str, list(value.shape)]}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {part.name: _plain(getattr(value, part.name), arrays) for part in fields(value)}
        return {"$type": type(value).__name__, **parts}
    if isinstance(value, Mapping):
        return {str(key): _plain(item, arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, arrays) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item(), arrays)
    return str(value)


def _rebuilt(value: Any, memory: Any) -> Any:
    if isinstance(value, list):
        return tuple(_rebuilt(item, memory) for item in value)
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        offset, dtype, shape = value["$array"]
        count = int(np.prod(shape))
        return np.frombuffer(memory, dtype, count, offset=offset).reshape(shape)
    parts = {key: _rebuilt(item, memory) for key, item in value.items() if key != "$type"}
    name = value.get("$type")
    return (MESSAGES.get(name) or _PARTS[name])(**parts) if name else parts
