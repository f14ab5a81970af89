"""What the window and the worker say to each other, as plain data.

A message is a frozen dataclass; ``wire_format.py`` makes a line of it and back. Rows of history and
the running iterate are not messages: they lie in shared memory (``memory.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = late("numpy")


__all__ = [
    "MESSAGES",
    "Execute",
    "FrameStarted",
    "Message",
    "NodeFinished",
    "NodeImage",
    "NodeStarted",
    "Output",
    "Piece",
    "PriorTried",
    "Program",
    "RunFailed",
    "RunFinished",
    "RunStarted",
    "RunStopped",
    "SolveFinished",
    "SolveStarted",
    "TryPrior",
    "WorkerDied",
    "WorkerReady",
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


def _no_phase() -> npt.NDArray[np.float32]:
    return np.empty((0, 0), np.float32)


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
class TryPrior:
    """Window → worker: let a prior take the noise out of a patch; done between runs."""

    run: int
    denoiser: str
    options: dict[str, Any] = field(default_factory=dict)  # of ``deep_prior``
    base: str | None = None
    preview: bool = True  # on the side, as a preview is


@dataclass(frozen=True)
class PriorTried:
    """What the prior made of the patch; ``sentence`` says why there is nothing to see.

    Attributes:
        sigma: the noise level.
        noisy, denoised: float32, ``(H, W)`` or ``(H, W, 3)``.
        before, after: PSNR in dB.
        stretch: the Lipschitz constant, None where it is not known.
    """

    run: int
    sigma: float = 0.0
    noisy: npt.NDArray[np.float32] | None = None
    denoised: npt.NDArray[np.float32] | None = None
    before: float = 0.0
    after: float = 0.0
    stretch: float | None = None
    sentence: str = ""


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
        phase: of complex values, in radians, of the shape of ``full``; empty for real ones.
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
    phase: npt.NDArray[np.float32] = field(default_factory=_no_phase)


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
    | PriorTried
    | WorkerDied
)

MESSAGES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Execute,
        TryPrior,
        PriorTried,
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
