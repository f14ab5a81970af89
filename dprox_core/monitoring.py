"""The one way to listen to a solve.

``with monitor(listener): problem.solve(...)`` tells the listener when a solve starts, after each
iteration, when an image is saved and when the solve is over. Listening never changes what is
computed; it only lets the objective be evaluated at every iteration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from dprox_core.errors import ParameterError

if TYPE_CHECKING:
    from dprox_core.compiler.plan import Plan
    from dprox_core.result import Result

__all__ = [
    "Iteration",
    "Output",
    "SolveFinished",
    "SolveStarted",
    "cancel_requested",
    "listeners",
    "monitor",
    "notify_output",
    "silence",
]

_LISTENERS: ContextVar[tuple[object, ...]] = ContextVar("dprox_listeners", default=())
_METHODS = ("on_start", "on_iteration", "on_output", "on_finish", "should_stop")


@dataclass(frozen=True)
class SolveStarted:
    """A solve begins.

    Attributes:
        plan: what will be done.
        max_iter: the iteration limit.
        variables: the names of the unknowns.
        tolerances: the absolute and relative tolerance, by name.
    """

    plan: Plan
    max_iter: int
    variables: tuple[str, ...]
    tolerances: Mapping[str, float]


@dataclass
class Iteration:
    """One iteration is over.

    Attributes:
        iteration: its number, from 1.
        seconds: time spent computing since the start, listeners not counted.
        objective: the written objective at the iterate; constraints show in the residual instead.
        primal_residual: how far the split copies are from what they copy.
        dual_residual: how far the iterate is from stationary.
        primal_tolerance: the primal residual at which the solve counts as converged.
        dual_tolerance: the dual residual at which the solve counts as converged.
        psnr: against the truth, where one was given.
        rho: the penalty parameter (the step size for methods without one).
    """

    iteration: int
    seconds: float
    objective: float
    primal_residual: float
    dual_residual: float
    primal_tolerance: float
    dual_tolerance: float
    psnr: float | None
    rho: float
    _read: Callable[[], dict[str, torch.Tensor]] | None = field(default=None, repr=False)
    _iterate: dict[str, torch.Tensor] | None = field(default=None, repr=False)
    stop_requested: bool = False

    @property
    def iterate(self) -> dict[str, torch.Tensor]:
        """Copies of the variables now, by name; made when first read, during the call only.

        Raises:
            ParameterError: it is read for the first time after the listener returned.
        """
        if self._iterate is None:
            if self._read is None:
                raise ParameterError(
                    "The iterate of an iteration that is over is gone: read event.iterate while "
                    "the listener is called.",
                    where="iterate",
                )
            self._iterate = self._read()
        return self._iterate

    def stop(self) -> None:
        """Ask the solve to stop after this iteration; the result says STOPPED."""
        self.stop_requested = True

    def close(self) -> None:
        """Let go of the solver's memory; an iterate already read stays."""
        self._read = None


@dataclass(frozen=True)
class Output:
    """An image was saved.

    Attributes:
        path: the file.
        name: its name without folder and ending.
        image: the tensor that was saved.
        levels: the values shown black and white, or "auto".
    """

    path: Path
    name: str
    image: torch.Tensor
    levels: tuple[float, float] | str


@dataclass(frozen=True)
class SolveFinished:
    """A solve is over.

    Attributes:
        result: what it found.
    """

    result: Result


@contextmanager
def monitor(listener: object) -> Iterator[object]:
    """Listen to every solve and every saved image inside the block.

    A listener is any object with any of the methods ``on_start(SolveStarted)``,
    ``on_iteration(Iteration)``, ``on_output(Output)``, ``on_finish(SolveFinished)`` and
    ``should_stop() -> bool`` (asked at every iteration and inner step), or a plain function, which
    is called as ``on_iteration``. Blocks may be nested; all listeners hear.

    Args:
        listener: who listens.

    Yields:
        The listener.

    Raises:
        ParameterError: the listener has none of the methods and cannot be called.

    Example:
        >>> import torch, dprox_core as dp
        >>> x = dp.Variable("x", shape=(1, 1, 8, 8))
        >>> problem = dp.Problem(dp.sum_squares(x - 1) + dp.norm1(dp.grad(x)))
        >>> seen = []
        >>> with dp.monitor(lambda event: seen.append(event.iteration)):
        ...     result = problem.solve(max_iter=20)
        >>> seen == list(range(1, result.iterations + 1))
        True
    """
    if not callable(listener) and not any(hasattr(listener, name) for name in _METHODS):
        raise ParameterError(
            f"A listener has one of the methods {', '.join(_METHODS)}, or is a function; "
            f"{type(listener).__name__} is neither.",
            expected=_METHODS,
            got=type(listener).__name__,
            where="listener",
        )
    token = _LISTENERS.set((*_LISTENERS.get(), listener))
    try:
        yield listener
    finally:
        _LISTENERS.reset(token)


@contextmanager
def silence() -> Iterator[None]:
    """Solves inside the block are told to nobody, but can still be cancelled."""
    quiet = tuple(_Canceller(hook) for hook in listeners("should_stop"))
    token = _LISTENERS.set(quiet)
    try:
        yield
    finally:
        _LISTENERS.reset(token)


class _Canceller:
    def __init__(self, should_stop: Callable[[], bool]) -> None:
        self.should_stop = should_stop


def listeners(method: str) -> list[Callable[..., Any]]:
    """The listeners' methods of this name, outermost first."""
    found = []
    for listener in _LISTENERS.get():
        hook = getattr(listener, method, None)
        if hook is None and method == "on_iteration" and _is_plain(listener):
            hook = listener
        if callable(hook):
            found.append(hook)
    return found


def _is_plain(listener: object) -> bool:
    return callable(listener) and not any(hasattr(listener, name) for name in _METHODS)


def notify(method: str, event: object) -> None:
    """Tell every listener that has the method."""
    for hook in listeners(method):
        hook(event)


def notify_output(
    path: Path, name: str, image: torch.Tensor, levels: tuple[float, float] | str
) -> None:
    """Tell the listeners that an image was saved."""
    hooks = listeners("on_output")
    if hooks:
        event = Output(Path(path), name, image.detach(), levels)
        for hook in hooks:
            hook(event)


def cancel_requested() -> bool:
    """Whether any listener's ``should_stop`` says so; solvers ask at every inner step."""
    return any(hook() for hook in listeners("should_stop"))
