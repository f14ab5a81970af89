"""Scripts to run, and a person who looks at an engine 50 times a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from app.engine.client import Engine, LiveImage, Update
from app.engine.protocol import Message, Piece, Program, RunFailed, RunFinished, RunStopped

_Kind = TypeVar("_Kind")
ENDS = (RunFinished, RunFailed, RunStopped)

DENOISING = """\
import dprox_core as dp

photo = dp.load_image("sample:camera", size={size})
noisy = dp.add_noise(photo, sigma=0.1, seed=0)

x = dp.Variable("x", shape=noisy.shape)
fidelity = dp.sum_squares(x - noisy)
smoothness = 0.1 * dp.norm1(dp.grad(x))

problem = dp.Problem(fidelity + smoothness)
result = problem.solve(
    method="admm", x0=noisy, max_iter={max_iter}, abs_tol=0.0, rel_tol=0.0, truth=photo
)

dp.save_image("x.png", result[x])
"""
FOREVER = 1_000_000


def program(text: str, name: str = "script.py") -> Program:
    """A script in which every assigned name is a node whose id is ``id-NAME``."""
    import ast

    pieces = []
    for statement in ast.parse(text).body:
        name_ = None
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name_ = statement.targets[0].id
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            name_ = "view"
        if name_:
            end = statement.end_lineno or statement.lineno
            pieces.append(Piece(f"id-{name_}", name_, statement.lineno, 0, end, 1 << 30))
    return Program(text, tuple(pieces), name)


def denoising(size: int = 48, max_iter: int = 20) -> Program:
    """Total-variation denoising of a small photograph."""
    return program(DENOISING.format(size=size, max_iter=max_iter))


class Watcher:
    """Looks at an engine and keeps everything that came."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.messages: list[Message] = []
        self.rows = np.empty((0, 8))
        self.images: list[LiveImage] = []
        self.text = ""

    def look(self) -> Update:
        """Take what has come."""
        update = self.engine.poll()
        self.messages += update.messages
        self.rows = np.concatenate([self.rows, update.history])
        self.text += update.text
        if update.image is not None:
            self.images.append(update.image)
        return update

    def wait(self, condition: Callable[[], Any], seconds: float = 60.0) -> None:
        """Look until something is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.engine.state, self.messages[-5:], self.text)
            self.look()
            time.sleep(0.02)

    def of(self, kind: type[_Kind] | tuple[type[_Kind], ...], run: int | None = None) -> list[Any]:
        """The messages of a kind, of one run if it is given."""
        return [
            message
            for message in self.messages
            if isinstance(message, kind) and (run is None or getattr(message, "run", None) == run)
        ]

    def first(self, kind: Any, run: int | None = None) -> Any:
        """Wait for a message of a kind, and return the first one."""
        self.wait(lambda: self.of(kind, run))
        return self.of(kind, run)[0]

    def end(self, run: int) -> Any:
        """Wait until a run has ended, and return the message that said so."""
        return self.first(ENDS, run)
